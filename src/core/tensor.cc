#include "core/tensor.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace vitrine {

std::size_t SizeOf(DType type) {
  switch (type) {
    case DType::kBool:
    case DType::kInt8:
    case DType::kUint8:
      return 1;
    case DType::kInt16:
    case DType::kUint16:
    case DType::kFloat16:
      return 2;
    case DType::kInt32:
    case DType::kUint32:
    case DType::kFloat32:
      return 4;
    case DType::kInt64:
    case DType::kUint64:
    case DType::kFloat64:
      return 8;
    case DType::kString:
      return 0;
  }
  CHECK(false);
}

std::string_view DTypeName(DType type) {
  switch (type) {
    case DType::kBool:
      return "bool";
    case DType::kInt8:
      return "int8";
    case DType::kInt16:
      return "int16";
    case DType::kInt32:
      return "int32";
    case DType::kInt64:
      return "int64";
    case DType::kUint8:
      return "uint8";
    case DType::kUint16:
      return "uint16";
    case DType::kUint32:
      return "uint32";
    case DType::kUint64:
      return "uint64";
    case DType::kFloat16:
      return "float16";
    case DType::kFloat32:
      return "float32";
    case DType::kFloat64:
      return "float64";
    case DType::kString:
      return "string";
  }
  CHECK(false);
}

std::optional<DType> DTypeFromName(std::string_view name) {
  const auto* found = std::find_if(kDTypes.begin(), kDTypes.end(),
                                   [name](DType type) { return DTypeName(type) == name; });
  return found == kDTypes.end() ? std::nullopt : std::optional(*found);
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

void Tensor::SetStrings(std::span<const std::int64_t> shape,
                        std::span<const std::string_view> elements) {
  CHECK(ElementCount(shape) == static_cast<std::int64_t>(elements.size()));
  dtype_ = DType::kString;
  shape_.assign(shape.begin(), shape.end());
  std::size_t bytes = 0;
  for (const std::string_view element : elements) {
    CHECK(element.size() <= std::numeric_limits<std::uint32_t>::max());
    bytes += sizeof(std::uint32_t) + element.size();
  }
  bytes_.resize(bytes);
  std::byte* to = bytes_.data();
  for (const std::string_view element : elements) {
    const auto length = static_cast<std::uint32_t>(element.size());
    std::memcpy(to, &length, sizeof(length));
    to += sizeof(length);
    const auto text = std::as_bytes(std::span(element));
    to = std::copy(text.begin(), text.end(), to);  // memcpy may not be asked for nothing of nowhere
  }
}

std::vector<std::string_view> StringsOf(const Tensor& tensor) {
  CHECK(tensor.dtype() == DType::kString);
  std::vector<std::string_view> elements;
  std::span<const std::byte> rest = tensor.bytes();
  for (std::int64_t i = tensor.size(); i > 0; --i) {
    std::uint32_t length = 0;
    CHECK(rest.size() >= sizeof(length));
    std::memcpy(&length, rest.data(), sizeof(length));
    rest = rest.subspan(sizeof(length));
    CHECK(rest.size() >= length);
    elements.emplace_back(reinterpret_cast<const char*>(rest.data()), length);
    rest = rest.subspan(length);
  }
  return elements;
}

}  // namespace vitrine
