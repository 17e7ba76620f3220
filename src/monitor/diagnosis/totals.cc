#include "monitor/diagnosis/totals.h"

namespace vitrine::monitor {
namespace {

std::uint64_t Less(std::uint64_t after, std::uint64_t before) {
  return after > before ? after - before : 0;
}

std::map<std::string, std::uint64_t> Less(const std::map<std::string, std::uint64_t>& after,
                                          const std::map<std::string, std::uint64_t>& before) {
  std::map<std::string, std::uint64_t> less;
  for (const auto& [name, count] : after) {
    const auto was = before.find(name);
    less[name] = Less(count, was == before.end() ? 0 : was->second);
  }
  return less;
}

}  // namespace

Totals TotalsOf(const ServiceReport& service, const QualityReport& quality,
                const DataReport& data) {
  Totals totals;
  totals.answers = service.answers;
  totals.fallbacks = service.fallbacks;
  totals.degraded = service.degraded;
  totals.accepted = data.accepted;
  totals.rejected = data.rejected;
  totals.duplicates = data.duplicates;
  for (const DataRow& row : data.rows) {
    totals.late += row.late;
  }
  for (const JoinRow& row : quality.joins) {
    totals.named += row.by_request + row.orphans + row.unshown;
    totals.orphans += row.orphans;
    totals.unshown += row.unshown;
    if (row.event == "click") {
      totals.clicks = row.events;
      totals.unjoined_clicks = row.unjoined;
    }
  }
  for (const QualityRow& row : quality.rows) {
    totals.shown_answers += row.answers;
  }
  totals.forgotten = quality.forgotten;
  return totals;
}

Totals Between(const Totals& before, const Totals& after) {
  Totals d;
  d.answers = Less(after.answers, before.answers);
  d.fallbacks = Less(after.fallbacks, before.fallbacks);
  d.degraded = Less(after.degraded, before.degraded);
  d.lists_hit = Less(after.lists_hit, before.lists_hit);
  d.lists_missed = Less(after.lists_missed, before.lists_missed);
  d.accepted = Less(after.accepted, before.accepted);
  d.rejected = Less(after.rejected, before.rejected);
  d.duplicates = Less(after.duplicates, before.duplicates);
  d.late = Less(after.late, before.late);
  d.named = Less(after.named, before.named);
  d.orphans = Less(after.orphans, before.orphans);
  d.unshown = Less(after.unshown, before.unshown);
  d.clicks = Less(after.clicks, before.clicks);
  d.unjoined_clicks = Less(after.unjoined_clicks, before.unjoined_clicks);
  d.shown_answers = Less(after.shown_answers, before.shown_answers);
  d.forgotten = Less(after.forgotten, before.forgotten);
  return d;
}

void FillIn(const Totals& difference, VersionEvidence& version) {
  version.answers = difference.answers;
  version.fallbacks = difference.fallbacks;
  version.degraded = {{{"degraded", difference.degraded}}};
  version.cache_hits =
      ShareSample{difference.lists_hit, difference.lists_hit + difference.lists_missed};
}

void FillIn(const Totals& difference, DataEvidence& data) {
  data.accepted = difference.accepted;
  data.rejected = difference.rejected;
  data.duplicates = ShareSample{difference.duplicates, difference.accepted + difference.duplicates};
  data.late = ShareSample{difference.late, difference.accepted};
  data.orphans = ShareSample{difference.orphans, difference.named};
  data.unshown = ShareSample{difference.unshown, difference.named};
  data.unjoined = ShareSample{difference.unjoined_clicks, difference.clicks};
  data.forgotten = ShareSample{difference.forgotten, difference.shown_answers};
  data.sampling = 1;  // each answer is counted
  data.sampled = difference.shown_answers;
}

}  // namespace vitrine::monitor
