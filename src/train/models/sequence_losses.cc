#include "train/models/sequence_losses.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "train/models/row_kernels.h"
#include "train/models/sequence_network.h"

namespace vitrine::train {
namespace {

constexpr std::int64_t kBufferFloats = std::int64_t{4} << 20;
constexpr std::int64_t kFewestPlaces = 16;
constexpr std::int64_t kMostPlaces = 256;
/// Items whose logits are made together, still near when their exponentials are taken.
constexpr std::int64_t kTile = 1024;

/// Of one value a place.
torch::Tensor MeanOf(const torch::Tensor& values, const torch::Tensor& weights) {
  return weights.defined() ? (values * weights).mean() : values.mean();
}

torch::Tensor SoftmaxLoss(const torch::Tensor& positive, const torch::Tensor& negative,
                          const torch::Tensor& weights, std::int64_t items) {
  // A drawn item stands for items / K others: the sum over the draw estimates the sum over all.
  const double correction =
      std::log(static_cast<double>(items) / static_cast<double>(negative.size(1)));
  const torch::Tensor logits = torch::cat({positive, negative + correction}, 1);
  return MeanOf(torch::logsumexp(logits, 1) - positive.squeeze(1), weights);
}

torch::Tensor BinaryLoss(const torch::Tensor& positive, const torch::Tensor& negative,
                         const torch::Tensor& weights, double power) {
  const torch::Tensor yes = torch::log_sigmoid(positive).squeeze(1) * power;
  const torch::Tensor no = torch::log_sigmoid(-negative).sum(1);
  return -MeanOf(yes + no, weights) / static_cast<double>(negative.size(1) + 1);
}

const float* Row(const torch::Tensor& matrix, std::int64_t row) {
  return matrix.data_ptr<float>() + row * matrix.size(1);
}
float* MutableRow(const torch::Tensor& matrix, std::int64_t row) {
  return matrix.data_ptr<float>() + row * matrix.size(1);
}

float Product(const float* a, const float* b, std::int64_t size) {
  float sum = 0;
  for (std::int64_t k = 0; k < size; ++k) {
    sum += a[k] * b[k];
  }
  return sum;
}

/// Logits of drawn items that are the place's own target.
void Unsee(const bool* same, std::int64_t size, float* row) {
  const bool* end = same + size;
  for (const bool* at = std::find(same, end, true); at != end; at = std::find(at + 1, end, true)) {
    row[at - same] = kUnseen;
  }
}

void AddScaled(float* y, float c, const float* x, std::int64_t size) {
  for (std::int64_t k = 0; k < size; ++k) {
    y[k] += c * x[k];
  }
}

/// SoftmaxOverAll. A chunk of places makes its exponentials tile by tile of items, each below its own largest
/// logit, and they are never scaled: what is missing to a probability, a number a place and tile, is
/// multiplied into the narrow factors of the two products instead. The target's and the smoothing's parts of the
/// gradients are added apart.
class AllItems {
 public:
  AllItems(const torch::Tensor& states, const torch::Tensor& wanted, const torch::Tensor& items,
           double smoothing, const torch::Tensor& weights)
      : states_(states.contiguous()),
        wanted_(wanted.contiguous()),
        items_(items.contiguous()),
        weights_(weights.defined() ? weights.contiguous() : weights),
        smoothing_(smoothing),
        width_(states.size(1)),
        count_(items.size(0)),
        tiles_((count_ + kTile - 1) / kTile),
        chunk_(std::min(std::clamp(kBufferFloats / count_, kFewestPlaces, kMostPlaces),
                        states.size(0))),
        buffer_(torch::empty({chunk_ * count_})),
        largest_(torch::empty({tiles_, chunk_})),
        factors_(torch::empty({tiles_, chunk_})),
        picked_(static_cast<std::size_t>(chunk_)) {
    out_.states = torch::zeros_like(states_);
    out_.items = torch::zeros_like(items_);
    if (smoothing > 0) {
      all_items_ = items_.sum(0);
      all_states_ = torch::zeros({width_});
    }
  }

  LossGradients Make() {
    for (std::int64_t begin = 0; begin < states_.size(0); begin += chunk_) {
      const std::int64_t end = std::min(begin + chunk_, states_.size(0));
      for (std::int64_t tile = 0; tile < tiles_; ++tile) {
        Exponentials(begin, end, tile);
      }
      for (std::int64_t place = begin; place < end; ++place) {
        Close(place, place - begin);
      }
      Products(begin, end);
    }
    if (smoothing_ > 0) {
      out_.items.sub_(all_states_ * (smoothing_ / static_cast<double>(count_)));
    }
    return std::move(out_);
  }

