/// What the tests of features share: fitting on the test shop. A failure ends the process.
#pragma once

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "core/check.h"
#include "data/feature_spec.h"
#include "data/test_shop.h"

namespace vitrine::data::test {

inline constexpr Micros kForever{std::numeric_limits<std::int64_t>::max()};
inline constexpr std::int64_t kHour = 3600 * kMicrosPerSecond;

inline Shop SmallShop() { return MakeShop({.seed = 7}); }

inline FeatureSpec FitOrDie(std::vector<FeatureDef> defs, const Shop& shop,
                            Micros until = kForever) {
  Result<FeatureSpec> spec = FeatureSpec::Fit(std::move(defs), shop.interactions, shop.items,
                                              Vocabulary(ItemIds(shop)), until);
  CHECK(spec.ok());
  return std::move(spec).value();
}

inline Status FitStatus(FeatureDef def, const Shop& shop) {
  return FeatureSpec::Fit({std::move(def)}, shop.interactions, shop.items,
                          Vocabulary(ItemIds(shop)), kForever)
      .status();
}

inline std::vector<Tensor> ApplyOrDie(const FeatureSpec& spec,
                                      const std::vector<FeatureInput>& inputs) {
  std::vector<Tensor> out;
  CHECK(spec.Apply(inputs, out).ok());
  return out;
}

template <typename T>
std::vector<T> Values(const Tensor& tensor) {
  const auto values = tensor.values<T>();
  return {values.begin(), values.end()};
}

inline bool Equal(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Tensor& x, const Tensor& y) {
    return x.name() == y.name() && x.dtype() == y.dtype() && x.shape() == y.shape() &&
           std::equal(x.bytes().begin(), x.bytes().end(), y.bytes().begin(), y.bytes().end());
  });
}

}  // namespace vitrine::data::test
