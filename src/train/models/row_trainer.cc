#include "train/models/row_trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <random>
#include <utility>

namespace vitrine::train {
namespace {

/// A mean loss above this many times what the labels' share alone would have is not learning any more.
constexpr double kExploded = 20;

torch::Tensor LabelsOf(const LabelledRows& rows) {
  const auto count = static_cast<std::int64_t>(rows.rows());
  return torch::from_blob(const_cast<std::uint8_t*>(rows.labels.data()), {count}, torch::kByte)
      .to(torch::kFloat);
}

/// Undefined where all are 1.
torch::Tensor WeightsOf(const LabelledRows& rows) {
  if (rows.weights.empty()) {
    return {};
  }
  const auto count = static_cast<std::int64_t>(rows.rows());
  const torch::Tensor weights =
      torch::from_blob(const_cast<float*>(rows.weights.data()), {count}, torch::kFloat);
  return weights / weights.mean(torch::kDouble).to(torch::kFloat);
}

/// The loss [B] of each row.
torch::Tensor Losses(RowLoss loss, const torch::Tensor& logits, const torch::Tensor& labels) {
  if (loss == RowLoss::kSquared) {
    return (torch::sigmoid(logits) - labels).square();
  }
  return torch::binary_cross_entropy_with_logits(logits, labels, {}, {}, at::Reduction::None);
}

torch::Tensor Mean(const torch::Tensor& losses, const torch::Tensor& weights) {
  return weights.defined() ? (losses * weights).mean() : losses.mean();
}

/// Lets every probability be the labels' share, so that the network learns what that does not say, and
/// answers the loss it then has.
double BeginAtShare(RowNetwork& network, RowLoss loss, const torch::Tensor& labels,
                    const torch::Tensor& weights) {
  const torch::NoGradGuard no_grad;
  const double share = std::clamp(Mean(labels, weights).item<double>(), 1e-6, 1 - 1e-6);
  network.bias.fill_(std::log(share / (1 - share)));
  return Mean(Losses(loss, network.bias.expand_as(labels), labels), weights).item<double>();
}

}  // namespace

double LogLossOf(const torch::Tensor& logits, const LabelledRows& rows) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor losses =
      Losses(RowLoss::kCrossEntropy, logits, LabelsOf(rows)).to(torch::kDouble);
  const torch::Tensor weights = WeightsOf(rows);
  return Mean(losses, weights).item<double>();
}

RowTrainer::RowTrainer(std::string algorithm, const RowOptions& options,
                       std::shared_ptr<RowNetwork> network, const LabelledRows& rows,
                       const LabelledRows* watched, const RankerContext& context)
    : algorithm_(std::move(algorithm)),
      options_(options),
      network_(std::move(network)),
      rows_(rows),
      watched_(watched),
      context_(context),
      labels_(LabelsOf(rows)),
      weights_(WeightsOf(rows)),
      share_loss_(BeginAtShare(*network_, options.loss, labels_, weights_)),
      optimiser_(options, *network_),
      steps_((static_cast<std::int64_t>(rows.rows()) + options.batch - 1) / options.batch),
      checks_(std::min(options.checks, steps_)) {}

double RowTrainer::Step(const torch::Tensor& rows) {
  RowIndexes indexes = IndexesOf(network_->layout(), rows_.features, rows);
  // The vectors of this step, each once, as a leaf that gathers their gradient.
  std::vector<torch::Tensor> asked = {indexes.levels.flatten()};
  for (const torch::Tensor& places : indexes.places) {
    asked.push_back(places.flatten());
  }
  const auto [touched, among, counts] =
      at::_unique2(torch::cat(asked), /*sorted=*/true, /*return_inverse=*/true);
  const torch::Tensor leaf = network_->table.index_select(0, touched).requires_grad_(true);
  std::int64_t at = 0;
  const auto take = [&among = among, &at](torch::Tensor& part) {
    const std::int64_t size = part.numel();
    part = among.slice(0, at, at + size).view(part.sizes());
    at += size;
  };
  take(indexes.levels);
  for (torch::Tensor& places : indexes.places) {
    take(places);
  }
  const torch::Tensor logits = network_->Logits(VectorsOf(indexes, leaf));
  const torch::Tensor weights =
      weights_.defined() ? weights_.index_select(0, rows) : torch::Tensor();
  const torch::Tensor loss =
      Mean(Losses(options_.loss, logits, labels_.index_select(0, rows)), weights);
  optimiser_.Clear();
  loss.backward();
  const auto value = loss.item<double>();
  const torch::Tensor gradient = leaf.grad().defined() ? leaf.grad() : torch::zeros_like(leaf);
  const bool done = std::isfinite(value) && optimiser_.Step({.rows = touched, .values = gradient});
  return done ? value : std::numeric_limits<double>::quiet_NaN();
}

void RowTrainer::Shuffle(std::int64_t epoch) {
  if (shuffled_ == epoch) {
    return;
  }
  order_.resize(rows_.rows());
  std::iota(order_.begin(), order_.end(), std::int64_t{0});
  std::mt19937_64 random(EpochSeed(context_.seed, epoch));
  std::shuffle(order_.begin(), order_.end(), random);
  shuffled_ = epoch;
}

