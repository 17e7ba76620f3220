// A training step at the size of a small shop (12,101 items), alternated in one process with the same
// step as LibTorch's stock parts make it: cross_entropy over a matrix of logits; a dense gradient of
// the item table and torch::optim::Adam. What no exact method can do without, the three matrix products of a
// cross-entropy over all items, is timed beside it: stock / products is the most that is to be had on a
// machine. One thread. Ratios are taken with malloc as a process finds
// it and, beside it, with the thresholds that vitrine-trainer sets, for both sides.
#include "train/models/torch_headers.h"

#include <malloc.h>
#include <torch/optim/adam.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "bench/report.h"
#include "core/history.h"
#include "train/models/sasrec_network.h"
#include "train/models/sequence_losses.h"
#include "train/models/sequence_trainer.h"
#include "train/sequences.h"

namespace vitrine::bench {
namespace {

constexpr int kPairs = 7;
constexpr std::int64_t kWidth = 64;
constexpr std::int64_t kRows = 128;

/// Seconds of ours and of stock's, alternated.
struct Pairs {
  std::vector<double> ours;
  std::vector<double> ratios;
};

template <typename Ours, typename Stock>
Pairs Alternate(int calls, const Ours& ours, const Stock& stock) {
  ours();
  stock();
  Pairs pairs;
  for (int pair = 0; pair < kPairs; ++pair) {
    const double a = TypicalSeconds(calls, ours);
    const double b = TypicalSeconds(calls, stock);
    pairs.ours.push_back(a);
    pairs.ratios.push_back(b / a);
  }
  return pairs;
}

Bar Ratio(const std::string& name, const Pairs& pairs, double bound) {
  return {name, Median(pairs.ratios), "x", true, bound, kPairs, Spread(pairs.ratios)};
}

void CrossEntropy(std::int64_t places, std::int64_t items, const std::string& malloc, double bound,
                  std::vector<Bar>& bars) {
  torch::manual_seed(1);
  torch::Tensor states = torch::randn({places, kWidth}).requires_grad_(true);
  torch::Tensor table = (torch::randn({items, kWidth}) / 8).requires_grad_(true);
  const torch::Tensor wanted = torch::randint(0, items, {places}, torch::kLong);
  double ours = 0;
  double theirs = 0;
  const auto chunked = [&] {
    ours = train::SoftmaxOverAll(states.detach(), wanted, table.detach(), 0).loss;
  };
  const auto stock = [&] {
    states.mutable_grad().reset();
    table.mutable_grad().reset();
    const torch::Tensor loss =
        torch::nn::functional::cross_entropy(states.matmul(table.t()), wanted);
    loss.backward();
    theirs = loss.item<double>();
  };
  // Logits, and both gradients of what would be their softmax, in chunks of places as ours.
  const std::int64_t chunk = 256;
  const torch::Tensor buffer = torch::empty({chunk, items});
  torch::Tensor to_states = torch::empty({places, kWidth});
  torch::Tensor to_items = torch::empty({items, kWidth});
  const auto products = [&] {
    const torch::NoGradGuard no_grad;
    to_items.zero_();
    for (std::int64_t begin = 0; begin < places; begin += chunk) {
      const std::int64_t end = std::min(begin + chunk, places);
      torch::Tensor logits = buffer.slice(0, 0, end - begin);
      const torch::Tensor part = states.detach().slice(0, begin, end);
      torch::Tensor gradient = to_states.slice(0, begin, end);
      torch::mm_out(logits, part, table.detach().t());
      torch::mm_out(gradient, logits, table.detach());
      to_items.addmm_(logits.t(), part);
    }
  };
  const Pairs pairs = Alternate(1, chunked, stock);
  const Pairs least = Alternate(1, products, stock);
  const std::string name = "cross-entropy over all items, " + std::to_string(places) + " places";
  bars.push_back(Ratio(name + malloc + ": stock / ours", pairs, bound));
  bars.push_back(Ratio(name + malloc + ": stock / the three products alone", least, 0));
  bars.push_back({name + malloc + ": ours", Median(pairs.ours) * 1e3, "ms", false, 0, kPairs,
                  Spread(pairs.ours)});
  bars.push_back({name + malloc + ": losses differ by", std::abs(ours - theirs), "", false, 1e-5});
}

train::SequenceBatch Histories(std::int64_t items, std::int64_t length) {
  std::mt19937_64 random(2);
  std::uniform_int_distribution<std::int64_t> draw(kFirstItem, items - 1);
  train::SequenceBatch batch;
  batch.rows = kRows;
  batch.length = length;
  for (std::int64_t i = 0; i < kRows * length; ++i) {
    batch.inputs.push_back(draw(random));
    batch.targets.push_back(draw(random));
  }
  return batch;
}

/// SASRec's block as sasrec_network.h has it, with LibTorch's own dropout.
class StockBlockImpl : public torch::nn::Module {
 public:
  explicit StockBlockImpl(const train::SasrecOptions& options) : heads_(options.heads) {
    const torch::nn::LayerNormOptions norm({kWidth});
    first_norm_ = register_module("first_norm", torch::nn::LayerNorm(norm));
    joined_ = register_module("joined", torch::nn::Linear(kWidth, 3 * kWidth));
    mixed_ = register_module("mixed", torch::nn::Linear(kWidth, kWidth));
    second_norm_ = register_module("second_norm", torch::nn::LayerNorm(norm));
    in_ = register_module("in", torch::nn::Linear(kWidth, 4 * kWidth));
    out_ = register_module("out", torch::nn::Linear(4 * kWidth, kWidth));
    dropout_ = register_module("dropout", torch::nn::Dropout(options.train.dropout));
  }

  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& mask) {
    const std::int64_t head = kWidth / heads_;
    const torch::Tensor parts = joined_->forward(first_norm_->forward(x))
                                    .view({x.size(0), x.size(1), 3, heads_, head})
                                    .permute({2, 0, 3, 1, 4});
    const torch::Tensor logits =
        parts[0].matmul(parts[1].transpose(-2, -1)) / std::sqrt(static_cast<double>(head)) + mask;
    const torch::Tensor attention = dropout_->forward(torch::softmax(logits, -1));
    const torch::Tensor told = attention.matmul(parts[2]).transpose(1, 2).reshape(x.sizes());
    const torch::Tensor y = x + dropout_->forward(mixed_->forward(told));
    const torch::Tensor inner = torch::relu(in_->forward(second_norm_->forward(y)));
    return y + dropout_->forward(out_->forward(dropout_->forward(inner)));
  }

