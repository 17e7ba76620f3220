#include "bench/bad_versions.h"

#include <vitrine_onnx/onnx.pb.h>

#include <algorithm>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "core/check.h"

namespace vitrine::bench {
namespace {

namespace onnx = vitrine_onnx;

constexpr std::int64_t kSide = 64;  // of the matrices that only take time

/// Puts nodes behind the graph's first output.
class Behind {
 public:
  explicit Behind(const std::string& model) {
    CHECK(model_.ParseFromString(model));
    auto& graph = *model_.mutable_graph();
    scores_ = graph.output(0).name();
    type_ = graph.output(0).type().tensor_type().elem_type();
    for (auto& node : *graph.mutable_node()) {
      for (auto* names : {node.mutable_input(), node.mutable_output()}) {
        for (std::string& name : *names) {
          name = name == scores_ ? "good_scores" : name;
        }
      }
    }
    for (const auto& input : graph.input()) {
      if (input.type().tensor_type().elem_type() == onnx::TensorProto::INT64 &&
          input.type().tensor_type().shape().dim_size() == 2) {
        history_ = input.name();
        break;
      }
    }
    CHECK(!history_.empty());
  }

  std::string Node(const std::string& op, const std::vector<std::string>& inputs,
                   const std::string& output = "") {
    auto& node = *model_.mutable_graph()->add_node();
    node.set_op_type(op);
    node.set_name("bad_" + std::to_string(serial_));
    for (const std::string& input : inputs) {
      node.add_input(input);
    }
    node.add_output(output.empty() ? "bad_value_" + std::to_string(serial_) : output);
    ++serial_;
    return node.output(0);
  }
  std::string Cast(const std::string& value, std::int64_t type) {
    const std::string made = Node("Cast", {value});
    auto& attribute =
        *model_.mutable_graph()->mutable_node(model_.graph().node_size() - 1)->add_attribute();
    attribute.set_name("to");
    attribute.set_type(onnx::AttributeProto::INT);
    attribute.set_i(type);
    return made;
  }
  std::string Floats(const std::vector<std::int64_t>& shape, float value) {
    auto& tensor = Tensor(onnx::TensorProto::FLOAT, shape);
    std::int64_t size = 1;
    for (const std::int64_t side : shape) {
      size *= side;
    }
    for (std::int64_t i = 0; i < size; ++i) {
      tensor.add_float_data(value);
    }
    return tensor.name();
  }
  std::string Whole(const std::vector<std::int64_t>& shape, std::int64_t value) {
    auto& tensor = Tensor(onnx::TensorProto::INT64, shape);
    tensor.add_int64_data(value);
    return tensor.name();
  }
  /// How often the history holds an item: [batch, 1].
  std::string CountOf(std::int64_t item) {
    return Node("ReduceSum",
                {Cast(Node("Equal", {history_, Whole({1}, item)}), onnx::TensorProto::INT64),
                 Whole({1}, 1)});
  }
  std::string history() const { return history_; }
  /// `more` is float32, and is added to every score.
  std::string AddToScores(const std::string& more) {
    Node("Add", {"good_scores", Cast(more, type_)}, scores_);
    return model_.SerializeAsString();
  }

 private:
  onnx::TensorProto& Tensor(onnx::TensorProto::DataType type,
                            const std::vector<std::int64_t>& shape) {
    auto& tensor = *model_.mutable_graph()->add_initializer();
    tensor.set_name("bad_weight_" + std::to_string(serial_++));
    tensor.set_data_type(type);
    for (const std::int64_t side : shape) {
      tensor.add_dims(side);
    }
    return tensor;
  }

  onnx::ModelProto model_;
  std::string scores_;
  std::string history_;
  std::int64_t type_ = 0;
  int serial_ = 0;
};

/// Nothing, but it has to be worked out.
std::string Nothing(Behind& graph, const std::string& value) {
  return graph.Node("Mul", {value, graph.Floats({1}, 1e-30F)});
}

}  // namespace

std::string MakeHarmful(const std::string& model, const Harmful& what) {
  Behind graph(model);
  const auto floats = [&](const std::string& value) {
    return graph.Cast(value, onnx::TensorProto::FLOAT);
  };
  const bool some = what.harm != Harm::kMemory;
  const std::string count = graph.CountOf(what.trigger);
  switch (what.harm) {
    case Harm::kNan:
      return graph.AddToScores(graph.Floats({1}, std::numeric_limits<float>::quiet_NaN()));
    case Harm::kNanForSome:
      return graph.AddToScores(Nothing(
          graph,
          graph.Node("Sqrt", {graph.Node("Sub", {graph.Floats({1}, 0.5F), floats(count)})})));
    case Harm::kSlower: {
      std::string at = graph.Node("MatMul", {floats(count), graph.Floats({1, kSide}, 1e-3F)});
      const std::string weights = graph.Floats({kSide, kSide}, 1e-3F);
      for (std::int64_t i = 0; i < what.amount; ++i) {
        at = graph.Node("MatMul", {at, weights});
      }
      return graph.AddToScores(
          Nothing(graph, graph.Node("MatMul", {at, graph.Floats({kSide, 1}, 1e-3F)})));
    }
    case Harm::kMemory:
    case Harm::kMemoryForSome: {
      // 2^45 numbers are more than a process can address: that fails, whatever the machine has.
      const std::string most = graph.Whole({1}, std::int64_t{1} << (some ? 45 : 31));
      const std::string times =
          some ? graph.Node("ReduceSum", {count, graph.Whole({1}, 0)}) : graph.Whole({1}, 1);
      const std::string size = graph.Node(
          "Add", {graph.Node("Mul", {graph.Node("Reshape", {times, graph.Whole({1}, 1)}), most}),
                  graph.Whole({1}, 1)});
      const std::string large = graph.Node("Expand", {Nothing(graph, floats(times)), size});
      return graph.AddToScores(
          Nothing(graph, graph.Node("ReduceSum", {large, graph.Whole({1}, 0)})));
    }
    case Harm::kDivisionForSome: {
      // 1, or -1 where the history holds the item.
      const std::string one = graph.Whole({1}, 1);
      const std::string sign = graph.Node(
          "Sub", {one, graph.Node("Mul", {graph.Node("Min", {count, one}), graph.Whole({1}, 2)})});
      const std::string smallest = graph.Whole({1}, std::numeric_limits<std::int64_t>::min());
      return graph.AddToScores(Nothing(
          graph,
          floats(graph.Node("Mul", {graph.Node("Div", {smallest, sign}), graph.Whole({1}, 0)}))));
    }
  }
  return {};
}

std::string ShuffledLines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  std::mt19937_64 random(7);
  for (std::size_t i = lines.size(); i > 1; --i) {
    std::swap(lines[i - 1], lines[random() % i]);
  }
  std::string out;
  for (const std::string& line : lines) {
    out += line + '\n';
  }
  return out;
}

}  // namespace vitrine::bench
