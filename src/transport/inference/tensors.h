/// Tensors of inference requests and answers, whatever brings them: JSON, raw bytes or protobuf.
/// Threads: functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/tensor.h"

namespace vitrine::inference {

inline constexpr std::size_t kMaxTensors = 1024;
inline constexpr std::size_t kMaxRank = 32;

/// Elements of a shape that came from outside: none where they cannot be counted.
std::optional<std::uint64_t> CountOf(std::span<const std::int64_t> shape);

/// Makes `tensor` an input of this type and shape, ready for its values; its memory is used again.
/// `most`: elements that could be behind it, so that nothing is reserved that cannot come.
/// Errors: kInvalidArgument (more of them, or a size below zero).
Status PrepareInput(std::string_view name, DType type, std::span<const std::int64_t> shape,
                    std::uint64_t most, Tensor& tensor);

/// Values as little-endian bytes; strings as a uint32 length and the bytes each.
/// Errors: kInvalidArgument (names the tensor and both sizes).
Status ReadRawValues(std::string_view bytes, Tensor& tensor);

/// kInvalidArgument: "the input 'x' WHY".
Status WrongInput(const Tensor& tensor, std::string_view why);

/// Errors: kInvalidArgument (the model has no such output).
Result<const Tensor*> OutputOf(const std::vector<Tensor>& outputs, std::string_view name);

}  // namespace vitrine::inference
