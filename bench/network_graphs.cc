#include "bench/network_graphs.h"

#include <cmath>
#include <random>
#include <vector>

#include "core/check.h"
#include "graph/builder.h"

namespace vitrine::bench {
namespace {

using graph::Builder;
using graph::Value;

struct Sizes {
  std::int64_t places;
  std::int64_t width;
  std::int64_t heads;
  std::int64_t inner;
};

class Network {
 public:
  Network(Builder& builder, Sizes sizes) : b_(builder), sizes_(sizes) {}

  /// `copy` takes the values, where it is given.
  Value Weight(std::int64_t rows, std::int64_t columns, std::vector<float>* copy = nullptr) {
    std::normal_distribution<float> draw(0, 1 / std::sqrt(static_cast<float>(columns)));
    std::vector<float> values(static_cast<std::size_t>(rows * columns));
    for (float& value : values) {
      value = draw(random_);
    }
    if (copy != nullptr) {
      *copy = values;
    }
    return b_.Initializer<float>("", {rows, columns}, values);
  }
  Value Linear(const Value& x, std::int64_t from, std::int64_t to) {
    return b_.Add(b_.MatMul(x, Weight(from, to)), b_.Initializer<float>("", {to}, Filled(to, 0)));
  }
  Value Norm(const Value& x) {
    return b_.LayerNorm(x, b_.Initializer<float>("", {sizes_.width}, Filled(sizes_.width, 1)),
                        b_.Initializer<float>("", {sizes_.width}, Filled(sizes_.width, 0)), 1e-5F);
  }
  Value Gelu(const Value& x) {
    const Value bell = b_.Erf(b_.Mul(x, b_.Scalar<float>(0.70710678F)));
    return b_.Mul(b_.Mul(x, b_.Scalar<float>(0.5F)), b_.Add(bell, b_.Scalar<float>(1)));
  }
  /// Embedded places: [B, places, width].
  Value Embed(const Value& ids, const Value& table) {
    return b_.Add(b_.Gather(table, ids), Weight(sizes_.places, sizes_.width));
  }
  /// `mask` is added to the logits; empty for none.
  Value Block(const Value& x, const Value& mask, bool gelu) {
    const std::int64_t head = sizes_.width / sizes_.heads;
    const Value joined = Linear(Norm(x), sizes_.width, 3 * sizes_.width);
    const Value parts =
        b_.Transpose(b_.Reshape(joined, {0, 0, 3, sizes_.heads, head}), {2, 0, 3, 1, 4});
    const auto part = [&](std::int64_t which) {
      return b_.Gather(parts, b_.Scalar<std::int64_t>(which), 0);
    };
    const Value scale = b_.Scalar<float>(1 / std::sqrt(static_cast<float>(head)));
    Value logits = b_.Mul(b_.MatMul(part(0), b_.Transpose(part(1), {0, 1, 3, 2})), scale);
    if (!mask.name.empty()) {
      logits = b_.Add(logits, mask);
    }
    const Value mixed = b_.MatMul(b_.Softmax(logits), part(2));
    const Value rows = b_.Reshape(b_.Transpose(mixed, {0, 2, 1, 3}), {0, 0, sizes_.width});
    const Value y = b_.Add(x, Linear(rows, sizes_.width, sizes_.width));
    const Value inner = Linear(Norm(y), sizes_.width, sizes_.inner);
    return b_.Add(y, Linear(gelu ? Gelu(inner) : b_.Relu(inner), sizes_.inner, sizes_.width));
  }
  /// A place sees itself and those before it.
  Value Earlier() {
    const auto n = static_cast<std::size_t>(sizes_.places);
    std::vector<float> mask(n * n);
    for (std::size_t i = 0; i < mask.size(); ++i) {
      mask[i] = i % n <= i / n ? 0.0F : -1e9F;
    }
    return b_.Initializer<float>("", {1, 1, sizes_.places, sizes_.places}, mask);
  }

