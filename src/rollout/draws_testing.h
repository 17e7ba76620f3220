/// Random numbers of the statistics' simulations: equal on every machine.
#pragma once

#include <cmath>
#include <cstdint>
#include <random>

namespace vitrine::rollout {

class TestDraws {
 public:
  explicit TestDraws(std::uint64_t seed) : random_(seed) {}

  /// In [0, 1).
  double Uniform() { return static_cast<double>(random_() >> 11U) * 0x1p-53; }
  bool Chance(double p) { return Uniform() < p; }
  /// Standard normal (Box & Muller, one of the two).
  double Normal() {
    const double radius = std::sqrt(-2 * std::log(1 - Uniform()));
    return radius * std::cos(6.283185307179586 * Uniform());
  }
  std::uint64_t Bits() { return random_(); }

 private:
  std::mt19937_64 random_;
};

}  // namespace vitrine::rollout
