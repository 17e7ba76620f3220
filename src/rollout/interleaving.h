/// Interleaving: both versions' lists are drafted into one, and the shopper's own clicks choose
/// between them. The comparison is within the shopper, so it needs far fewer of them than two
/// separate arms; it says which list is preferred, not what the preference is worth.
/// Source: Radlinski, Kurup & Joachims, How does clickthrough data reflect retrieval quality?, CIKM
///   2008 (team draft)
/// Threads: pure functions, and values with one writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "rollout/assignment.h"
#include "rollout/confidence_sequence.h"
#include "rollout/moments.h"

namespace vitrine::rollout {

struct DraftedPlace {
  std::uint64_t item = 0;
  Arm team = Arm::kControl;  ///< whose pick it was
  std::size_t rank = 0;      ///< its place in that team's list, from 0
};

/// Team draft: in each round a coin says which team picks first; each picks the first item of its
/// list that is not there yet. At most `n` places without repeats; fewer where both lists end.
/// Where one ends, the other goes on picking.
/// Equal seeds give equal drafts: take a hash of the rollout's salt and the request id.
std::vector<DraftedPlace> TeamDraft(std::span<const std::uint64_t> control,
                                    std::span<const std::uint64_t> treatment, std::size_t n,
                                    std::uint64_t seed);

/// What one shopper's clicks or purchases gave to each team so far.
struct Credit {
  double control = 0;
  double treatment = 0;

  void Add(Arm team, double amount = 1) { (team == Arm::kControl ? control : treatment) += amount; }
  [[nodiscard]] bool Empty() const { return control == 0 && treatment == 0; }
};

/// Credits by shopper. The preference is (treatment's credits - control's) over all credits, in
/// [-1, 1]: sums over shoppers, not a mean of each shopper's own ratio, which later clicks would
/// pull back to the middle (confidence_sequence.h asks for increments that do not oppose each
/// other).
struct Preference {
  JointMoments shoppers;  ///< those with a credit

  /// A shopper whose credits were `before` now has `now`.   No allocation
  void Update(const Credit& before, const Credit& now);
  /// For AlwaysValid at any time, for FixedHorizonP (fixed_horizon.h) once at a size fixed
  /// beforehand.
  [[nodiscard]] Estimate Current() const;
};

struct PreferenceVerdict {
  double preference = 0;  ///< above 0: the treatment's items are chosen more often
  Interval interval;      ///< always valid
  double shoppers = 0;
  bool treatment_wins = false;
  bool control_wins = false;
};

/// May be asked for after every click; wrong with a chance of at most alpha over all of them. The interval doubts a little:
/// two shoppers more are counted, one of each mind.
PreferenceVerdict JudgePreference(const Preference& preference, const SequenceOptions& options);

/// "of the items that 412 shoppers took, the candidate's are ahead by -21 % (surely -33 % to -9 %)"
std::string Sentence(const PreferenceVerdict& verdict);
/// {"shoppers", "preference", "sentence", "interval": [low, high]}, the interval where it was judged.
std::string ToJson(const PreferenceVerdict& verdict);

}  // namespace vitrine::rollout
