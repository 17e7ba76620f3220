#include "core/tensor.h"

#include <utility>

namespace vitrine {

std::size_t SizeOf(DType type) {
  switch (type) {
    case DType::kBool:
      return 1;
    case DType::kInt32:
    case DType::kFloat32:
      return 4;
    case DType::kInt64:
    case DType::kFloat64:
      return 8;
  }
  CHECK(false);
}

std::string_view DTypeName(DType type) {
  switch (type) {
    case DType::kBool:
      return "bool";
    case DType::kInt32:
      return "int32";
    case DType::kInt64:
      return "int64";
    case DType::kFloat32:
      return "float32";
    case DType::kFloat64:
      return "float64";
  }
  CHECK(false);
}

std::int64_t ElementCount(std::span<const std::int64_t> shape) {
  std::int64_t count = 1;
  for (const std::int64_t n : shape) {
    CHECK(n >= 0);
    count *= n;
  }
  return count;
}

Tensor::Tensor(std::string name, DType type, Shape shape) : name_(std::move(name)) {
  Reset(type, std::move(shape));
}

void Tensor::Reset(DType type, Shape shape) {
  dtype_ = type;
  shape_ = std::move(shape);
  bytes_.assign(static_cast<std::size_t>(size()) * SizeOf(type), std::byte{0});
}

void Tensor::Resize(DType type, std::span<const std::int64_t> shape) {
  dtype_ = type;
  shape_.assign(shape.begin(), shape.end());
  bytes_.assign(static_cast<std::size_t>(size()) * SizeOf(type), std::byte{0});
}

}  // namespace vitrine
