#include "evaluate/protocol.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "evaluate/predicate.h"

namespace vitrine::evaluate {
namespace {

constexpr int kLargestK = 1000;
constexpr double kLongestWindowDays = 36'500;

Status Bad(const Protocol& protocol, const std::string& what) {
  return InvalidArgument(fmt::format("protocol '{}': {}", protocol.name, what));
}

Status CheckKs(const Protocol& protocol) {
  if (protocol.ks.empty()) {
    return Bad(protocol, "ks is empty; give at least one cut-off, as ks = [10]");
  }
  int previous = 0;
  for (const int k : protocol.ks) {
    if (k <= previous || k > kLargestK) {
      return Bad(protocol,
                 fmt::format("ks must rise, each from 1 to {}; {} does not fit", kLargestK, k));
    }
    previous = k;
  }
  return Status::Ok();
}

Status CheckSlices(const Protocol& protocol) {
  if (protocol.slices.size() > kMaxSlices) {
    return Bad(protocol,
               fmt::format("{} slices; at most {} are kept", protocol.slices.size(), kMaxSlices));
  }
  std::set<std::string_view> names = {"all"};
  for (const SliceDef& slice : protocol.slices) {
    if (slice.name.empty() || slice.name.find('/') != std::string::npos) {
      return Bad(protocol,
                 fmt::format("slice name '{}' must be non-empty and without '/'", slice.name));
    }
    if (!names.insert(slice.name).second) {
      return Bad(protocol, fmt::format("slice name '{}' is taken ('all' always is)", slice.name));
    }
    const Result<Predicate> parsed = Predicate::Parse(slice.where);
    if (!parsed.ok()) {
      return parsed.status().WithContext(
          fmt::format("protocol '{}': slice '{}'", protocol.name, slice.name));
    }
  }
  return Status::Ok();
}

Status CheckLabelled(const Protocol& protocol) {
  if (protocol.kind != ProtocolKind::kLabelled) {
    return Status::Ok();
  }
  if (protocol.test_rows.given() != protocol.validation_rows.given() ||
      (protocol.test_rows.given() && protocol.test_rows == protocol.validation_rows)) {
    return Bad(protocol,
               "test_rows and validation_rows go together and name different rows, as "
               "\"index mod 5 = 4\" and \"index mod 5 = 3\"");
  }
  const bool fits = protocol.test_share > 0 && protocol.validation_share >= 0 &&
                    protocol.test_share + protocol.validation_share < 1;
  return fits ? Status::Ok()
              : Bad(protocol,
                    "test_share must be above 0, validation_share 0 or more, and rows "
                    "must be left to learn from");
}

/// An event that JoinLabels gives to what was shown.
bool LabelsShown(EventType type) {
  return NeedsItem(type) && type != EventType::kImpression && type != EventType::kReturn;
}

Status CheckShown(const Protocol& protocol) {
  constexpr double kMostHours = 24.0 * 90;
  const ShownOptions& shown = protocol.shown;
  if (protocol.rows != RowSource::kShown) {
    return Status::Ok();
  }
  if (protocol.kind != ProtocolKind::kLabelled) {
    return Bad(protocol, "rows = \"shown\" is of kind = \"labelled\"");
  }
  if (protocol.test_rows.given()) {
    return Bad(protocol,
               "test_rows and validation_rows would cut answers; rows = \"shown\" is cut by time: "
               "test_share, validation_share");
  }
  if (protocol.target_events.empty()) {
    return Bad(protocol,
               "target_events is empty; which events make a shown item a positive, as "
               "target_events = [\"click\"]?");
  }
  for (const EventType type : protocol.target_events) {
    if (!LabelsShown(type)) {
      return Bad(protocol, fmt::format("target_events: '{}' says nothing of an item that was shown",
                                       EventName(type)));
    }
  }
  if (!(shown.click_minutes > 0 && shown.click_minutes <= kMostHours * 60)) {
    return Bad(protocol, "click_minutes must be above 0 and at most 90 days");
  }
  if (!(shown.purchase_hours > 0 && shown.purchase_hours <= kMostHours)) {
    return Bad(protocol, "purchase_hours must be above 0 and at most 90 days");
  }
  return shown.position_clip >= 1 ? Status::Ok()
                                  : Bad(protocol,
                                        "position_clip must be 1 or more: it is the "
                                        "largest weight that a positive can have");
}

/// Takes `word` and the blanks before it off the front of `text`.
bool TakeWord(std::string_view& text, std::string_view word) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  if (!text.starts_with(word)) {
    return false;
  }
  text.remove_prefix(word.size());
  return true;
}

bool TakeNumber(std::string_view& text, std::uint32_t& number) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return error == std::errc();
}

}  // namespace