 private:
  std::int64_t heads_;
  torch::nn::LayerNorm first_norm_{nullptr};
  torch::nn::Linear joined_{nullptr};
  torch::nn::Linear mixed_{nullptr};
  torch::nn::LayerNorm second_norm_{nullptr};
  torch::nn::Linear in_{nullptr};
  torch::nn::Linear out_{nullptr};
  torch::nn::Dropout dropout_{nullptr};
};
TORCH_MODULE(StockBlock);

class StockNetworkImpl : public torch::nn::Module {
 public:
  StockNetworkImpl(const train::SasrecOptions& options, std::int64_t items) {
    item = register_parameter("item", torch::randn({items, kWidth}) / 8);
    position_ = register_parameter("position", torch::randn({options.train.length, kWidth}) / 50);
    for (std::int64_t b = 0; b < options.blocks; ++b) {
      blocks_.push_back(register_module("block" + std::to_string(b), StockBlock(options)));
    }
    norm_ = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({kWidth})));
    dropout_ = register_module("dropout", torch::nn::Dropout(options.train.dropout));
  }

  torch::Tensor forward(const torch::Tensor& history) {
    const std::int64_t length = history.size(1);
    const std::int64_t places = position_.size(0);
    const torch::Tensor mask = train::CausalMask(history);
    torch::Tensor x = dropout_->forward(torch::embedding(item, history) +
                                        position_.slice(0, places - length, places));
    for (StockBlock& block : blocks_) {
      x = block->forward(x, mask);
    }
    return norm_->forward(x);
  }

  torch::Tensor item;

 private:
  torch::Tensor position_;
  std::vector<StockBlock> blocks_;
  torch::nn::LayerNorm norm_{nullptr};
  torch::nn::Dropout dropout_{nullptr};
};
TORCH_MODULE(StockNetwork);

