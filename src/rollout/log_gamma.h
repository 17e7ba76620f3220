/// ln Gamma without the global that the C library's lgamma writes.
#pragma once

#include <cmath>

namespace vitrine::rollout {

inline double LogGamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}

}  // namespace vitrine::rollout
