#include "serve/alikeness.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace vitrine::serve {
namespace {

// Sums of neighbours that a compiler may keep side by side in one register.
constexpr std::size_t kLanes = 8;

float Dot(std::span<const float> a, std::span<const float> b) {
  std::array<float, kLanes> sums{};
  const std::size_t width = std::min(a.size(), b.size());
  std::size_t i = 0;
  for (; i + kLanes <= width; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      sums[lane] += a[i + lane] * b[i + lane];
    }
  }
  float sum = 0;
  for (const float lane : sums) {
    sum += lane;
  }
  for (; i < width; ++i) {
    sum += a[i] * b[i];
  }
  return sum;
}

double SetCosine(std::span<const std::uint64_t> a, std::span<const std::uint64_t> b) {
  if (a.empty() || b.empty()) {
    return 0;
  }
  std::size_t common = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    common += a[i] == b[j] ? 1U : 0U;
    const bool next_a = a[i] <= b[j];
    const bool next_b = b[j] <= a[i];
    i += next_a ? 1U : 0U;
    j += next_b ? 1U : 0U;
  }
  if (common == 0) {
    return 0;
  }
  return static_cast<double>(common) /
         std::sqrt(static_cast<double>(a.size()) * static_cast<double>(b.size()));
}

}  // namespace

ItemTraits TraitsOf(const ItemFields* fields, std::span<const float> vector,
                    const Diversity& weights) {
  ItemTraits traits;
  double square = 0;
  if (fields != nullptr) {
    traits.brand = fields->brand_hash;
    traits.levels = fields->level_hashes;
    traits.tags = fields->tag_hashes;
    square += traits.brand != 0 ? weights.brand : 0;
    square += traits.levels.empty() ? 0 : weights.category;
    square += traits.tags.empty() ? 0 : weights.tags;
  }
  if (weights.vectors > 0 && !vector.empty()) {
    const float length = std::sqrt(Dot(vector, vector));
    if (length > 0 && std::isfinite(length)) {
      traits.vector = vector;
      traits.vector_scale = 1 / length;
      square += weights.vectors;
    }
  }
  traits.scale = square > 0 ? 1 / std::sqrt(square) : 0;
  return traits;
}

double Alikeness(const ItemTraits& a, const ItemTraits& b, const Diversity& weights) {
  double sum = a.brand != 0 && a.brand == b.brand ? weights.brand : 0;
  if (weights.category > 0) {
    sum += weights.category * SetCosine(a.levels, b.levels);
  }
  if (weights.tags > 0) {
    sum += weights.tags * SetCosine(a.tags, b.tags);
  }
  if (a.vector_scale > 0 && b.vector_scale > 0) {
    sum += weights.vectors *
           static_cast<double>(Dot(a.vector, b.vector) * a.vector_scale * b.vector_scale);
  }
  return std::clamp(sum * a.scale * b.scale, -1.0, 1.0);
}

}  // namespace vitrine::serve
