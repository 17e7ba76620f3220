#include "train/models/sequence_losses.h"

#include <algorithm>
#include <cmath>

#include "train/models/sequence_network.h"

namespace vitrine::train {
namespace {

constexpr std::int64_t kBufferFloats = std::int64_t{2} << 20;
constexpr std::int64_t kFewestPlaces = 16;
constexpr std::int64_t kMostPlaces = 256;

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

}  // namespace

LossGradients SoftmaxOverAll(const torch::Tensor& states, const torch::Tensor& wanted,
                             const torch::Tensor& items, double smoothing,
                             const torch::Tensor& weights) {
  const torch::NoGradGuard no_grad;
  const std::int64_t places = states.size(0);
  const std::int64_t count = items.size(0);
  const std::int64_t chunk = std::clamp(kBufferFloats / count, kFewestPlaces, kMostPlaces);
  const torch::Tensor buffer = torch::empty({std::min(chunk, places), count});
  const torch::Tensor transposed = items.t();
  const double weight = 1 / static_cast<double>(places);
  LossGradients out{.states = torch::empty_like(states), .items = torch::zeros_like(items)};
  for (std::int64_t begin = 0; begin < places; begin += chunk) {
    const std::int64_t end = std::min(begin + chunk, places);
    const torch::Tensor part = states.slice(0, begin, end);
    const torch::Tensor targets = wanted.slice(0, begin, end).unsqueeze(1);
    torch::Tensor logits = buffer.slice(0, 0, end - begin);
    torch::mm_out(logits, part, transposed);
    const torch::Tensor picked = logits.gather(1, targets);
    const torch::Tensor highest = logits.amax({1}, /*keepdim=*/true);
    torch::Tensor losses = highest - picked;
    if (smoothing > 0) {
      losses = highest - picked * (1 - smoothing) - logits.mean({1}, true) * smoothing;
    }
    logits.sub_(highest).exp_();
    const torch::Tensor sums = logits.sum({1}, /*keepdim=*/true);
    const torch::Tensor each = losses + sums.log();
    // From here on the buffer holds the gradient by the logits.
    if (weights.defined()) {
      const torch::Tensor share = weights.slice(0, begin, end).unsqueeze(1) * weight;
      out.loss += (each * share).sum().item<double>();
      logits.mul_(sums.reciprocal() * share);
      logits.sub_(share * (smoothing / static_cast<double>(count)));
      logits.scatter_add_(1, targets, share * -(1 - smoothing));
    } else {
      out.loss += each.sum().item<double>() * weight;
      logits.mul_(sums.reciprocal() * weight);
      if (smoothing > 0) {
        logits.sub_(smoothing * weight / static_cast<double>(count));
      }
      logits.scatter_add_(1, targets, torch::full({end - begin, 1}, -(1 - smoothing) * weight));
    }
    torch::Tensor gradient = out.states.slice(0, begin, end);
    torch::mm_out(gradient, logits, items);
    out.items.addmm_(logits.t(), part);
  }
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
