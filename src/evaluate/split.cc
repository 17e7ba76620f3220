#include "evaluate/split.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "evaluate/predicate.h"

namespace vitrine::evaluate {
namespace {

using data::Interactions;

/// Where a user's rows, in history order, change part; both equal to the number of rows where the
/// user is not evaluated.
struct Cuts {
  std::size_t validation = 0;  ///< the first row of the validation part
  std::size_t test = 0;        ///< the first row of the test part
  bool evaluated = false;
};

bool IsTarget(const Protocol& protocol, EventType type) {
  return protocol.target_events.empty() || protocol.target_events.contains(type);
}

/// Builds one Split; a class because every step shares the inputs and the scratch.
class Splitter {
 public:
  Splitter(const Interactions& log, const data::ItemTable& items, const Protocol& protocol,
           std::span<const User> users)
      : log_(log), items_(items), protocol_(protocol), users_(users) {}

  Result<Split> Run() {
    RETURN_IF_ERROR(Check());
    for (const SliceDef& slice : protocol_.slices) {
      ASSIGN_OR_RETURN(Predicate predicate, Predicate::Parse(slice.where));
      predicates_.push_back(std::move(predicate));
    }
    split_.part.assign(log_.rows(), Part::kTraining);
    if (protocol_.kind == ProtocolKind::kTimeSplit) {
      FindWindows();
    }
    for (std::uint32_t user = 0; user + 1 < log_.user_begin.size(); ++user) {
      AddUser(user);
    }
    split_.validation_cases = split_.cases.size();
    split_.cases.insert(split_.cases.end(), test_cases_.begin(), test_cases_.end());
    if (split_.cases.empty()) {
      return FailedPrecondition(NothingToEvaluate());
    }
    return std::move(split_);
  }

 private:
  Status Check() const {
    RETURN_IF_ERROR(CheckProtocol(protocol_));
    if (protocol_.kind == ProtocolKind::kLabelled) {
      return InvalidArgument(
          fmt::format("protocol '{}' gives rows with labels, which rankers learn from; what orders "
                      "a whole vocabulary needs leave_one_out, last_basket or time_split",
                      protocol_.name));
    }
    if (protocol_.kind == ProtocolKind::kTimeSplit && log_.ordinal_time) {
      return FailedPrecondition(fmt::format(
          "protocol '{}' splits by time, but snapshot {} has no times, only an order; use "
          "leave_one_out or last_basket",
          protocol_.name, log_.snapshot));
    }
    if (!users_.empty() && users_.size() != log_.users.size()) {
      return InvalidArgument(fmt::format("{} user rows for {} users of the interactions",
                                         users_.size(), log_.users.size()));
    }
    return Status::Ok();
  }

  std::string NothingToEvaluate() const {
    const std::size_t users = log_.users.size();
    switch (protocol_.kind) {
      case ProtocolKind::kLeaveOneOut:
        return fmt::format(
            "protocol '{}' finds nobody to evaluate: none of {} users has {} target events and "
            "something new in the last; lower minimum_length or widen target_events",
            protocol_.name, users, protocol_.minimum_length);
      case ProtocolKind::kLastBasket:
        return fmt::format(
            "protocol '{}' finds nobody to evaluate: none of {} users has {} baskets and something "
            "new in the last; lower minimum_baskets or set history = \"kept\"",
            protocol_.name, users, protocol_.minimum_baskets);
      case ProtocolKind::kTimeSplit:
      case ProtocolKind::kLabelled:
        break;
    }
    return fmt::format(
        "protocol '{}' finds nobody to evaluate: none of {} users has events both before and "
        "within the windows (the test window starts at {}); change test_days",
        protocol_.name, users, FormatIso(split_.test_from));
  }

  void FindWindows() {
    Micros end{0};
    for (const Micros ts : log_.ts) {
      end = std::max(end, ts);
    }
    const auto micros = [](double days) {
      return static_cast<std::int64_t>(std::llround(days * static_cast<double>(kMicrosPerDay)));
    };
    split_.test_from = Micros{end.value - micros(protocol_.test_days) + 1};
    split_.validation_from = Micros{split_.test_from.value - micros(protocol_.validation_days)};
  }

