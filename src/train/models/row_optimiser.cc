#include "train/models/row_optimiser.h"

#include <cmath>
#include <cstddef>
#include <span>
#include <string>

namespace vitrine::train {
namespace {

std::vector<torch::Tensor> LayersOf(RowNetwork& network) {
  std::vector<torch::Tensor> layers;
  for (const torch::Tensor& weight : network.parameters()) {
    if (weight.requires_grad()) {
      layers.push_back(weight);
    }
  }
  return layers;
}

std::span<float> Floats(const torch::Tensor& tensor) {
  return {tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
}

double SquaredLength(const torch::Tensor& gradient) {
  return gradient.square().sum().item<double>();
}

}  // namespace

RowOptimiser::RowOptimiser(const RowOptions& options, RowNetwork& network)
    : options_(options),
      network_(network),
      sgd_(options.optimiser == StepRule::kSgd),
      coupled_(options.optimiser != StepRule::kAdamW),
      layers_(LayersOf(network)),
      average_(options.average, network.parameters()) {
  if (sgd_) {
    for (const torch::Tensor& weight : layers_) {
      velocity_.push_back(torch::zeros_like(weight));
    }
    velocity_.push_back(torch::zeros_like(network.table));
    return;
  }
  for (const torch::Tensor& weight : layers_) {
    layer_adam_.emplace_back(1, weight.numel());
  }
  vector_adam_ = RowAdam(network.table.size(0), network.table.size(1));
}

void RowOptimiser::Clear() {
  for (torch::Tensor& weight : layers_) {
    weight.mutable_grad().reset();
  }
}

RowAdamOptions RowOptimiser::Adam(double decay) const {
  return {.learning_rate = options_.learning_rate,
          .beta1 = 0.9,
          .beta2 = 0.999,
          .weight_decay = coupled_ ? 0 : decay};
}

bool RowOptimiser::Step(const VectorGradient& vectors) {
  const torch::NoGradGuard no_grad;
  double squared = SquaredLength(vectors.values);
  for (const torch::Tensor& weight : layers_) {
    squared += weight.grad().defined() ? SquaredLength(weight.grad()) : 0;
  }
  const double length = std::sqrt(squared);
  if (!std::isfinite(length)) {
    return false;
  }
  const double scale = options_.clip > 0 && length > options_.clip ? options_.clip / length : 1;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    StepLayer(i, scale);
  }
  if (vectors.rows.numel() > 0) {
    StepVectors(vectors, scale);
  }
  ++step_;
  average_.Follow(step_, network_.parameters());
  return true;
}

void RowOptimiser::StepLayer(std::size_t layer, double scale) {
  torch::Tensor& weight = layers_[layer];
  if (!weight.grad().defined()) {
    return;
  }
  const double decay = weight.dim() > 1 ? options_.weight_decay : 0;
  torch::Tensor gradient = weight.grad().mul(scale);
  if (coupled_ && decay > 0) {
    gradient.add_(weight, decay);
  }
  if (sgd_) {
    velocity_[layer].mul_(options_.momentum).add_(gradient);
    weight.add_(velocity_[layer], -options_.learning_rate);
    return;
  }
  layer_adam_[layer].StepAll(Adam(decay), 1, Floats(gradient.contiguous()), Floats(weight));
}

void RowOptimiser::StepVectors(const VectorGradient& vectors, double scale) {
  torch::Tensor& table = network_.table;
  const double decay = options_.vector_decay;
  torch::Tensor gradient = vectors.values.mul(scale).contiguous();
  if (coupled_ && decay > 0) {
    gradient.add_(table.index_select(0, vectors.rows), decay);
  }
  if (sgd_) {
    torch::Tensor& velocity = velocity_.back();
    const torch::Tensor moved =
        velocity.index_select(0, vectors.rows).mul_(options_.momentum).add_(gradient);
    velocity.index_copy_(0, vectors.rows, moved);
    table.index_copy_(0, vectors.rows,
                      table.index_select(0, vectors.rows).add_(moved, -options_.learning_rate));
    return;
  }
  const torch::Tensor rows = vectors.rows.contiguous();
  vector_adam_.Step(Adam(decay), 1,
                    {rows.data_ptr<std::int64_t>(), static_cast<std::size_t>(rows.numel())},
                    Floats(gradient), Floats(table));
}

void RowOptimiser::Save(torch::serialize::OutputArchive& archive) const {
  torch::serialize::OutputArchive vectors;
  SaveRows(vectors, vector_adam_);
  archive.write("vectors", vectors);
  for (std::size_t i = 0; i < layer_adam_.size(); ++i) {
    torch::serialize::OutputArchive layer;
    SaveRows(layer, layer_adam_[i]);
    archive.write("layer" + std::to_string(i), layer);
  }
  archive.write("velocity", c10::IValue(c10::List<torch::Tensor>(velocity_)));
  archive.write("step", c10::IValue(step_));
  average_.Save(archive);
}

void RowOptimiser::Load(torch::serialize::InputArchive& archive) {
  torch::serialize::InputArchive vectors;
  archive.read("vectors", vectors);
  LoadRows(vectors, vector_adam_);
  for (std::size_t i = 0; i < layer_adam_.size(); ++i) {
    torch::serialize::InputArchive layer;
    archive.read("layer" + std::to_string(i), layer);
    LoadRows(layer, layer_adam_[i]);
  }
  c10::IValue value;
  archive.read("velocity", value);
  velocity_ = value.toTensorVector();
  archive.read("step", value);
  step_ = value.toInt();
  average_.Load(archive);
}

}  // namespace vitrine::train