 private:
  /// Of a chunk's places and a tile's items, [places, items].
  [[nodiscard]] torch::Tensor Part(std::int64_t places, std::int64_t tile) const {
    const std::int64_t from = tile * kTile;
    const std::int64_t size = std::min(kTile, count_ - from);
    return buffer_.slice(0, from * places, (from + size) * places).view({places, size});
  }
  [[nodiscard]] torch::Tensor Tile(const torch::Tensor& items, std::int64_t tile) const {
    return items.slice(0, tile * kTile, std::min((tile + 1) * kTile, count_));
  }

  void Exponentials(std::int64_t begin, std::int64_t end, std::int64_t tile) {
    torch::Tensor part = Part(end - begin, tile);
    torch::mm_out(part, states_.slice(0, begin, end), Tile(items_, tile).t());
    const auto size = static_cast<std::size_t>(part.size(1));
    const std::int64_t from = tile * kTile;
    const auto* wanted = wanted_.data_ptr<std::int64_t>() + begin;
    for (std::int64_t p = 0; p < end - begin; ++p) {
      float* row = MutableRow(part, p);
      if (wanted[p] >= from && wanted[p] < from + part.size(1)) {
        picked_[static_cast<std::size_t>(p)] = row[wanted[p] - from];
      }
      const float most = Largest(row, size);
      MutableRow(largest_, tile)[p] = most;
      MutableRow(factors_, tile)[p] = ExpAndSum(row, size, most);
    }
  }

  /// Turns the tiles' sums into factors; adds the loss and what the target alone gives.
  void Close(std::int64_t place, std::int64_t p) {
    float most = Row(largest_, 0)[p];
    for (std::int64_t tile = 1; tile < tiles_; ++tile) {
      most = std::max(most, Row(largest_, tile)[p]);
    }
    double sum = 0;
    for (std::int64_t tile = 0; tile < tiles_; ++tile) {
      sum += double{Row(factors_, tile)[p]} * std::exp(double{Row(largest_, tile)[p]} - most);
    }
    const double share = (weights_.defined() ? double{weights_.data_ptr<float>()[place]} : 1.0) /
                         static_cast<double>(states_.size(0));
    for (std::int64_t tile = 0; tile < tiles_; ++tile) {
      MutableRow(factors_, tile)[p] =
          static_cast<float>(share * std::exp(double{Row(largest_, tile)[p]} - most) / sum);
    }
    const float* state = Row(states_, place);
    const std::int64_t target = wanted_.data_ptr<std::int64_t>()[place];
    double told = double{picked_[static_cast<std::size_t>(p)]};
    const auto own = static_cast<float>((1 - smoothing_) * share);
    AddScaled(MutableRow(out_.states, place), -own, Row(items_, target), width_);
    AddScaled(MutableRow(out_.items, target), -own, state, width_);
    if (smoothing_ > 0) {
      const auto even = static_cast<float>(smoothing_ * share / static_cast<double>(count_));
      const auto* all = all_items_.data_ptr<float>();
      told = told * (1 - smoothing_) +
             smoothing_ * double{Product(state, all, width_)} / static_cast<double>(count_);
      AddScaled(MutableRow(out_.states, place), -even, all, width_);
      AddScaled(all_states_.data_ptr<float>(), static_cast<float>(share), state, width_);
    }
    out_.loss += share * (most + std::log(sum) - told);
  }

  void Products(std::int64_t begin, std::int64_t end) {
    const torch::Tensor part = states_.slice(0, begin, end);
    torch::Tensor gradient = out_.states.slice(0, begin, end);
    torch::Tensor product = torch::empty_like(part);
    torch::Tensor scaled = torch::empty_like(part);
    for (std::int64_t tile = 0; tile < tiles_; ++tile) {
      const torch::Tensor exponentials = Part(end - begin, tile);
      const torch::Tensor factors = factors_[tile].slice(0, 0, end - begin).unsqueeze(1);
      torch::mul_out(scaled, part, factors);
      Tile(out_.items, tile).addmm_(exponentials.t(), scaled);
      torch::mm_out(product, exponentials, Tile(items_, tile));
      gradient.addcmul_(product, factors);
    }
  }

