/// Distances between two distributions over the same bins, given as shares or counts (each list is
/// divided by its sum). 0 where either is empty.
/// Shapes:  reference [bins], current [bins]; precondition: as many bins, no negative value
/// Threads: pure functions.
#pragma once

#include <span>

namespace vitrine::monitor {

/// What stands in for an empty bin where a logarithm needs one; other bins are left as they are.
inline constexpr double kEmptyBinShare = 1e-4;

/// Population stability index: sum (c - r) ln(c / r).
double Psi(std::span<const double> reference, std::span<const double> current,
           double empty_share = kEmptyBinShare);

/// Kullback-Leibler divergence of current from reference: sum r ln(r / c), in nats.
double KullbackLeibler(std::span<const double> reference, std::span<const double> current,
                       double empty_share = kEmptyBinShare);

/// Jensen-Shannon divergence in nats, in [0, ln 2]. The distance is its square root; in base 2 it is
/// divided by ln 2 before the root.
double JensenShannon(std::span<const double> reference, std::span<const double> current);

/// Jensen-Shannon distance in [0, 1]: the square root of the divergence with logarithms to base 2.
double JensenShannonDistance(std::span<const double> reference, std::span<const double> current);

/// sqrt(1 - sum sqrt(r c)), in [0, 1].
double Hellinger(std::span<const double> reference, std::span<const double> current);

/// Half the sum of |r - c|, in [0, 1].
double TotalVariation(std::span<const double> reference, std::span<const double> current);

/// The largest |r - c|.
double LInfinity(std::span<const double> reference, std::span<const double> current);

/// Largest difference of the running sums, for bins in order: the Kolmogorov-Smirnov statistic of
/// the binned values, at most that of the values themselves.
double BinnedKs(std::span<const double> reference, std::span<const double> current);

/// Sum of |differences of the running sums| times bin widths: Wasserstein-1 with the mass of a bin at
/// its place. `places` [bins], rising.
double BinnedWasserstein(std::span<const double> reference, std::span<const double> current,
                         std::span<const double> places);

}  // namespace vitrine::monitor