  void AddUser(std::uint32_t user) {
    OrderRows(user);
    const Cuts cuts = FindCuts();
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      split_.part[rows_[i]] = i < cuts.validation ? Part::kTraining
                              : i < cuts.test     ? Part::kValidation
                                                  : Part::kTest;
    }
    if (!cuts.evaluated) {
      return;
    }
    const std::size_t begin = split_.history.size();
    split_.history.insert(split_.history.end(), rows_.begin(),
                          rows_.begin() + static_cast<std::ptrdiff_t>(cuts.test));
    AddCase(user, Part::kValidation, begin, cuts.validation, cuts.test);
    AddCase(user, Part::kTest, begin, cuts.test, rows_.size());
  }

  /// rows_ := the user's rows in history order, repeats taken out.
  void OrderRows(std::uint32_t user) {
    rows_.resize(log_.user_begin[user + 1] - log_.user_begin[user]);
    std::iota(rows_.begin(), rows_.end(), log_.user_begin[user]);
    if (protocol_.kind == ProtocolKind::kLastBasket) {
      std::stable_sort(rows_.begin(), rows_.end(), [this](std::size_t a, std::size_t b) {
        return log_.basket[a] < log_.basket[b];
      });
    }
    if (protocol_.distinct_in_basket) {
      DropRepeats();
    }
  }

