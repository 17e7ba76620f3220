/// Inside graph/ only: the smallest whole number divided by -1 has no answer and ends the process that divides; no error
/// can be caught (a division by 0 the runtime answers with one). A model may divide them only by what cannot be -1.
#pragma once

#include <vitrine_onnx/onnx.pb.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/status.h"
#include "core/tensor.h"

namespace vitrine::graph {

/// Follows types through a graph, as far as the operators of operators.h tell them.
class WholeDivision {
 public:
  /// A graph begins: its weights and inputs are known from here on. Precondition: each tensor holds what its shape says.
  void Enter(const vitrine_onnx::GraphProto& graph);
  void Leave() { scopes_.pop_back(); }

  /// Nodes in order. Errors: kInvalidArgument: a Div or Mod of signed whole numbers whose divisor is neither a
  /// constant without -1, nor sizes, nor a Max with a constant that is not negative. What has a type that cannot be told
  /// passes.
  Status Node(const vitrine_onnx::NodeProto& node);

 private:
  struct Known {
    std::optional<DType> type;
    const vitrine_onnx::TensorProto* constant = nullptr;
    bool not_negative = false;  ///< every element
  };
  [[nodiscard]] Known Find(const std::string& name) const;
  [[nodiscard]] bool NeverNegative(const vitrine_onnx::NodeProto& node) const;
  [[nodiscard]] std::optional<DType> TypeMade(const vitrine_onnx::NodeProto& node) const;

  std::vector<std::map<std::string, Known>> scopes_;
};

}  // namespace vitrine::graph
