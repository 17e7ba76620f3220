#include "transport/inference/types.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/check.h"

namespace vitrine::inference {
namespace {

constexpr std::array<std::pair<DType, std::string_view>, kDTypes.size()> kNames = {{
    {DType::kBool, "BOOL"},
    {DType::kInt8, "INT8"},
    {DType::kInt16, "INT16"},
    {DType::kInt32, "INT32"},
    {DType::kInt64, "INT64"},
    {DType::kUint8, "UINT8"},
    {DType::kUint16, "UINT16"},
    {DType::kUint32, "UINT32"},
    {DType::kUint64, "UINT64"},
    {DType::kFloat16, "FP16"},
    {DType::kFloat32, "FP32"},
    {DType::kFloat64, "FP64"},
    {DType::kString, "BYTES"},
}};

}  // namespace

std::string_view ProtocolTypeName(DType type) {
  const auto* found = std::find_if(kNames.begin(), kNames.end(),
                                   [type](const auto& pair) { return pair.first == type; });
  CHECK(found != kNames.end());
  return found->second;
}

std::optional<DType> ProtocolType(std::string_view name) {
  const auto* found = std::find_if(kNames.begin(), kNames.end(),
                                   [name](const auto& pair) { return pair.second == name; });
  return found == kNames.end() ? std::nullopt : std::optional(found->first);
}

}  // namespace vitrine::inference
