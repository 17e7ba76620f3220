/// The standard operators: which ones a model may hold, and how the ones that Vitrine writes type
/// their outputs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/tensor.h"

namespace vitrine::graph {

/// True for operators of ai.onnx (written "" or "ai.onnx") up to opset 23 and ai.onnx.ml up to 5.
bool IsStandardOperator(std::string_view domain, std::string_view op);

/// Types of `outputs` outputs of an ai.onnx operator of opset 17.
///   inputs     types in order; none for a left-out optional input
///   attribute  type that an attribute names (Cast's `to`, ConstantOfShape's `value`)
/// Errors: kInvalidArgument (an operator without a signature here, too few or many inputs or
///         outputs, mixed types: says which).
Result<std::vector<DType>> OutputTypes(std::string_view op,
                                       const std::vector<std::optional<DType>>& inputs,
                                       std::size_t outputs, std::optional<DType> attribute);

}  // namespace vitrine::graph
