/// Why an item is in an answer, and why another is not.
/// Threads: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"

namespace vitrine::serve {

enum class ReasonKind : std::uint8_t {
  kHistory,
  kBase,
  kRule,
  kBid,
  kPopularity,
  kSimilar,
  kQuery,
  kOutside,    ///< the whole score of another server, which gives no reasons
  kFeature,    ///< an attribute of the user or of the request
  kDiversity,  ///< moved so that the answer varies; adds nothing to the score
  kExposure,   ///< has a place kept for new items, or made room for one; adds nothing to the score
};
std::string_view ReasonKindName(ReasonKind kind);

/// One part of a score. The parts of an item add up to its score.
struct Reason {
  ReasonKind kind = ReasonKind::kBase;
  std::string item_id;                ///< the history item, where kind is kHistory or kSimilar
  EventType type = EventType::kView;  ///< what was done with it
  std::string rule;                   ///< name of the rule, where kind is kRule
  std::string feature;                ///< "user.level", "context.hour", where kind is kFeature
  int places = 0;  ///< moved up, below 0: down, where kind is kDiversity or kExposure
  double contribution = 0;
  double error = 0;  ///< standard error of an estimated contribution; 0: it is exact
  std::string text;  ///< a sentence in the request's language
};

/// How the reasons of an answer were made.
struct Explained {
  std::string_view method;  ///< "additive", "subsets", "permutations"; empty: no model was asked
  std::size_t scored = 0;   ///< histories that the version scored for it
  /// Largest difference, over the items, between a score and the sum of its parts before the difference was given to the
  /// largest part. What is left after that is rounding.
  double residual = 0;
};

/// What took an item out of an answer. Those of one group stand together.
enum class AbsenceCause : std::uint8_t {
  kShown,  ///< nothing did
  // A filter left it out.
  kDown,  ///< hidden or deleted by the shop
  kOutOfStock,
  kNotInCatalogue,
  kHiddenByRule,
  kHiddenByUser,
  kBought,
  kSeen,
  kExcluded,     ///< the request names it in `exclude`
  kNotIncluded,  ///< the request names others in `include`
  kNoMatch,      ///< the request's `where`
  kAskedAbout,   ///< what is like it was asked for
  // Nothing scored it.
  kNotInModel,
  kNotCandidate,  ///< the retriever's order left it out before the ranker
  // Others stand before it.
  kBrandLimit,
  kCategoryLimit,
  kBrandGap,
  kTooAlike,      ///< it is like what stands above
  kMadeRoom,      ///< its place is kept for a new item
  kMovedByRules,  ///< the model's scores alone would show it
  kPinned,        ///< a pin took its place
  kOutranked,
};
std::string_view AbsenceCauseName(AbsenceCause cause);

struct AbsenceReason {
  AbsenceCause cause = AbsenceCause::kOutranked;
  std::string rule;  ///< name of the rule, where one did it
  std::string text;  ///< a sentence in the request's language
};

/// An item that is not in an answer.
/// Ranks count from 1 among everything that was scored, with nothing left out; 0: it was not scored.
struct Absence {
  std::string item_id;
  std::vector<AbsenceReason> why;  ///< the one that counts first; all filters that hold
  std::size_t rank = 0;            ///< by the score with rules
  std::size_t model_rank = 0;      ///< by the version's own score
  std::size_t retriever_rank = 0;  ///< where a ranker ranked: by the retriever's score
  std::optional<double> score;     ///< with rules
  std::optional<double> model_score;
  /// What it lacks to the score of the last item shown; negative: it stands above that one.
  std::optional<double> gap;
  std::vector<Reason> reasons;  ///< of its score, where it was asked for by name
};

/// Which items are asked about.
struct AbsenceQuestion {
  std::vector<std::string> items;  ///< "why not these?"
  /// At most so many of the items that the version's own scores put among the first n and that are not shown.
  std::size_t removed = 0;

  [[nodiscard]] bool empty() const { return items.empty() && removed == 0; }
};

inline constexpr std::size_t kMostWhyNot = 20;
inline constexpr std::size_t kMostRemoved = 100;

struct Absences {
  std::vector<Absence> items;    ///< of AbsenceQuestion::items, in its order
  std::vector<Absence> removed;  ///< best first
  bool listed = false;           ///< `removed` was asked for
};

}  // namespace vitrine::serve
