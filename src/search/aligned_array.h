/// Zeroed memory that begins on a cache line, of a size fixed at construction.
/// Threads: immutable once filled.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>

namespace vitrine::search {

inline constexpr std::size_t kCacheLine = 64;  // bytes

template <typename T>
class AlignedArray {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  AlignedArray() = default;
  explicit AlignedArray(std::size_t size)
      : values_(static_cast<T*>(::operator new(size * sizeof(T), std::align_val_t{kCacheLine}))) {
    std::uninitialized_value_construct_n(values_.get(), size);
  }

  [[nodiscard]] T* data() { return values_.get(); }
  [[nodiscard]] const T* data() const { return values_.get(); }

 private:
  struct Free {
    void operator()(T* values) const { ::operator delete(values, std::align_val_t{kCacheLine}); }
  };
  std::unique_ptr<T[], Free> values_;
};

}  // namespace vitrine::search
