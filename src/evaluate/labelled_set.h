/// Rows with labels: who was shown what, what was known just before, and whether it was taken. The one
/// form that rankers are fitted on, that a file of held-out rows keeps, and that they are judged on.
/// A row's history is what its user did strictly before it: nothing of the same moment, whatever part
/// the older rows are in, because a shop knows them when it has to answer.
/// Threads: values; pure functions.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "core/catalogue.h"
#include "core/history.h"
#include "core/status.h"
#include "data/feature_spec.h"
#include "data/interactions.h"
#include "data/user_table.h"
#include "evaluate/holdout.h"
#include "evaluate/protocol.h"
#include "evaluate/split.h"

namespace vitrine::evaluate {

/// A row of a table has neither user nor item.
inline constexpr std::uint32_t kNobody = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::uint32_t kNoItem = std::numeric_limits<std::uint32_t>::max();

struct LabelledRow {
  Part part = Part::kTraining;
  std::uint32_t user = kNobody;  ///< index into LabelledSet::users
  std::uint32_t known = 0;       ///< the first so many events of the user's history
  std::uint32_t item = kNoItem;  ///< index into LabelledSet::items: the candidate
  Micros ts;
  std::uint8_t label = 0;
  std::uint64_t slices = 0;  ///< bit s: LabelledSet::slices[s] holds
  Attributes context;        ///< a table's columns
  friend bool operator==(const LabelledRow&, const LabelledRow&) = default;
};

struct LabelledUser {
  User user;
  std::vector<HoldoutEvent> history;  ///< oldest first; `item` is an index into LabelledSet::items
  friend bool operator==(const LabelledUser&, const LabelledUser&) = default;
};

struct LabelledSet {
  std::string protocol;
  std::string snapshot;
  bool ordinal_time = false;
  std::vector<std::string> slices;
  std::vector<std::string> items;
  std::vector<LabelledUser> users;
  std::vector<LabelledRow> rows;  ///< in the protocol's order: by time, user, item; or the table's
  friend bool operator==(const LabelledSet&, const LabelledSet&) = default;

  [[nodiscard]] std::size_t CountOf(Part part) const;
};

/// Row numbers of the interactions by time, user, item: place i of a LabelledSet is of row [i]. Ids are
/// compared as numbers where every id is one, else by bytes.
std::vector<std::size_t> RowOrder(const data::Interactions& interactions);

/// Every row of the interactions, labelled 1 where its type is one of the protocol's target_events, and
/// every user's history.
/// Errors: kInvalidArgument (no target_events, or nothing but them; a slice; rows = "shown"), kFailedPrecondition
///         (ordinal time; a part without both labels: says which).
Result<LabelledSet> MakeLabelledSet(const data::Interactions& interactions,
                                    const data::ItemTable& items, const data::UserTable& users,
                                    const Protocol& protocol);

/// One place of an answer, and whether one of the protocol's target_events followed.
struct ShownRow {
  std::uint32_t user = 0;    ///< of the interactions, or one past them: see MakeShownSet
  std::uint32_t item = 0;    ///< of the interactions
  std::uint32_t answer = 0;  ///< rows of one answer stand together
  Micros ts;                 ///< of the answer
  std::uint8_t label = 0;
};

/// The rows in their order, each with its user's history strictly before the answer. By the protocol's
/// shares the oldest rows are the training part; an answer is never cut: it belongs where it begins.
/// `users` of the interactions come first; who is known from answers alone stands behind, and may be without
/// an id: nobody in particular, once an answer.
/// Precondition: rows by rising time.   Errors: as MakeLabelledSet's.
Result<LabelledSet> MakeShownSet(const data::Interactions& interactions,
                                 const data::ItemTable& items, const data::UserTable& users,
                                 std::span<const ShownRow> rows, const Protocol& protocol);

/// Gives every row its part by its place: by index rule where there is one, else by shares.
void AssignParts(const Protocol& protocol, std::vector<LabelledRow>& rows);

/// Errors: kFailedPrecondition: the training, validation or test part has one label only, or no row.
Status CheckParts(const LabelledSet& set, const Protocol& protocol);

/// The rows as a FeatureSpec takes them, in one vocabulary.
class RowInputs {
 public:
  /// `set` outlives it.
  RowInputs(const LabelledSet& set, const data::Vocabulary& vocabulary);

  /// Views into this object and the set.
  [[nodiscard]] data::FeatureInput Of(std::size_t row) const;

 private:
  const LabelledSet& set_;
  std::vector<ItemIndex> index_;  // by item of the set
  std::vector<History> histories_;
};

}  // namespace vitrine::evaluate