 private:
  static std::vector<float> Filled(std::int64_t size, float value) {
    return std::vector<float>(static_cast<std::size_t>(size), value);
  }

  Builder& b_;
  Sizes sizes_;
  std::mt19937 random_{7};
};

}  // namespace

std::string SequenceGraph(std::int64_t items) {
  Builder b("sequence");
  Network network(b, {.places = kPlaces, .width = 64, .heads = 1, .inner = 64});
  const Value history = b.Input("history", DType::kInt64, {"batch", kPlaces});
  const Value table = network.Weight(items, 64);
  Value x = network.Embed(history, table);
  const Value mask = network.Earlier();
  for (int block = 0; block < 2; ++block) {
    x = network.Block(x, mask, /*gelu=*/false);
  }
  const Value last = b.Gather(network.Norm(x), b.Scalar<std::int64_t>(kPlaces - 1), 1);
  const Value scores = b.Op("Gemm", {last, table}, {{"transB", 1}});
  const std::vector<Value> best = b.Node("TopK", {scores, b.Constants({20})}, 2, {{"axis", -1}});
  b.Output("scores", best[0], DType::kFloat32, {"batch", 20});
  b.Output("items", best[1], DType::kInt64, {"batch", 20});
  auto bytes = b.Finish();
  CHECK(bytes.ok());
  return *std::move(bytes);
}

NextItemModel NextItemGraphs(std::int64_t items) {
  NextItemModel model;
  for (std::string* bytes : {&model.scores, &model.query}) {
    Builder b("next_item");
    Network network(b, {.places = kPlaces, .width = kWidth, .heads = 2, .inner = 4 * kWidth});
    const Value history = b.Input("history", DType::kInt64, {"batch", "length"});
    const Value length = b.Gather(b.ShapeOf(history), b.Scalar<std::int64_t>(1));
    const Value end = b.Scalar<std::int64_t>(kPlaces);
    const Value one = b.Scalar<std::int64_t>(1);
    const Value table = network.Weight(items, kWidth, &model.items);
    Value x = b.Add(b.Gather(table, history), b.Gather(network.Weight(kPlaces, kWidth),
                                                       b.Range(b.Sub(end, length), end, one)));
    const Value places = b.Range(b.Scalar<std::int64_t>(0), length, one);
    const Value earlier = b.GreaterOrEqual(b.Unsqueeze(places, {1}), b.Unsqueeze(places, {0}));
    const Value mask = b.Where(earlier, b.Scalar<float>(0), b.Scalar<float>(-1e9F));
    for (int block = 0; block < 2; ++block) {
      x = network.Block(x, mask, /*gelu=*/false);
    }
    const Value last = b.Gather(network.Norm(x), b.Sub(length, one), 1);
    if (bytes == &model.query) {
      b.Output("query", last, DType::kFloat32, {"batch", kWidth});
    } else {
      b.Output("scores", b.Op("Gemm", {last, table}, {{"transB", 1}}), DType::kFloat32,
               {"batch", items});
    }
    auto finished = b.Finish();
    CHECK(finished.ok());
    *bytes = *std::move(finished);
  }
  return model;
}

std::string EncoderGraph() {
  Builder b("encoder");
  Network network(b, {.places = kTokens, .width = 384, .heads = 12, .inner = 1536});
  const Value tokens = b.Input("tokens", DType::kInt64, {"batch", kTokens});
  Value x = network.Embed(tokens, network.Weight(kWords, 384));
  for (int layer = 0; layer < 6; ++layer) {
    x = network.Block(x, {}, /*gelu=*/true);
  }
  const Value mean =
      b.Op("ReduceMean", {network.Norm(x)}, {{"axes", graph::Ints{1}}, {"keepdims", 0}});
  b.Output("vector", mean, DType::kFloat32, {"batch", 384});
  auto bytes = b.Finish();
  CHECK(bytes.ok());
  return *std::move(bytes);
}

}  // namespace vitrine::bench