  void DropRepeats() {
    const auto key = [this](std::size_t row) {
      return std::tuple(log_.basket[row], log_.item[row], log_.type[row]);
    };
    sorted_ = rows_;
    std::stable_sort(sorted_.begin(), sorted_.end(),
                     [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
    for (std::size_t i = 1; i < sorted_.size(); ++i) {
      if (key(sorted_[i]) == key(sorted_[i - 1])) {
        split_.part[sorted_[i]] = Part::kUnused;
      }
    }
    std::erase_if(rows_, [this](std::size_t row) { return split_.part[row] == Part::kUnused; });
  }

  Cuts FindCuts() const {
    switch (protocol_.kind) {
      case ProtocolKind::kLeaveOneOut:
        return CutBySteps(protocol_.minimum_length, false);
      case ProtocolKind::kLastBasket:
        return CutBySteps(protocol_.minimum_baskets, true);
      case ProtocolKind::kTimeSplit:
      case ProtocolKind::kLabelled:
        break;
    }
    const auto before = [this](Micros limit) {
      const auto stop = std::find_if(rows_.begin(), rows_.end(),
                                     [&](std::size_t row) { return log_.ts[row] >= limit; });
      return static_cast<std::size_t>(stop - rows_.begin());
    };
    return {before(split_.validation_from), before(split_.test_from), true};
  }

  /// Walks back over target rows (or baskets with one): the last is the test, the one before it the
  /// validation.
  Cuts CutBySteps(int minimum, bool by_basket) const {
    Cuts cuts{rows_.size(), rows_.size(), false};
    int steps = 0;
    std::optional<std::uint32_t> basket;
    for (std::size_t i = rows_.size(); i-- > 0;) {
      const std::size_t row = rows_[i];
      if (by_basket && basket == log_.basket[row]) {
        // Older rows of the basket that the last step found stand before its target row.
        if (steps == 1) cuts.test = i;
        if (steps == 2) cuts.validation = i;
        continue;
      }
      if (!IsTarget(protocol_, log_.type[row])) {
        continue;
      }
      ++steps;
      basket = log_.basket[row];
      if (steps == 1) cuts.test = i;
      if (steps == 2) cuts.validation = i;
    }
    if (steps < minimum) {
      return {rows_.size(), rows_.size(), false};
    }
    cuts.evaluated = true;
    return cuts;
  }

  /// The case that knows rows_[0, from) and is asked for the targets of rows_[from, to).
  void AddCase(std::uint32_t user, Part part, std::size_t begin, std::size_t from, std::size_t to) {
    Case c{user, part, begin, begin + from, split_.targets.size(), split_.targets.size(), 0};
    if (from == to) {
      return;
    }
    if (protocol_.kind == ProtocolKind::kLeaveOneOut) {
      to = from + 1;  // what follows the target up to the next one is no target
    } else if (protocol_.kind == ProtocolKind::kLastBasket) {
      const std::uint32_t basket = log_.basket[rows_[from]];
      while (to > from && log_.basket[rows_[to - 1]] != basket) {
        --to;
      }
    }
    const bool any = CollectTargets(from, to);
    c.target_end = split_.targets.size();
    if (c.target_begin == c.target_end || from == 0) {
      split_.targets.resize(c.target_begin);
      split_.dropped_cases += any ? 1 : 0;
      return;
    }
    c.slices = SlicesOf(c);
    (part == Part::kValidation ? split_.cases : test_cases_).push_back(c);
  }

  /// Appends the distinct target items; says whether there was one before filtering.
  bool CollectTargets(std::size_t from, std::size_t to) {
    const std::size_t first = split_.targets.size();
    bool any = false;
    for (std::size_t i = from; i < to; ++i) {
      const std::uint32_t item = log_.item[rows_[i]];
      if (!IsTarget(protocol_, log_.type[rows_[i]])) {
        continue;
      }
      any = true;
      const auto known = [&](std::size_t row) { return log_.item[row] == item; };
      const auto begin = split_.targets.begin() + static_cast<std::ptrdiff_t>(first);
      if (std::find(begin, split_.targets.end(), item) != split_.targets.end() ||
          (protocol_.history == HistoryRule::kFiltered &&
           std::any_of(rows_.begin(), rows_.begin() + static_cast<std::ptrdiff_t>(from), known))) {
        continue;
      }
      split_.targets.push_back(item);
    }
    return any;
  }

  std::uint64_t SlicesOf(const Case& c) {
    std::uint64_t slices = 0;
    if (predicates_.empty()) {
      return slices;
    }
    const auto history = split_.HistoryRows(c);
    const auto item = [this](std::uint32_t number) {
      return number < items_.rows.size() ? &items_.rows[number] : nullptr;
    };
    PredicateInput input;
    input.last = item(log_.item[history.back()]);
    input.user = users_.empty() ? nullptr : &users_[c.user];
    input.history_length = history.size();
    input.history_baskets = CountBaskets(history);
    input.target_count = c.target_end - c.target_begin;
    for (std::size_t s = 0; s < predicates_.size(); ++s) {
      for (const std::uint32_t target : split_.Targets(c)) {
        input.target = item(target);
        if (predicates_[s].Matches(input)) {
          slices |= std::uint64_t{1} << s;
          break;
        }
      }
    }
    return slices;
  }

  std::size_t CountBaskets(std::span<const std::size_t> history) {
    baskets_.clear();
    for (const std::size_t row : history) {
      baskets_.push_back(log_.basket[row]);
    }
    std::sort(baskets_.begin(), baskets_.end());
    return static_cast<std::size_t>(std::unique(baskets_.begin(), baskets_.end()) -
                                    baskets_.begin());
  }

  const Interactions& log_;
  const data::ItemTable& items_;
  const Protocol& protocol_;
  std::span<const User> users_;
  std::vector<Predicate> predicates_;
  Split split_;
  std::vector<Case> test_cases_;
  std::vector<std::size_t> rows_;
  std::vector<std::size_t> sorted_;
  std::vector<std::uint32_t> baskets_;
};

}  // namespace

std::string_view PartName(Part part) {
  switch (part) {
    case Part::kTraining:
      return "training";
    case Part::kValidation:
      return "validation";
    case Part::kTest:
      return "test";
    case Part::kUnused:
      return "unused";
  }
  return "";
}

Result<Split> MakeSplit(const Interactions& interactions, const data::ItemTable& items,
                        const Protocol& protocol, std::span<const User> users) {
  return Splitter(interactions, items, protocol, users).Run();
}

}  // namespace vitrine::evaluate