  torch::Tensor states_;
  torch::Tensor wanted_;
  torch::Tensor items_;
  torch::Tensor weights_;
  double smoothing_;
  std::int64_t width_;
  std::int64_t count_;
  std::int64_t tiles_;
  std::int64_t chunk_;
  torch::Tensor buffer_;
  torch::Tensor largest_;  // [tiles, chunk]
  torch::Tensor factors_;  // [tiles, chunk], first the sums
  std::vector<float> picked_;
  torch::Tensor all_items_;   // sum of the items' vectors
  torch::Tensor all_states_;  // sum of the states, as each counts
  LossGradients out_;
};

}  // namespace

LossGradients SoftmaxOverAll(const torch::Tensor& states, const torch::Tensor& wanted,
                             const torch::Tensor& items, double smoothing,
                             const torch::Tensor& weights) {
  const torch::NoGradGuard no_grad;
  return AllItems(states, wanted, items, smoothing, weights).Make();
}

SampledGradients SampledSoftmax(const Sampled& sampled, std::int64_t items) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor states = sampled.states.contiguous();
  const torch::Tensor positives = sampled.positives.contiguous();
  const torch::Tensor same = sampled.same.contiguous();
  const torch::Tensor counts =
      sampled.weights.defined() ? sampled.weights.contiguous() : sampled.weights;
  const float* weights = counts.defined() ? counts.data_ptr<float>() : nullptr;
  const std::int64_t places = states.size(0);
  const std::int64_t width = states.size(1);
  const std::int64_t drawn = sampled.negatives.size(0);
  const std::int64_t chunk = std::clamp(kBufferFloats / 8 / drawn, kFewestPlaces, kMostPlaces);
  // A drawn item stands for items / K others: the sum over the draw estimates the sum over all.
  const auto correction =
      static_cast<float>(std::log(static_cast<double>(items) / static_cast<double>(drawn)));
  SampledGradients out{.states = torch::empty_like(states),
                       .positives = torch::empty_like(positives),
                       .negatives = torch::zeros_like(sampled.negatives)};
  const torch::Tensor buffer = torch::empty({std::min(chunk, places), drawn});
  const torch::Tensor factors = torch::empty({places, 1});
  const torch::Tensor own = torch::empty({places, 1});
  for (std::int64_t begin = 0; begin < places; begin += chunk) {
    const std::int64_t end = std::min(begin + chunk, places);
    torch::Tensor logits = buffer.slice(0, 0, end - begin);
    torch::mm_out(logits, states.slice(0, begin, end), sampled.negatives.t());
    for (std::int64_t place = begin; place < end; ++place) {
      float* row = MutableRow(logits, place - begin);
      const bool* hits = same.data_ptr<bool>() + place * drawn;
      Unsee(hits, drawn, row);
      const float positive = Product(Row(states, place), Row(positives, place), width);
      const float most =
          std::max(positive, Largest(row, static_cast<std::size_t>(drawn)) + correction);
      const double told = std::exp(double{positive} - most);
      const double sum =
          told + double{ExpAndSum(row, static_cast<std::size_t>(drawn), most - correction)};
      const double share =
          (weights != nullptr ? double{weights[place]} : 1.0) / static_cast<double>(places);
      factors.data_ptr<float>()[place] = static_cast<float>(share / sum);
      own.data_ptr<float>()[place] = static_cast<float>(share * (told / sum - 1));
      out.loss += share * (most + std::log(sum) - positive);
    }
    torch::Tensor gradient = out.states.slice(0, begin, end);
    torch::mm_out(gradient, logits, sampled.negatives);
    const torch::Tensor factor = factors.slice(0, begin, end);
    gradient.mul_(factor);
    out.negatives.addmm_(logits.t(), states.slice(0, begin, end) * factor);
  }
  out.states.addcmul_(positives, own);
  torch::mul_out(out.positives, states, own);
  return out;
}

torch::Tensor SampledLoss(const SequenceOptions& options, const Sampled& sampled,
                          std::int64_t items) {
  const torch::Tensor positive = (sampled.states * sampled.positives).sum(-1, /*keepdim=*/true);
  const torch::Tensor negative =
      sampled.states.matmul(sampled.negatives.t()).masked_fill(sampled.same, kUnseen);
  const auto drawn = static_cast<double>(negative.size(1));
  switch (options.loss) {
    case Loss::kBce:
      return BinaryLoss(positive, negative, sampled.weights, 1);
    case Loss::kGbce: {
      const double rate = drawn / std::max(1.0, static_cast<double>(items - 1));
      const double t = options.calibration;
      return BinaryLoss(positive, negative, sampled.weights,
                        rate * (t * (1 - 1 / rate) + 1 / rate));
    }
    case Loss::kBpr:
      // Without weights all n x K at once: the mean of means differs in its last bits.
      return sampled.weights.defined()
                 ? -MeanOf(torch::log_sigmoid(positive - negative).mean(1), sampled.weights)
                 : -torch::log_sigmoid(positive - negative).mean();
    default:
      return SoftmaxLoss(positive, negative, sampled.weights, items);
  }
}

}  // namespace vitrine::train
