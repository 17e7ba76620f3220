#include "graph/whole_division.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "graph/onnx_structure.h"
#include "graph/operators.h"

namespace vitrine::graph {
namespace {

namespace onnx = vitrine_onnx;

bool IsSigned(DType type) {
  return type == DType::kInt8 || type == DType::kInt16 || type == DType::kInt32 ||
         type == DType::kInt64;
}

template <typename T>
void Append(const std::string& raw, std::vector<std::int64_t>& values) {
  for (std::size_t at = 0; at + sizeof(T) <= raw.size(); at += sizeof(T)) {
    T value{};
    std::memcpy(&value, raw.data() + at, sizeof(T));
    values.push_back(static_cast<std::int64_t>(value));
  }
}

/// Elements of a tensor of whole numbers; none of another.
std::vector<std::int64_t> WholeNumbers(const onnx::TensorProto& t) {
  std::vector<std::int64_t> values(t.int64_data().begin(), t.int64_data().end());
  values.insert(values.end(), t.int32_data().begin(), t.int32_data().end());
  for (const std::uint64_t value : t.uint64_data()) {
    values.push_back(static_cast<std::int64_t>(value));
  }
  switch (DTypeOfOnnx(t.data_type()).value_or(DType::kString)) {
    case DType::kInt8:
      Append<std::int8_t>(t.raw_data(), values);
      break;
    case DType::kUint8:
      Append<std::uint8_t>(t.raw_data(), values);
      break;
    case DType::kInt16:
      Append<std::int16_t>(t.raw_data(), values);
      break;
    case DType::kUint16:
      Append<std::uint16_t>(t.raw_data(), values);
      break;
    case DType::kInt32:
      Append<std::int32_t>(t.raw_data(), values);
      break;
    case DType::kUint32:
      Append<std::uint32_t>(t.raw_data(), values);
      break;
    case DType::kInt64:
    case DType::kUint64:
      Append<std::int64_t>(t.raw_data(), values);
      break;
    default:
      return {};
  }
  return values;
}

bool IsMain(const onnx::NodeProto& node, const char* op) {
  return (node.domain().empty() || node.domain() == "ai.onnx") && node.op_type() == op;
}

const onnx::AttributeProto* FindAttribute(const onnx::NodeProto& node, const char* name) {
  const auto found =
      std::find_if(node.attribute().begin(), node.attribute().end(),
                   [&](const onnx::AttributeProto& one) { return one.name() == name; });
  return found == node.attribute().end() ? nullptr : &*found;
}

}  // namespace

void WholeDivision::Enter(const onnx::GraphProto& graph) {
  auto& scope = scopes_.emplace_back();
  for (const auto& t : graph.initializer()) {
    scope[t.name()] = {.type = DTypeOfOnnx(t.data_type()), .constant = &t};
  }
  // Whoever asks may give another value for a weight that is an input as well.
  for (const auto& input : graph.input()) {
    scope[input.name()] = {.type = DTypeOfOnnx(input.type().tensor_type().elem_type())};
  }
}

WholeDivision::Known WholeDivision::Find(const std::string& name) const {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (const auto found = scope->find(name); found != scope->end()) {
      return found->second;
    }
  }
  return {};
}

std::optional<DType> WholeDivision::TypeMade(const onnx::NodeProto& node) const {
  std::vector<std::optional<DType>> inputs;
  for (const auto& input : node.input()) {
    inputs.push_back(Find(input).type);
  }
  std::optional<DType> named;
  if (const auto* to = FindAttribute(node, "to"); to != nullptr) {
    named = DTypeOfOnnx(static_cast<std::int32_t>(to->i()));
  } else if (const auto* value = FindAttribute(node, "value"); value != nullptr) {
    named = DTypeOfOnnx(value->t().data_type());
  }
  if (IsMain(node, "Cast")) {
    return named;
  }
  const auto types = OutputTypes(node.op_type(), inputs, 1, named);
  return types.ok() ? std::optional(types->front()) : std::nullopt;
}

bool WholeDivision::NeverNegative(const onnx::NodeProto& node) const {
  if (IsMain(node, "Shape") || IsMain(node, "Size")) {
    return true;
  }
  for (const char* op : {"Gather", "Identity", "Reshape", "Slice", "Squeeze", "Unsqueeze"}) {
    if (IsMain(node, op) && node.input_size() > 0) {
      return Find(node.input(0)).not_negative;
    }
  }
  return IsMain(node, "Max") &&
         std::any_of(node.input().begin(), node.input().end(), [this](const std::string& name) {
           const Known one = Find(name);
           const auto values =
               one.constant == nullptr ? std::vector<std::int64_t>() : WholeNumbers(*one.constant);
           return one.not_negative ||
                  (!values.empty() && std::all_of(values.begin(), values.end(),
                                                  [](std::int64_t v) { return v >= 0; }));
         });
}

Status WholeDivision::Node(const onnx::NodeProto& node) {
  if ((IsMain(node, "Div") || IsMain(node, "Mod")) && node.input_size() == 2) {
    const Known divisor = Find(node.input(1));
    const auto type = divisor.type ? divisor.type : Find(node.input(0)).type;
    bool safe = divisor.not_negative;
    if (divisor.constant != nullptr && type && IsSigned(*type)) {
      const std::vector<std::int64_t> values = WholeNumbers(*divisor.constant);
      safe = std::find(values.begin(), values.end(), -1) == values.end();
    }
    if (type && IsSigned(*type) && !safe) {
      return InvalidArgument(
          fmt::format("node '{}' ({}) divides whole numbers by '{}', which may be -1; the smallest "
                      "number by -1 "
                      "ends the process: divide by a constant, by Max('{}', 1), or divide floats",
                      node.name(), node.op_type(), node.input(1), node.input(1)));
    }
  }
  Known made{.type = TypeMade(node)};
  if (IsMain(node, "Constant")) {
    if (const auto* value = FindAttribute(node, "value"); value != nullptr) {
      made = {.type = DTypeOfOnnx(value->t().data_type()), .constant = &value->t()};
    } else if (FindAttribute(node, "value_int") != nullptr ||
               FindAttribute(node, "value_ints") != nullptr) {
      made.type = DType::kInt64;
    }
  }
  made.not_negative = NeverNegative(node);
  for (int output = 0; output < node.output_size(); ++output) {
    scopes_.back()[node.output(output)] = output == 0 ? made : Known{};
  }
  return Status::Ok();
}

}  // namespace vitrine::graph
