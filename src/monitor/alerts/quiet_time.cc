#include "monitor/alerts/quiet_time.h"

#include <fmt/format.h>

#include "monitor/alerts/alert_rule.h"

namespace vitrine::monitor {

std::string_view QuietKindName(QuietKind kind) {
  switch (kind) {
    case QuietKind::kSilence:
      return "silence";
    case QuietKind::kMaintenance:
      return "maintenance";
    case QuietKind::kSale:
      return "sale";
  }
  return "silence";
}

Status Validate(const QuietTime& quiet) {
  const std::string_view kind = QuietKindName(quiet.kind);
  if (quiet.until <= quiet.from) {
    return InvalidArgument(
        fmt::format("this {} ends before it begins: 'until' ({}) must be after "
                    "'from' ({})",
                    kind, FormatIso(quiet.until), FormatIso(quiet.from)));
  }
  if (quiet.until.value - quiet.from.value > 366 * kMicrosPerDay) {
    return InvalidArgument(fmt::format("a {} lasts a year at most", kind));
  }
  if (quiet.kind == QuietKind::kSilence && quiet.rule.empty() && quiet.where.empty()) {
    return InvalidArgument(
        "a silence names a rule or labels; to hear nothing at all, declare a maintenance");
  }
  if (quiet.why.empty()) {
    return InvalidArgument(fmt::format("say why: whoever wonders about this {} reads it", kind));
  }
  return Status::Ok();
}

const QuietTime* QuietFor(std::span<const QuietTime> times, Micros now, std::string_view rule,
                          bool rests_in_sales, const Labels& series) {
  for (const QuietTime& quiet : times) {
    if (quiet.ActiveAt(now) && (quiet.rule.empty() || quiet.rule == rule) &&
        Matches(quiet.where, series) && (quiet.kind != QuietKind::kSale || rests_in_sales)) {
      return &quiet;
    }
  }
  return nullptr;
}

}  // namespace vitrine::monitor
