#include "train/models/sequence_optimiser.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>
#include <string>

#include "core/history.h"

namespace vitrine::train {
namespace {

constexpr double kBeta1 = 0.9;
constexpr double kBeta2 = 0.98;

std::vector<torch::Tensor> SmallWeights(SequenceNetwork& network) {
  std::vector<torch::Tensor> weights;
  for (const torch::Tensor& weight : network.parameters()) {
    if (weight.requires_grad()) {
      weights.push_back(weight);
    }
  }
  return weights;
}

std::span<float> Floats(const torch::Tensor& tensor) {
  return {tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
}

double SquaredLength(const torch::Tensor& gradient) {
  return gradient.square().sum().item<double>();
}

}  // namespace

SequenceOptimiser::SequenceOptimiser(const SequenceOptions& options, SequenceNetwork& network,
                                     std::int64_t steps_per_epoch)
    : options_(options),
      network_(network),
      weights_(SmallWeights(network)),
      items_(network.item.size(0) - kFirstItem, network.item.size(1)),
      average_(options.average, network.parameters()),
      steps_per_epoch_(std::max<std::int64_t>(1, steps_per_epoch)) {
  for (const torch::Tensor& weight : weights_) {
    small_.emplace_back(1, weight.numel());
  }
}

void SequenceOptimiser::Clear() {
  for (torch::Tensor& weight : weights_) {
    weight.mutable_grad().reset();  // none is cheaper than zeroes: backward then writes, not adds
  }
}

double SequenceOptimiser::Rate() const {
  const double epoch = static_cast<double>(step_ + 1) / static_cast<double>(steps_per_epoch_);
  double rate = options_.learning_rate;
  if (epoch < options_.warmup) {
    rate *= epoch / options_.warmup;
  }
  if (options_.schedule == "cosine") {
    const double course = std::min(1.0, epoch / static_cast<double>(options_.epochs));
    rate *= (1 + std::cos(std::numbers::pi * course)) / 2;
  }
  return rate;
}

bool SequenceOptimiser::Step(const ItemGradient& items) {
  const torch::NoGradGuard no_grad;
  double squared = SquaredLength(items.values);
  for (const torch::Tensor& weight : weights_) {
    squared += weight.grad().defined() ? SquaredLength(weight.grad()) : 0;
  }
  const double length = std::sqrt(squared);
  if (!std::isfinite(length)) {
    return false;
  }
  const bool cut = options_.clip > 0 && length > options_.clip;
  const auto scale = static_cast<float>(cut ? options_.clip / length : 1);
  const RowAdamOptions adam{.learning_rate = Rate(),
                            .beta1 = kBeta1,
                            .beta2 = kBeta2,
                            .weight_decay = options_.weight_decay};
  StepSmall(adam, scale);
  const torch::Tensor values = items.values.contiguous();
  const std::span<float> table =
      Floats(network_.item).subspan(static_cast<std::size_t>(kFirstItem * network_.item.size(1)));
  if (items.rows.empty()) {
    items_.StepAll(adam, scale, Floats(values), table);
  } else {
    items_.Step(adam, scale, items.rows, Floats(values), table);
  }
  ++step_;
  average_.Follow(step_, network_.parameters());
  return true;
}

void SequenceOptimiser::StepSmall(RowAdamOptions adam, float scale) {
  const double decay = adam.weight_decay;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    if (!weights_[i].grad().defined()) {
      continue;
    }
    // Matrices decay; biases and norms' scales do not.
    adam.weight_decay = weights_[i].dim() > 1 ? decay : 0;
    small_[i].StepAll(adam, scale, Floats(weights_[i].grad().contiguous()), Floats(weights_[i]));
  }
}

void SequenceOptimiser::Save(torch::serialize::OutputArchive& archive) const {
  torch::serialize::OutputArchive items;
  SaveRows(items, items_);
  archive.write("items", items);
  for (std::size_t i = 0; i < small_.size(); ++i) {
    torch::serialize::OutputArchive small;
    SaveRows(small, small_[i]);
    archive.write("small" + std::to_string(i), small);
  }
  archive.write("step", c10::IValue(step_));
  average_.Save(archive);
}

void SequenceOptimiser::Load(torch::serialize::InputArchive& archive) {
  torch::serialize::InputArchive items;
  archive.read("items", items);
  LoadRows(items, items_);
  for (std::size_t i = 0; i < small_.size(); ++i) {
    torch::serialize::InputArchive small;
    archive.read("small" + std::to_string(i), small);
    LoadRows(small, small_[i]);
  }
  c10::IValue value;
  archive.read("step", value);
  step_ = value.toInt();
  average_.Load(archive);
}

}  // namespace vitrine::train
