/// Where to look next: a tree-structured Parzen estimator. Points tried so far are split into the best few and the rest; a
/// density is laid over each, and of points drawn from the first the one that is likeliest there beside the second is
/// taken. Densities are products over dimensions of kernels that sit on the points together, so that parameters that only
/// go together are found together.
/// Source: Bergstra, Bardenet, Bengio & Kegl, NIPS 2011; kernels of all dimensions at once: Falkner, Klein & Hutter (BOHB),
///   ICML 2018
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "optimise/search_space.h"

namespace vitrine::optimise {

struct Tried {
  Point point;
  double value = 0;  ///< higher is better
};

/// The defaults, and the widths in tpe.cc, won against chance with 20 trials on four smooth functions of three to six
/// dimensions most often.
struct TpeOptions {
  std::size_t random = 5;       ///< points before the densities are asked
  std::size_t candidates = 24;  ///< that are drawn, and weighed
};

/// Uniform over the space. The same seed gives the same point.
Point RandomPoint(const SearchSpace& space, std::uint64_t seed);

/// The next point to try. `tried` in any order; those that came to nothing may stand there with the worst value.
Point NextPoint(const SearchSpace& space, std::span<const Tried> tried, std::uint64_t seed,
                const TpeOptions& options = {});

}  // namespace vitrine::optimise
