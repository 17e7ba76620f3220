#include "evaluate/labelled_set.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "evaluate/predicate.h"

namespace vitrine::evaluate {
namespace {

/// Places of the ids in their order: as numbers where every id is one, else by bytes.
std::vector<std::size_t> PlacesOf(const std::vector<std::string>& ids) {
  std::vector<std::uint64_t> numbers(ids.size());
  const bool numeric =
      std::all_of(ids.begin(), ids.end(), [&, i = std::size_t{0}](const std::string& id) mutable {
        const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), numbers[i++]);
        return error == std::errc() && end == id.data() + id.size();
      });
  std::vector<std::size_t> order(ids.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return numeric && numbers[a] != numbers[b] ? numbers[a] < numbers[b] : ids[a] < ids[b];
  });
  std::vector<std::size_t> places(ids.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    places[order[i]] = i;
  }
  return places;
}

Status CheckLabels(const data::Interactions& log, const Protocol& protocol) {
  if (protocol.target_events.empty()) {
    return InvalidArgument(
        fmt::format("protocol '{}': target_events is empty; a label says whether an event is one "
                    "of them, as target_events = [\"purchase\"]",
                    protocol.name));
  }
  if (log.ordinal_time) {
    return FailedPrecondition(fmt::format(
        "protocol '{}' orders all rows by time, but snapshot {} has no times, only an order within "
        "each user",
        protocol.name, log.snapshot));
  }
  return Status::Ok();
}

/// Sets the slice bits of rows.
class Slicer {
 public:
  static Result<Slicer> Make(const Protocol& protocol) {
    Slicer slicer;
    for (const SliceDef& slice : protocol.slices) {
      ASSIGN_OR_RETURN(Predicate predicate, Predicate::Parse(slice.where));
      slicer.predicates_.push_back(std::move(predicate));
    }
    return slicer;
  }

  [[nodiscard]] std::uint64_t Of(const LabelledSet& set, const LabelledRow& row,
                                 const data::ItemTable& items) const {
    if (predicates_.empty()) {
      return 0;
    }
    const LabelledUser& user = set.users[row.user];
    PredicateInput input;
    input.target = &items.rows[row.item];
    input.last = row.known == 0 ? nullptr : &items.rows[user.history[row.known - 1].item];
    input.user = &user.user;
    input.history_length = row.known;
    input.history_baskets = row.known == 0 ? 0 : user.history[row.known - 1].basket + 1;
    input.target_count = 1;
    std::uint64_t slices = 0;
    for (std::size_t s = 0; s < predicates_.size(); ++s) {
      slices |= std::uint64_t{predicates_[s].Matches(input)} << s;
    }
    return slices;
  }

 private:
  std::vector<Predicate> predicates_;
};

void FillUsers(const data::Interactions& log, const data::UserTable& users, LabelledSet& set) {
  set.users.resize(std::max(log.users.size(), users.rows.size()));
  for (std::size_t u = 0; u < set.users.size(); ++u) {
    LabelledUser& user = set.users[u];
    if (u < users.rows.size()) {
      user.user = users.rows[u];
    }
    if (u >= log.users.size()) {
      continue;  // only answers know them
    }
    user.user.id = log.users[u];
    for (std::size_t r = log.user_begin[u]; r < log.user_begin[u + 1]; ++r) {
      user.history.push_back({log.item[r], log.ts[r], log.type[r], log.basket[r]});
    }
  }
}

LabelledSet EmptySet(const data::Interactions& log, const data::UserTable& users,
                     const Protocol& protocol) {
  LabelledSet set{.protocol = protocol.name,
                  .snapshot = log.snapshot,
                  .ordinal_time = log.ordinal_time,
                  .slices = {},
                  .items = log.items,
                  .users = {},
                  .rows = {}};
  for (const SliceDef& slice : protocol.slices) {
    set.slices.push_back(slice.name);
  }
  FillUsers(log, users, set);
  return set;
}

/// As AssignParts by shares, but each bound moves on to the next answer's first row.
void AssignWholeAnswers(const Protocol& protocol, std::span<const ShownRow> rows,
                        std::vector<LabelledRow>& out) {
  AssignParts(protocol, out);
  for (std::size_t i = 1; i < out.size(); ++i) {
    if (rows[i].answer == rows[i - 1].answer) {
      out[i].part = out[i - 1].part;
    }
  }
}

/// Events of a history that are strictly older.
std::uint32_t KnownAt(const std::vector<HoldoutEvent>& history, Micros ts) {
  const auto end = std::partition_point(history.begin(), history.end(),
                                        [ts](const HoldoutEvent& event) { return event.ts < ts; });
  return static_cast<std::uint32_t>(end - history.begin());
}

}  // namespace

std::size_t LabelledSet::CountOf(Part part) const {
  return static_cast<std::size_t>(std::count_if(
      rows.begin(), rows.end(), [part](const LabelledRow& row) { return row.part == part; }));
}

