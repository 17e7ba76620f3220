#include "monitor/contract/contract_rule.h"

#include <algorithm>
#include <array>

namespace vitrine::monitor {
namespace {

constexpr std::array<std::string_view, kContractKinds> kKinds = {
    "missing",         "range",   "mean",       "digits",      "values",      "value_share",
    "volume",          "silence", "duplicates", "known_items", "known_users", "price_agrees",
    "currency_agrees", "future",  "refused"};

}  // namespace

std::string_view ContractKindName(ContractKind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}

bool IsShare(ContractKind kind) {
  return kind != ContractKind::kMean && kind != ContractKind::kVolume &&
         kind != ContractKind::kSilence;
}

std::string_view GrainName(Grain grain) { return grain == Grain::kHour ? "hour" : "day"; }

bool ContractRule::Pinned(std::string_view name) const {
  return std::find(pinned.begin(), pinned.end(), name) != pinned.end();
}

const ContractRule* DataContract::Find(std::string_view id) const {
  const auto found = std::find_if(rules.begin(), rules.end(),
                                  [id](const ContractRule& rule) { return rule.id == id; });
  return found == rules.end() ? nullptr : &*found;
}

double DataContract::RuleAlpha(Grain grain) const {
  const auto on = std::count_if(rules.begin(), rules.end(), [grain](const ContractRule& rule) {
    return rule.enabled && rule.Of(grain).has_value();
  });
  return alpha / static_cast<double>(std::max<std::ptrdiff_t>(on, 1));
}

std::size_t HourOfWeek(Micros time) {
  constexpr std::int64_t kHour = 3'600 * kMicrosPerSecond;
  constexpr std::int64_t kWeek = 168;
  constexpr std::int64_t kThursday = 72;  // 1970 began on one
  const std::int64_t hours = time.value / kHour - (time.value % kHour < 0 ? 1 : 0);
  return static_cast<std::size_t>(((hours + kThursday) % kWeek + kWeek) % kWeek);
}

double ExpectedRows(const ContractRule& rule, Grain grain, Micros from) {
  constexpr std::size_t kHoursOfDay = 24;
  if (rule.pattern.size() != kHoursOfWeek) {
    return grain == Grain::kDay ? rule.expected : rule.expected / kHoursOfDay;
  }
  const std::size_t first = HourOfWeek(from);
  if (grain == Grain::kHour) {
    return rule.pattern[first];
  }
  double rows = 0;
  for (std::size_t h = 0; h < kHoursOfDay; ++h) {
    rows += rule.pattern[(first + h) % kHoursOfWeek];
  }
  return rows;
}

const std::vector<std::string>& PinnableFields() {
  static const std::vector<std::string> fields = {
      "at_least", "at_most",  "day.high",  "day.low", "deviation",      "enabled",
      "expected", "hour.low", "hour.high", "pattern", "margin_seconds", "values"};
  return fields;
}

bool SaysRowsAreWrong(const ContractRule& rule) {
  switch (rule.kind) {
    case ContractKind::kRange:
    case ContractKind::kDigits:
    case ContractKind::kValues:
    case ContractKind::kDuplicates:
    case ContractKind::kKnownItems:
    case ContractKind::kPriceAgrees:
    case ContractKind::kCurrencyAgrees:
    case ContractKind::kFuture:
    case ContractKind::kRefused:
      return true;
    case ContractKind::kMissing:
      // Which answer an event followed, and whether any, is for shoppers to decide.
      return rule.field != "request_id" && rule.field != "position" && rule.field != "scene";
    case ContractKind::kMean:
    case ContractKind::kValueShare:
    case ContractKind::kVolume:
    case ContractKind::kSilence:
    case ContractKind::kKnownUsers:
      return false;
  }
  return false;
}

}  // namespace vitrine::monitor