/// SASRec, its item table and everything else by torch::optim::Adam.
class StockStep {
 public:
  StockStep(const train::SasrecOptions& options, std::int64_t items)
      : options_(options),
        network_(options, items),
        weights_(network_->parameters()),
        adam_(weights_, torch::optim::AdamOptions(options.train.learning_rate)) {}

  void operator()(const train::SequenceBatch& batch) {
    const auto matrix = [&batch](const std::vector<std::int64_t>& values) {
      return torch::from_blob(const_cast<std::int64_t*>(values.data()), {batch.rows, batch.length},
                              torch::kLong);
    };
    adam_.zero_grad();
    const torch::Tensor inputs = matrix(batch.inputs);
    const torch::Tensor wanted = matrix(batch.targets).view(-1);
    const torch::Tensor& table = network_->item;
    const torch::Tensor drawn =
        torch::randint(kFirstItem, table.size(0), {options_.train.negatives}, torch::kLong);
    const torch::Tensor loss =
        train::SampledLoss(options_.train,
                           {.states = network_->forward(inputs).view({-1, kWidth}),
                            .positives = torch::embedding(table, wanted),
                            .negatives = torch::embedding(table, drawn),
                            .same = drawn.unsqueeze(0).eq(wanted.unsqueeze(1))},
                           table.size(0) - kFirstItem);
    loss.backward();
    torch::nn::utils::clip_grad_norm_(weights_, options_.train.clip);
    adam_.step();
  }

 private:
  const train::SasrecOptions& options_;
  StockNetwork network_;
  std::vector<torch::Tensor> weights_;
  torch::optim::Adam adam_;
};

void Step(train::Loss loss, std::int64_t items, std::int64_t length, const std::string& malloc,
          double bound, std::vector<Bar>& bars) {
  train::SasrecOptions options;
  options.train.loss = loss;
  options.train.threads = 1;
  const train::SequenceBatch batch = Histories(items, length);
  const std::vector<History> users = {{{.item = 2}, {.item = 3}}};
  const train::FitContext context;
  torch::manual_seed(1);
  train::SequenceTrainer trainer("sasrec", options.train,
                                 std::make_shared<train::SasrecNetwork>(options, items),
                                 train::SequenceBatches(users, 50, kRows), context);
  const std::string name = std::string(loss == train::Loss::kSoftmax ? "softmax" : "sampled") +
                           " step, " + std::to_string(items / 1000) + " k items, length " +
                           std::to_string(length) + malloc;
  const auto examples = [&](const std::vector<double>& seconds) {
    bars.push_back({name + ": ours", static_cast<double>(kRows * length) / Median(seconds) / 1e3,
                    "k/s", true, 0, kPairs, Spread(seconds)});
  };
  if (loss == train::Loss::kSoftmax) {
    std::vector<double> seconds;
    for (int i = 0; i <= kPairs; ++i) {
      seconds.push_back(TypicalSeconds(3, [&] { trainer.Step(batch); }));
    }
    seconds.erase(seconds.begin());  // the first one warms up
    examples(seconds);
    return;
  }
  StockStep stock(options, items);
  const Pairs pairs = Alternate(5, [&] { trainer.Step(batch); }, [&] { stock(batch); });
  bars.push_back(Ratio(name + ": stock / ours", pairs, bound));
  examples(pairs.ours);
}

void Run() {
  train::SetThreads(1);
  std::vector<Bar> bars;
  constexpr std::int64_t kItems = 12101;
  const std::string none;
  CrossEntropy(6400, kItems, none, 8, bars);
  Step(train::Loss::kSampledSoftmax, kItems, 8, none, 1.8, bars);
  Step(train::Loss::kSampledSoftmax, kItems, 50, none, 0, bars);
  // As vitrine-trainer starts (apps/trainer/process.cc).
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  const std::string tuned = ", malloc tuned";
  CrossEntropy(6400, kItems, tuned, 0, bars);
  Step(train::Loss::kSampledSoftmax, kItems, 8, tuned, 0, bars);
  Step(train::Loss::kSampledSoftmax, kItems, 50, tuned, 0, bars);
  Step(train::Loss::kSampledSoftmax, 100000, 8, tuned, 0, bars);
  Step(train::Loss::kSoftmax, kItems, 8, tuned, 0, bars);
  Report("training", bars);
}

}  // namespace
}  // namespace vitrine::bench

int main() { vitrine::bench::Run(); }