Result<double> RowTrainer::Round() {
  const std::int64_t part = state_.epoch % checks_;
  Shuffle(state_.epoch / checks_);
  torch::manual_seed(EpochSeed(context_.seed, state_.epoch));
  network_->train();
  const auto count = static_cast<std::int64_t>(order_.size());
  double sum = 0;
  double seen = 0;
  for (std::int64_t step = steps_ * part / checks_; step < steps_ * (part + 1) / checks_; ++step) {
    if (context_.progress.cancelled()) {
      return Cancelled("training was cancelled; the same command goes on from its checkpoint");
    }
    const std::int64_t begin = step * options_.batch;
    const std::int64_t size = std::min(options_.batch, count - begin);
    const double value = Step(torch::from_blob(order_.data() + begin, {size}, torch::kLong));
    if (!std::isfinite(value)) {
      return Failed(value, step + 1);
    }
    sum += value * static_cast<double>(size);
    seen += static_cast<double>(size);
  }
  network_->eval();
  const double mean = sum / seen;
  return mean > kExploded * share_loss_ ? Result<double>(Failed(mean, steps_))
                                        : Result<double>(mean);
}

Status RowTrainer::Failed(double loss, std::int64_t step) const {
  const std::string kept =
      state_.epoch > 0 && !context_.checkpoint.empty()
          ? fmt::format("; the checkpoint after {:g} epochs stands", Epochs(state_.epoch))
          : std::string();
  const std::string what = std::isfinite(loss)
                               ? fmt::format(
                                     "the loss exploded to {:.4g} (the labels' share alone "
                                     "has {:.4g})",
                                     loss, share_loss_)
                               : std::string("the loss or its gradient is not a finite number");
  return Internal(fmt::format(
      "{}: {} in epoch {}, step {}; lower learning_rate ({}) or clip ({}){}", algorithm_, what,
      state_.epoch / checks_ + 1, step, options_.learning_rate, options_.clip, kept));
}

void RowTrainer::Judge() {
  optimiser_.ExchangeAverage();
  const double value = LogLossOf(LogitsOf(*network_, watched_->features), *watched_);
  if (state_.best_weights.empty() || value < state_.best_value) {
    state_.best_epoch = state_.epoch;
    state_.best_value = value;
    state_.best_weights = CopiesOf(network_->parameters());
  }
  optimiser_.ExchangeAverage();
}

double RowTrainer::Epochs(std::int64_t rounds) const {
  return static_cast<double>(rounds) / static_cast<double>(checks_);
}

bool RowTrainer::Finished(std::int64_t rounds) const {
  const bool judged = !state_.best_weights.empty();
  return state_.epoch >= rounds ||
         (judged && state_.epoch - state_.best_epoch >= options_.patience);
}

void RowTrainer::Report(std::int64_t rounds) const {
  std::string detail = fmt::format("loss {:.4f}", state_.loss);
  if (!state_.best_weights.empty()) {
    detail += fmt::format(", best log-loss {:.4f} after {:g}", state_.best_value,
                          Epochs(state_.best_epoch));
  }
  context_.progress.report({.stage = "epoch",
                            .done = Epochs(state_.epoch),
                            .total = Epochs(rounds),
                            .unit = "epochs",
                            .detail = std::move(detail)});
}

Result<FitOutcome> RowTrainer::Run() {
  const auto chosen = context_.chosen.find("epochs");
  const bool fixed = chosen != context_.chosen.end();
  const double epochs = fixed ? chosen->second : static_cast<double>(options_.epochs);
  const std::int64_t rounds =
      std::max<std::int64_t>(1, std::llround(epochs * static_cast<double>(checks_)));
  LoadFit(context_.checkpoint, context_.fingerprint, state_, *network_,
          [this](torch::serialize::InputArchive& archive) { optimiser_.Load(archive); });
  while (!Finished(rounds)) {
    const Result<double> loss = Round();
    if (!loss.ok()) {
      return loss.status();
    }
    state_.loss = *loss;
    ++state_.epoch;
    if (watched_ != nullptr && !fixed) {
      Judge();
    }
    RETURN_IF_ERROR(
        SaveFit(context_.checkpoint, context_.fingerprint, state_, *network_,
                [this](torch::serialize::OutputArchive& archive) { optimiser_.Save(archive); }));
    Report(rounds);
  }
  return Outcome();
}

FitOutcome RowTrainer::Outcome() {
  network_->eval();
  const torch::NoGradGuard no_grad;
  FitOutcome outcome;
  std::int64_t kept = state_.epoch;
  if (state_.best_weights.empty()) {
    optimiser_.ExchangeAverage();
  } else {
    auto weights = network_->parameters();
    for (std::size_t i = 0; i < weights.size(); ++i) {
      weights[i].copy_(state_.best_weights[i]);
    }
    kept = state_.best_epoch;
    outcome.best = state_.best_value;
  }
  double numbers = 0;
  for (const torch::Tensor& weight : network_->parameters()) {
    numbers += static_cast<double>(weight.numel());
  }
  outcome.chosen["epochs"] = Epochs(kept);
  outcome.notes = {{"loss", state_.loss},
                   {"epochs", Epochs(state_.epoch)},
                   {"rows", static_cast<double>(rows_.rows())},
                   {"weights", numbers}};
  return outcome;
}

}  // namespace vitrine::train
