#include "train/models/sequence_optimiser.h"

#include <algorithm>
#include <cmath>
#include <cstring>
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

void SaveRows(torch::serialize::OutputArchive& archive, const RowAdam& rows) {
  const auto tensor = [](const std::vector<float>& values) {
    return torch::from_blob(const_cast<float*>(values.data()),
                            {static_cast<std::int64_t>(values.size())}, torch::kFloat);
  };
  archive.write("mean", tensor(rows.mean));
  archive.write("square", tensor(rows.square));
  archive.write("steps", c10::IValue(c10::List<std::int64_t>(rows.steps)));
}

void LoadRows(torch::serialize::InputArchive& archive, RowAdam& rows) {
  const auto floats = [&archive](const char* key, std::vector<float>& values) {
    torch::Tensor tensor;
    archive.read(key, tensor);
    TORCH_CHECK(tensor.numel() == static_cast<std::int64_t>(values.size()), key,
                " has another size");
    std::memcpy(values.data(), tensor.contiguous().data_ptr<float>(),
                values.size() * sizeof(float));
  };
  floats("mean", rows.mean);
  floats("square", rows.square);
  c10::IValue value;
  archive.read("steps", value);
  rows.steps = value.toIntVector();
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
      steps_per_epoch_(std::max<std::int64_t>(1, steps_per_epoch)) {
  for (const torch::Tensor& weight : weights_) {
    small_.emplace_back(1, weight.numel());
  }
  if (options.average > 0) {
    for (const torch::Tensor& weight : network.parameters()) {
      average_.push_back(weight.detach().clone());
    }
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
  Average();
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

void SequenceOptimiser::Average() {
  if (average_.empty()) {
    return;
  }
  // Young averages forget faster, so that the first weights do not weigh on them.
  const auto steps = static_cast<double>(step_);
  const double keep = std::min(options_.average, (1 + steps) / (10 + steps));
  const std::vector<torch::Tensor> weights = network_.parameters();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    average_[i].lerp_(weights[i], 1 - keep);
  }
}

void SequenceOptimiser::ExchangeAverage() {
  const torch::NoGradGuard no_grad;
  std::vector<torch::Tensor> weights = network_.parameters();
  for (std::size_t i = 0; i < average_.size(); ++i) {
    const torch::Tensor newest = weights[i].clone();
    weights[i].copy_(average_[i]);
    average_[i].copy_(newest);
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
  archive.write("average", c10::IValue(c10::List<torch::Tensor>(average_)));
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
  archive.read("average", value);
  average_ = value.toTensorVector();
}

}  // namespace vitrine::train
