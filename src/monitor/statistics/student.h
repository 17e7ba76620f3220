/// Student's distribution, for means whose error is itself an estimate.
/// Threads: pure functions.
#pragma once

namespace vitrine::monitor {

/// P(|T| >= t) of Student's t with `degrees` of freedom, which need not be whole; 1 where degrees are 0 or less.
/// Source: the regularised incomplete beta function, DLMF 8.17.22 (continued fraction) and 8.17.4 (symmetry)
double StudentTail(double t, double degrees);

}  // namespace vitrine::monitor
