/// How the Open Inference Protocol v2 names the types of tensors. Threads: functions.
#pragma once

#include <optional>
#include <string_view>

#include "core/tensor.h"

namespace vitrine::inference {

/// "FP32" of kFloat32, "BYTES" of kString.
std::string_view ProtocolTypeName(DType type);
std::optional<DType> ProtocolType(std::string_view name);

}  // namespace vitrine::inference
