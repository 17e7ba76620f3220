/// A dense row-major tensor: the only thing that crosses the model runtime's border.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/check.h"

namespace vitrine {

/// Persisted in manifests by name, not by value.
enum class DType : std::uint8_t {
  kBool,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kFloat16,  ///< carried, not computed with: two bytes an element
  kFloat32,
  kFloat64,
  kString,  ///< elements of their own lengths, see StringsOf
};
inline constexpr std::array kDTypes = {
    DType::kBool,    DType::kInt8,    DType::kInt16,  DType::kInt32,  DType::kInt64,
    DType::kUint8,   DType::kUint16,  DType::kUint32, DType::kUint64, DType::kFloat16,
    DType::kFloat32, DType::kFloat64, DType::kString};

/// Bytes of one element; 0 for kString.
std::size_t SizeOf(DType type);
/// "bool", "int64", "float32", ..., "string".
std::string_view DTypeName(DType type);
std::optional<DType> DTypeFromName(std::string_view name);

template <typename T>
constexpr DType DTypeOf();
template <>
constexpr DType DTypeOf<bool>() {
  return DType::kBool;
}
template <>
constexpr DType DTypeOf<std::int8_t>() {
  return DType::kInt8;
}
template <>
constexpr DType DTypeOf<std::int16_t>() {
  return DType::kInt16;
}
template <>
constexpr DType DTypeOf<std::int32_t>() {
  return DType::kInt32;
}
template <>
constexpr DType DTypeOf<std::int64_t>() {
  return DType::kInt64;
}
template <>
constexpr DType DTypeOf<std::uint8_t>() {
  return DType::kUint8;
}
template <>
constexpr DType DTypeOf<std::uint16_t>() {
  return DType::kUint16;
}
template <>
constexpr DType DTypeOf<std::uint32_t>() {
  return DType::kUint32;
}
template <>
constexpr DType DTypeOf<std::uint64_t>() {
  return DType::kUint64;
}
template <>
constexpr DType DTypeOf<float>() {
  return DType::kFloat32;
}
template <>
constexpr DType DTypeOf<double>() {
  return DType::kFloat64;
}

using Shape = std::vector<std::int64_t>;

/// Elements of `shape`; a scalar (empty shape) has one.
std::int64_t ElementCount(std::span<const std::int64_t> shape);

/// Owns its bytes. Resize keeps the capacity, so a reused tensor does not allocate.
class Tensor {
 public:
  Tensor() = default;
  Tensor(std::string name, DType type, Shape shape);

  template <typename T>
  static Tensor Of(std::string name, Shape shape, std::span<const T> values) {
    Tensor t(std::move(name), DTypeOf<T>(), std::move(shape));
    CHECK(t.size() == static_cast<std::int64_t>(values.size()));
    std::memcpy(t.bytes_.data(), values.data(), values.size_bytes());
    return t;
  }

  /// New type and shape; bytes are zeroed.
  void Reset(DType type, Shape shape);
  /// The same from a borrowed shape: a reused tensor of at least this size and rank allocates
  /// nothing.
  void Resize(DType type, std::span<const std::int64_t> shape);

  [[nodiscard]] const std::string& name() const { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }
  [[nodiscard]] DType dtype() const { return dtype_; }
  [[nodiscard]] const Shape& shape() const { return shape_; }
  [[nodiscard]] std::int64_t size() const { return ElementCount(shape_); }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }
  [[nodiscard]] std::span<std::byte> bytes() { return bytes_; }
  /// A tensor of strings: its shape and its elements, row-major.
  /// Precondition: as many elements as the shape says, each shorter than 4 GiB.
  void SetStrings(std::span<const std::int64_t> shape, std::span<const std::string_view> elements);

  /// Precondition: T is the tensor's type.
  template <typename T>
  [[nodiscard]] std::span<const T> values() const {
    CHECK(DTypeOf<T>() == dtype_);
    return {reinterpret_cast<const T*>(bytes_.data()), static_cast<std::size_t>(size())};
  }
  template <typename T>
  [[nodiscard]] std::span<T> values() {
    CHECK(DTypeOf<T>() == dtype_);
    return {reinterpret_cast<T*>(bytes_.data()), static_cast<std::size_t>(size())};
  }

 private:
  std::string name_;
  DType dtype_ = DType::kFloat32;
  Shape shape_ = {0};
  std::vector<std::byte> bytes_;
};

/// The elements of a tensor of strings, held as a little-endian uint32 length and the bytes each.
/// Valid while the tensor is. Precondition: the tensor was made by SetStrings.
std::vector<std::string_view> StringsOf(const Tensor& tensor);

}  // namespace vitrine
