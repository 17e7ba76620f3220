#include "train/models/two_tower_network.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "core/history.h"

namespace vitrine::train {
namespace {

namespace nn = torch::nn;
using graph::Value;

/// Items whose vectors are made together.
constexpr std::int64_t kTogether = 4096;

}  // namespace

TwoTowerNetwork::TwoTowerNetwork(const TwoTowerOptions& options, const TrainingSequences& sequences,
                                 const ItemFeatures& features)
    : SequenceNetwork(static_cast<std::int64_t>(sequences.width), options.train.width,
                      1 / std::sqrt(static_cast<double>(options.train.width))),
      attention_(options.pool == "attention"),
      own_dropout_(options.own_dropout) {
  const std::int64_t d = options.train.width;
  const torch::NoGradGuard no_grad;
  had_ = torch::zeros({item.size(0), 1});
  for (const History& history : sequences.users) {
    for (const HistoryEvent& event : history) {
      if (event.item >= kFirstItem) {
        had_[event.item][0] = 1;
      }
    }
  }
  item.mul_(had_);  // stays so: see Vectors
  std::vector<std::int64_t> begin(features.begin.begin(), features.begin.end());
  std::vector<std::int64_t> feature;
  std::vector<float> weight;
  for (const ItemFeature& entry : features.entries) {
    feature.push_back(entry.feature);
    weight.push_back(entry.weight);
  }
  begin_ = torch::tensor(begin, torch::kLong);
  feature_ = torch::tensor(feature, torch::kLong);
  weight_ = torch::tensor(weight, torch::kFloat);
  torch::Tensor table = torch::empty({static_cast<std::int64_t>(features.features), d});
  nn::init::normal_(table, 0, 1 / std::sqrt(static_cast<double>(d)));
  features_ = register_parameter("features", table);
  content_in_ = register_module("content_in", nn::Linear(d, options.hidden));
  content_out_ = register_module("content_out", nn::Linear(options.hidden, d));
  query_in_ = register_module("query_in", nn::Linear(d, options.hidden));
  query_out_ = register_module("query_out", nn::Linear(options.hidden, d));
  dropout_ = register_module("dropout", Dropout(options.train.dropout));
  if (attention_) {
    age_ = register_parameter("age", torch::zeros({options.train.length}));
    place_ = register_module("place", nn::Linear(d, d));
    look_ = register_module("look", nn::Linear(nn::LinearOptions(d, 1).bias(false)));
  }
  Refresh();
}

torch::Tensor TwoTowerNetwork::Content(const torch::Tensor& items) {
  const auto* rows = items.data_ptr<std::int64_t>();
  const auto* begin = begin_.data_ptr<std::int64_t>();
  std::vector<std::int64_t> entries;
  std::vector<std::int64_t> offsets;
  for (std::int64_t i = 0; i < items.numel(); ++i) {
    offsets.push_back(static_cast<std::int64_t>(entries.size()));
    for (std::int64_t e = begin[rows[i]]; e < begin[rows[i] + 1]; ++e) {
      entries.push_back(e);
    }
  }
  const torch::Tensor chosen = torch::tensor(entries, torch::kLong);
  // Rows without a feature are zero.
  return std::get<0>(at::embedding_bag(
      features_, feature_.index_select(0, chosen), torch::tensor(offsets, torch::kLong),
      /*scale_grad_by_freq=*/false, /*mode=*/0, /*sparse=*/false, weight_.index_select(0, chosen)));
}

torch::Tensor TwoTowerNetwork::Vectors(const torch::Tensor& items, const torch::Tensor& own) {
  const torch::Tensor content = Content(items.contiguous());
  const torch::Tensor made =
      content + content_out_->forward(torch::relu(content_in_->forward(content)));
  // What nobody had is only ever an example of what was not taken: it would learn to be that.
  torch::Tensor keep = had_.index_select(0, items);
  if (is_training() && own_dropout_ > 0) {
    keep = keep * torch::rand({items.size(0), 1}).ge(own_dropout_).to(torch::kFloat);
  }
  return (own * keep + made) * items.ge(std::int64_t{kFirstItem}).unsqueeze(1).to(torch::kFloat);
}

void TwoTowerNetwork::Refresh() {
  const torch::NoGradGuard no_grad;
  const bool training = is_training();
  eval();
  const std::int64_t count = item.size(0);
  vectors_ = torch::empty_like(item);
  for (std::int64_t begin = 0; begin < count; begin += kTogether) {
    const std::int64_t end = std::min(begin + kTogether, count);
    vectors_.slice(0, begin, end)
        .copy_(Vectors(torch::arange(begin, end, torch::kLong), item.slice(0, begin, end)));
  }
  train(training);
}

torch::Tensor TwoTowerNetwork::forward(const torch::Tensor& history,
                                       const torch::Tensor& embedded) {
  const std::int64_t length = history.size(1);
  const torch::Tensor x = dropout_->forward(embedded);
  torch::Tensor logits = CausalMask(history).squeeze(1);  // [B, T, T]
  if (attention_) {
    const torch::Tensor look = look_->forward(torch::tanh(place_->forward(x)));  // [B, T, 1]
    const torch::Tensor places = torch::arange(length, torch::kLong);
    const torch::Tensor ages = (places.unsqueeze(1) - places).clamp_min(0);
    logits =
        logits + look.transpose(1, 2) + age_.index_select(0, ages.flatten()).view({length, length});
  }
  const torch::Tensor pooled = torch::softmax(logits, -1).matmul(x);
  return pooled + dropout_->forward(query_out_->forward(torch::relu(query_in_->forward(pooled))));
}

Value TwoTowerNetwork::WritePooled(NetworkGraph& graph, const Value& history,
                                   const Value& embedded) {
  graph::Builder& b = graph.builder();
  Value logits = b.Squeeze(graph.CausalMask(history), {1});
  if (attention_) {
    const Value look =
        graph.Linear("look", b.Op("Tanh", {graph.Linear("place", embedded, place_)}), look_);
    const Value zero = b.Scalar<std::int64_t>(0);
    const Value places = b.Range(zero, graph.Length(history), b.Scalar<std::int64_t>(1));
    const Value ages =
        b.Op("Max", {b.Sub(b.Unsqueeze(places, {1}), b.Unsqueeze(places, {0})), zero});
    const Value by_age = b.Unsqueeze(b.Gather(graph.Weight("age", age_), ages), {0});
    logits = b.Add(b.Add(logits, b.Transpose(look, {0, 2, 1})), by_age);
  }
  return b.MatMul(b.Softmax(logits), embedded);
}

Status TwoTowerNetwork::Export(graph::Builder& b) {
  NetworkGraph graph(b);
  b.SetDoc("Two towers: a query of the history; item vectors with what the catalogue says.");
  const Value history = graph.History();
  // Rows 0 and 1 are zero: padding and unknown items add nothing.
  const Value embedded = b.Gather(graph.Weight("item", vectors_), history);
  const Value pooled = WritePooled(graph, history, embedded);
  const Value inner = b.Relu(graph.Linear("query_in", pooled, query_in_));
  const Value states = b.Add(pooled, graph.Linear("query_out", inner, query_out_));
  b.Output("query", graph.Newest(states, history), DType::kFloat32, {"batch", item.size(1)});
  return Status::Ok();
}

}  // namespace vitrine::train
