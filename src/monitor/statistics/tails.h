/// Tails of counts and of Student's t, and the bounds that follow from them.
/// Threads: pure functions.
#pragma once

namespace vitrine::monitor {

/// Regularised incomplete beta I_x(a, b), a, b > 0, x in [0, 1].
/// Source: DLMF 8.17.22 (continued fraction), evaluated by Lentz
double BetaBelow(double x, double a, double b);

/// P(X <= k) and P(X >= k) of a binomial with `n` trials; exact. Precondition: 0 <= k <= n, whole.
double BinomialAtMost(double k, double n, double p);
double BinomialAtLeast(double k, double n, double p);

/// P(X <= k) and P(X >= k) of a Poisson count with this mean; exact.
double PoissonAtMost(double k, double mean);
double PoissonAtLeast(double k, double mean);

/// t with P(T >= t) = `chance` of Student's t; `degrees` 1 or more, chance in (0, 0.5].
double StudentAbove(double chance, double degrees);

/// x with P(X >= x) = `chance` of a Gamma variable of this shape and scale 1; chance in (0, 1).
double GammaAbove(double chance, double shape);

/// The largest (smallest) share under which `hits` or fewer (more) of `n` have this chance:
/// Clopper and Pearson's bounds. 1 (0) where n is 0.
double ShareAtMost(double hits, double n, double chance);
double ShareAtLeast(double hits, double n, double chance);

}  // namespace vitrine::monitor