Result<IndexRule> ParseIndexRule(std::string_view text) {
  IndexRule rule;
  std::string_view rest = text;
  const bool read = TakeWord(rest, "index") && TakeWord(rest, "mod") &&
                    TakeNumber(rest, rule.modulus) && TakeWord(rest, "=") &&
                    TakeNumber(rest, rule.remainder);
  if (!read || rest.find_first_not_of(' ') != std::string_view::npos || rule.modulus < 2 ||
      rule.remainder >= rule.modulus) {
    return InvalidArgument(fmt::format(
        "'{}' names no rows; write \"index mod M = R\", M 2 or more and R below it", text));
  }
  return rule;
}

std::string_view ProtocolKindName(ProtocolKind kind) {
  switch (kind) {
    case ProtocolKind::kLeaveOneOut:
      return "leave_one_out";
    case ProtocolKind::kLastBasket:
      return "last_basket";
    case ProtocolKind::kTimeSplit:
      return "time_split";
    case ProtocolKind::kLabelled:
      return "labelled";
  }
  return "";
}

std::string_view PlaceBiasName(PlaceBias bias) {
  switch (bias) {
    case PlaceBias::kNone:
      return "none";
    case PlaceBias::kShopperItem:
      return "shopper_item";
    case PlaceBias::kItem:
      return "item";
    case PlaceBias::kRandomised:
      return "randomised";
  }
  return "";
}

std::string_view HistoryRuleName(HistoryRule rule) {
  return rule == HistoryRule::kFiltered ? "filtered" : "kept";
}

std::string_view PopularityUnitName(PopularityUnit unit) {
  switch (unit) {
    case PopularityUnit::kUsers:
      return "users";
    case PopularityUnit::kBaskets:
      return "baskets";
    case PopularityUnit::kEvents:
      return "events";
  }
  return "";
}

std::string_view AgeUnitName(AgeUnit unit) {
  switch (unit) {
    case AgeUnit::kPosition:
      return "position";
    case AgeUnit::kBasket:
      return "basket";
    case AgeUnit::kDay:
      return "day";
  }
  return "";
}

Status CheckProtocol(const Protocol& protocol) {
  if (protocol.name.empty()) {
    return InvalidArgument("the protocol has no name; give it one, as name = \"last-basket\"");
  }
  RETURN_IF_ERROR(CheckKs(protocol));
  if (protocol.kind == ProtocolKind::kLeaveOneOut && protocol.minimum_length < 2) {
    return Bad(protocol, "minimum_length must be 2 or more: one event to know, one to predict");
  }
  if (protocol.kind == ProtocolKind::kLastBasket && protocol.minimum_baskets < 2) {
    return Bad(protocol, "minimum_baskets must be 2 or more: one basket to know, one to predict");
  }
  if (protocol.kind == ProtocolKind::kTimeSplit) {
    if (!(protocol.test_days > 0 && protocol.test_days <= kLongestWindowDays)) {
      return Bad(protocol, "test_days must be above 0 (and below a hundred years)");
    }
    if (!(protocol.validation_days >= 0 && protocol.validation_days <= kLongestWindowDays)) {
      return Bad(protocol, "validation_days must be 0 or more (and below a hundred years)");
    }
  }
  for (const EventType type : protocol.events) {
    if (!NeedsItem(type)) {
      return Bad(protocol, fmt::format("events: '{}' names no item and cannot be learnt from",
                                       EventName(type)));
    }
  }
  for (const EventType type : protocol.target_events) {
    if (!protocol.events.empty() && !protocol.events.contains(type)) {
      return Bad(protocol, fmt::format("target_events: '{}' is not among events", EventName(type)));
    }
  }
  RETURN_IF_ERROR(CheckLabelled(protocol));
  RETURN_IF_ERROR(CheckShown(protocol));
  return CheckSlices(protocol);
}

}  // namespace vitrine::evaluate
