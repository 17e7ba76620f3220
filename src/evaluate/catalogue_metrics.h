/// Metrics of all lists together: how much of the catalogue is shown, how evenly, how well known it
/// is already.
/// Threads: pure functions.
#pragma once

#include <cstdint>
#include <span>

namespace vitrine::evaluate {

/// Share of the items that stand in at least one list. `shown[i]`: how often item i was shown.
/// Units: [0, 1]; 0 without items.
double Coverage(std::span<const std::uint64_t> shown);

/// Gini coefficient of `shown` over all items: 0 all equally often, towards 1 all on one item;
/// diversity of exposure is 1 - Gini. 0 where nothing was shown.
/// Source: Gini 1912 in the form sum (2i - n - 1) x_(i) / (n sum x)
double Gini(std::span<const std::uint64_t> shown);

/// Mean self-information of what was shown, in bits: -log2((known[i] + 1) / (users + 1)), where
/// known[i] of `users` users have item i in their history. Higher: less known. 0 where nothing was
/// shown.   Source: Zhou et al. 2010 (self-information), smoothed so that unseen items are finite
double Novelty(std::span<const std::uint64_t> shown, std::span<const std::uint64_t> known,
               std::uint64_t users);

}  // namespace vitrine::evaluate
