#include "train/models/dense_layers.h"

#include <fmt/format.h>

#include <cstddef>

namespace vitrine::train {

namespace nn = torch::nn;
using graph::Value;

DenseLayersImpl::DenseLayersImpl(std::int64_t in, const std::vector<std::int64_t>& widths,
                                 double dropout, bool prelu)
    : out_(in), dropout_(register_module("dropout", nn::Dropout(dropout))) {
  for (std::size_t i = 0; i < widths.size(); ++i) {
    layers_.push_back(register_module(fmt::format("layer{}", i), nn::Linear(out_, widths[i])));
    if (prelu) {
      slopes_.push_back(register_module(fmt::format("slope{}", i), nn::PReLU()));
    }
    out_ = widths[i];
  }
}

torch::Tensor DenseLayersImpl::forward(torch::Tensor x) {
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    x = layers_[i]->forward(x);
    x = dropout_->forward(slopes_.empty() ? torch::relu(x) : slopes_[i]->forward(x));
  }
  return x;
}

Value DenseLayersImpl::Write(NetworkGraph& graph, const std::string& name, Value x) {
  graph::Builder& b = graph.builder();
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    x = graph.Linear(fmt::format("{}.layer{}", name, i), x, layers_[i]);
    x = slopes_.empty()
            ? b.Relu(x)
            : b.Op("PRelu",
                   {x, graph.Weight(fmt::format("{}.slope{}", name, i), slopes_[i]->weight)});
  }
  return x;
}

}  // namespace vitrine::train
