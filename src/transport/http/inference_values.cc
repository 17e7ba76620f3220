#include "transport/http/inference_values.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/float16.h"
#include "transport/inference/tensors.h"

namespace vitrine::http {
namespace {

namespace ondemand = simdjson::ondemand;
using inference::WrongInput;

/// One value of JSON as a T. False where it is of another type or does not fit.
template <typename T>
bool Take(ondemand::value value, T& out) {
  if constexpr (std::is_same_v<T, bool>) {
    return value.get_bool().get(out) == simdjson::SUCCESS;
  } else if constexpr (std::is_same_v<T, std::string_view>) {
    return value.get_string().get(out) == simdjson::SUCCESS;
  } else if constexpr (std::is_same_v<T, std::uint64_t>) {
    return value.get_uint64().get(out) == simdjson::SUCCESS;
  } else if constexpr (std::is_integral_v<T>) {
    std::int64_t wide = 0;
    if (value.get_int64().get(wide) != simdjson::SUCCESS || !std::in_range<T>(wide)) {
      return false;
    }
    out = static_cast<T>(wide);
    return true;
  } else {
    double wide = 0;
    if (value.get_double().get(wide) != simdjson::SUCCESS ||
        std::abs(wide) > double{std::numeric_limits<T>::max()}) {
      return false;
    }
    out = static_cast<T>(wide);
    return true;
  }
}

/// Calls put(index, value) for each value of nested lists, at most `depth` of them in each other.
template <typename T, typename Put>
Status Flatten(ondemand::array values, const Tensor& tensor, std::size_t depth, std::size_t& index,
               const Put& put) {
  const auto size = static_cast<std::size_t>(tensor.size());
  for (auto element : values) {
    ondemand::value value;
    ondemand::json_type type{};
    if (std::move(element).get(value) != simdjson::SUCCESS ||
        value.type().get(type) != simdjson::SUCCESS) {
      return WrongInput(tensor, "has 'data' that is not valid JSON");
    }
    if (type == ondemand::json_type::array) {
      ondemand::array inner;
      if (depth <= 1 || value.get_array().get(inner) != simdjson::SUCCESS) {
        return WrongInput(tensor, "has 'data' in more lists than its shape has axes");
      }
      RETURN_IF_ERROR(Flatten<T>(inner, tensor, depth - 1, index, put));
      continue;
    }
    if (index >= size) {
      return WrongInput(tensor, fmt::format("has more values than the {} of its shape", size));
    }
    T taken{};
    if (!Take(value, taken)) {
      return WrongInput(tensor, fmt::format("has a value that is no {} (number {})",
                                            DTypeName(tensor.dtype()), index));
    }
    put(index++, taken);
  }
  return Status::Ok();
}

template <typename T, typename Put>
Status FlattenAll(ondemand::array values, const Tensor& tensor, const Put& put) {
  std::size_t index = 0;
  RETURN_IF_ERROR(
      Flatten<T>(values, tensor, std::max<std::size_t>(tensor.shape().size(), 1), index, put));
  if (index != static_cast<std::size_t>(tensor.size())) {
    return WrongInput(tensor,
                      fmt::format("has {} values, its shape wants {}", index, tensor.size()));
  }
  return Status::Ok();
}

template <typename T>
Status Numbers(ondemand::array values, Tensor& tensor) {
  const std::span<T> to = tensor.values<T>();
  return FlattenAll<T>(values, tensor, [to](std::size_t i, T value) { to[i] = value; });
}

}  // namespace

Status ReadJsonValues(ondemand::array values, Tensor& tensor) {
  switch (tensor.dtype()) {
    case DType::kBool:
      return Numbers<bool>(values, tensor);
    case DType::kInt8:
      return Numbers<std::int8_t>(values, tensor);
    case DType::kInt16:
      return Numbers<std::int16_t>(values, tensor);
    case DType::kInt32:
      return Numbers<std::int32_t>(values, tensor);
    case DType::kInt64:
      return Numbers<std::int64_t>(values, tensor);
    case DType::kUint8:
      return Numbers<std::uint8_t>(values, tensor);
    case DType::kUint16:
      return Numbers<std::uint16_t>(values, tensor);
    case DType::kUint32:
      return Numbers<std::uint32_t>(values, tensor);
    case DType::kUint64:
      return Numbers<std::uint64_t>(values, tensor);
    case DType::kFloat32:
      return Numbers<float>(values, tensor);
    case DType::kFloat64:
      return Numbers<double>(values, tensor);
    case DType::kFloat16: {
      std::byte* to = tensor.bytes().data();
      return FlattenAll<float>(values, tensor, [to](std::size_t i, float value) {
        const std::uint16_t half = HalfOfFloat(value);
        std::memcpy(to + i * sizeof(half), &half, sizeof(half));
      });
    }
    case DType::kString: {
      std::vector<std::string_view> elements(static_cast<std::size_t>(tensor.size()));
      RETURN_IF_ERROR(FlattenAll<std::string_view>(
          values, tensor,
          [&elements](std::size_t i, std::string_view value) { elements[i] = value; }));
      const Shape shape = tensor.shape();
      tensor.SetStrings(shape, elements);
      return Status::Ok();
    }
  }
  return Internal("a tensor of no type");
}

}  // namespace vitrine::http