void AssignParts(const Protocol& protocol, std::vector<LabelledRow>& rows) {
  const auto n = static_cast<double>(rows.size());
  const auto test = static_cast<std::size_t>(std::llround(n * (1 - protocol.test_share)));
  const auto validation = static_cast<std::size_t>(
      std::llround(n * (1 - protocol.test_share - protocol.validation_share)));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (protocol.test_rows.given()) {
      rows[i].part = protocol.test_rows.Holds(i)         ? Part::kTest
                     : protocol.validation_rows.Holds(i) ? Part::kValidation
                                                         : Part::kTraining;
    } else {
      rows[i].part = i >= test         ? Part::kTest
                     : i >= validation ? Part::kValidation
                                       : Part::kTraining;
    }
  }
}

Status CheckParts(const LabelledSet& set, const Protocol& protocol) {
  for (const Part part : {Part::kTraining, Part::kValidation, Part::kTest}) {
    std::size_t counts[2] = {0, 0};
    for (const LabelledRow& row : set.rows) {
      counts[row.label] += row.part == part ? 1 : 0;
    }
    const bool wanted =
        part != Part::kValidation || protocol.test_rows.given() || protocol.validation_share > 0;
    if (wanted && (counts[0] == 0 || counts[1] == 0)) {
      return FailedPrecondition(
          fmt::format("protocol '{}': the {} part has {} rows with label 1 and {} with label 0 of "
                      "{} rows in all; both labels are needed. Change the shares or the labels",
                      protocol.name, PartName(part), counts[1], counts[0], set.rows.size()));
    }
  }
  return Status::Ok();
}

std::vector<std::size_t> RowOrder(const data::Interactions& log) {
  const std::vector<std::size_t> users = PlacesOf(log.users);
  const std::vector<std::size_t> items = PlacesOf(log.items);
  std::vector<std::size_t> order(log.rows());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::tuple(log.ts[a].value, users[log.user[a]], items[log.item[a]]) <
           std::tuple(log.ts[b].value, users[log.user[b]], items[log.item[b]]);
  });
  return order;
}

Result<LabelledSet> MakeLabelledSet(const data::Interactions& log, const data::ItemTable& items,
                                    const data::UserTable& users, const Protocol& protocol) {
  RETURN_IF_ERROR(CheckProtocol(protocol));
  RETURN_IF_ERROR(CheckLabels(log, protocol));
  ASSIGN_OR_RETURN(const Slicer slicer, Slicer::Make(protocol));
  if (protocol.rows == RowSource::kShown) {
    return InvalidArgument(fmt::format(
        "protocol '{}': rows = \"shown\" needs a snapshot's answers, and these are events",
        protocol.name));
  }
  LabelledSet set = EmptySet(log, users, protocol);
  set.rows.reserve(log.rows());
  for (const std::size_t r : RowOrder(log)) {
    LabelledRow& row = set.rows.emplace_back();
    row.user = log.user[r];
    row.known = KnownAt(set.users[row.user].history, log.ts[r]);
    row.item = log.item[r];
    row.ts = log.ts[r];
    row.label = protocol.target_events.contains(log.type[r]) ? 1 : 0;
    row.slices = slicer.Of(set, row, items);
  }
  AssignParts(protocol, set.rows);
  RETURN_IF_ERROR(CheckParts(set, protocol));
  return set;
}

Result<LabelledSet> MakeShownSet(const data::Interactions& log, const data::ItemTable& items,
                                 const data::UserTable& users, std::span<const ShownRow> rows,
                                 const Protocol& protocol) {
  RETURN_IF_ERROR(CheckProtocol(protocol));
  RETURN_IF_ERROR(CheckLabels(log, protocol));
  ASSIGN_OR_RETURN(const Slicer slicer, Slicer::Make(protocol));
  LabelledSet set = EmptySet(log, users, protocol);
  set.rows.reserve(rows.size());
  for (const ShownRow& shown : rows) {
    LabelledRow& row = set.rows.emplace_back();
    row.user = shown.user;
    row.known = KnownAt(set.users[row.user].history, shown.ts);
    row.item = shown.item;
    row.ts = shown.ts;
    row.label = shown.label;
    row.slices = slicer.Of(set, row, items);
  }
  AssignWholeAnswers(protocol, rows, set.rows);
  RETURN_IF_ERROR(CheckParts(set, protocol));
  return set;
}

RowInputs::RowInputs(const LabelledSet& set, const data::Vocabulary& vocabulary) : set_(set) {
  for (const std::string& id : set.items) {
    index_.push_back(vocabulary.Find(id));
  }
  histories_.resize(set.users.size());
  for (std::size_t u = 0; u < set.users.size(); ++u) {
    for (const HoldoutEvent& event : set.users[u].history) {
      histories_[u].push_back({index_[event.item], event.ts, event.type, event.basket});
    }
  }
}

data::FeatureInput RowInputs::Of(std::size_t number) const {
  const LabelledRow& row = set_.rows[number];
  data::FeatureInput input;
  input.as_of = row.ts;
  input.context = &row.context;
  if (row.user != kNobody) {
    input.history = std::span(histories_[row.user]).first(row.known);
    input.user = &set_.users[row.user].user;
  }
  if (row.item != kNoItem) {
    input.candidates = std::span(index_).subspan(row.item, 1);
  }
  return input;
}

}  // namespace vitrine::evaluate
