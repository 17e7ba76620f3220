#include "monitor/statistics/student.h"

#include <cmath>

#include "monitor/statistics/tails.h"

namespace vitrine::monitor {

double StudentTail(double t, double degrees) {
  if (degrees <= 0 || std::isnan(t)) {
    return 1;
  }
  return BetaBelow(degrees / (degrees + t * t), degrees / 2, 0.5);
}

}  // namespace vitrine::monitor
