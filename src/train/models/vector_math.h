/// Inner products and sums of short float32 rows, eight values at a time in a fixed order: equal data give
/// equal bits on every machine. `size` is a multiple of 8 in all.
#pragma once

#include <cstddef>
#include <cstring>

namespace vitrine::train {

inline constexpr std::size_t kLanes = 8;

namespace vector_math {
using Four [[gnu::vector_size(16)]] = float;

inline Four Load(const float* p) {
  Four v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void Store(float* p, Four v) { std::memcpy(p, &v, sizeof v); }
}  // namespace vector_math

inline float Dot(const float* a, const float* b, std::size_t size) {
  using vector_math::Load;
  vector_math::Four low{};
  vector_math::Four high{};
  for (std::size_t k = 0; k < size; k += kLanes) {
    low += Load(a + k) * Load(b + k);
    high += Load(a + k + 4) * Load(b + k + 4);
  }
  low += high;
  return (low[0] + low[1]) + (low[2] + low[3]);
}

/// y += c * x.
inline void AddScaled(float* y, float c, const float* x, std::size_t size) {
  using vector_math::Load;
  const vector_math::Four scale = {c, c, c, c};
  for (std::size_t k = 0; k < size; k += kLanes) {
    vector_math::Store(y + k, Load(y + k) + scale * Load(x + k));
    vector_math::Store(y + k + 4, Load(y + k + 4) + scale * Load(x + k + 4));
  }
}

/// y += sum over k < rows of c[k] * x_k, x_k being row k of the matrix x [rows, size]; four rows at a time, a
/// quarter of AddScaled's loads and stores. `rows` is a multiple of 4.
inline void AddCombined(float* y, const float* c, const float* x, std::size_t rows,
                        std::size_t size) {
  using vector_math::Four;
  using vector_math::Load;
  for (std::size_t k = 0; k < rows; k += 4) {
    const Four c0 = {c[k], c[k], c[k], c[k]};
    const Four c1 = {c[k + 1], c[k + 1], c[k + 1], c[k + 1]};
    const Four c2 = {c[k + 2], c[k + 2], c[k + 2], c[k + 2]};
    const Four c3 = {c[k + 3], c[k + 3], c[k + 3], c[k + 3]};
    const float* row = x + k * size;
    for (std::size_t e = 0; e < size; e += 4) {
      const Four first = c0 * Load(row + e) + c1 * Load(row + size + e);
      const Four second = c2 * Load(row + 2 * size + e) + c3 * Load(row + 3 * size + e);
      vector_math::Store(y + e, Load(y + e) + (first + second));
    }
  }
}

/// y = y * c.
inline void Scale(float* y, float c, std::size_t size) {
  for (std::size_t k = 0; k < size; ++k) {
    y[k] *= c;
  }
}

}  // namespace vitrine::train
