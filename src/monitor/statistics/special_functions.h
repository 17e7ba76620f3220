/// The few distribution functions that the tests below need.
/// Threads: pure functions.
#pragma once

namespace vitrine::monitor {

/// Regularised upper incomplete gamma Q(a, x), a > 0, x >= 0; relative error about 1e-13.
/// Source: DLMF 8.11 (series below a + 1, continued fraction above)
double GammaQ(double a, double x);

/// P(X >= x) of chi-square with `degrees` of freedom; 1 where degrees or x are 0 or less.
double ChiSquareTail(double x, double degrees);

/// P(D_n >= d) of the two-sided one-sample Kolmogorov-Smirnov statistic at n rows. For two samples
/// take n = round(n1 n2 / (n1 + n2)).
/// In the tail twice the exact one-sided probability (Miller 1956; Birnbaum & Tingey 1951),
/// elsewhere Kolmogorov's limit at Vrbik's shifted argument (2018), good to about 1e-4.
double KolmogorovTail(double d, double n);

/// z with P(Z <= z) = p of the standard normal, to about 1e-12; p in (0, 1), held within 1e-15 of it.
double NormalQuantile(double p);

/// P(Z <= z) of the standard normal.
double NormalBelow(double z);

}  // namespace vitrine::monitor
