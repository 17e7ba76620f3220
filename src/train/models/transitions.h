/// What comes after what within a few places, by counts that fade with the distance.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "train/model.h"
#include "train/models/neighbour_model.h"

namespace vitrine::train {

struct TransitionsOptions {
  std::size_t window = 20;            ///< farthest distance of a pair
  std::string distance = "position";  ///< or "basket": items of one basket are 0 apart
  double gap = 0.5;                   ///< a pair at distance d counts gap_decay^(d - 1) / d^gap
  double gap_decay = 1;
  double backward = 0.1;   ///< times that, from the later item to the earlier; 1: both ways alike
  double same_basket = 0;  ///< what a pair within one basket counts, both ways
  double half_life_days = 0;   ///< a pair halves with so many days before the newest event; 0: none
  double from_power = 0.3;     ///< of all weight from the item, which divides; 1: shares
  double to_power = 0;         ///< of all weight to the other, which divides; both 0.5: cosine
  double two_step = 0;         ///< weight of what follows the followers
  std::size_t neighbours = 0;  ///< kept per item; 0: all, up to 64 Mi pairs in all
  PlaceWeights places = {.decay = 0.5, .unit = "position", .length = 20};
};

/// w(i, j) = sum over pairs (i before j at distance d <= window) of gap_decay^(d - 1) / d^gap, plus
/// `backward` times the same of (j before i); table(i, j) = w(i, j) / (from(i)^from_power * to(j)^to_power)
/// with from and to the sums of w over j and over i; then + two_step * sum over k of table(i, k) * share(k, j), share(k, .)
/// being row k by its sum. Rows are cut to `neighbours` before and after the second step. Pairs of an item with
/// itself count. The score: train/models/neighbour_model.h.
/// Fit's errors: kInvalidArgument (options), kFailedPrecondition (half_life_days without times), kCancelled,
///               kResourceExhausted (set `neighbours`). Work: events * window. Memory: 28 bytes an event, 8 a kept pair.
/// Source:  transitions over gaps: Garg et al., Sequence and time aware neighborhood (STAN), SIGIR 2019, and
///          Ludewig & Jannach, Evaluation of session-based recommendation algorithms, UMUAI 2018, section 3.1
///          (sequential rules, weight 1/d).
std::unique_ptr<TrainableModel> MakeTransitions(const TransitionsOptions& options);

/// "transitions" and its parameters.
ModelFactory TransitionsFactory();

}  // namespace vitrine::train
