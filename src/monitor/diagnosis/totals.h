/// What only grows, at one moment. Of two moments the difference is what came between them.
/// Threads: values and pure functions.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/time.h"
#include "monitor/diagnosis/evidence.h"
#include "monitor/reports.h"

namespace vitrine::monitor {

struct Totals {
  std::uint64_t answers = 0;
  std::map<std::string, std::uint64_t> fallbacks;  ///< by reason
  std::uint64_t degraded = 0;
  std::uint64_t lists_hit = 0;  ///< answers that lay ready
  std::uint64_t lists_missed = 0;

  std::uint64_t accepted = 0;
  std::map<std::string, std::uint64_t> rejected;  ///< by code
  std::uint64_t duplicates = 0;
  std::uint64_t late = 0;
  std::uint64_t named = 0;  ///< items of events that name a request
  std::uint64_t orphans = 0;
  std::uint64_t unshown = 0;
  std::uint64_t clicks =
      0;  ///< items of clicks; a click is on something that was shown, a view need not be
  std::uint64_t unjoined_clicks = 0;
  std::uint64_t shown_answers = 0;  ///< that labels are joined to
  std::uint64_t forgotten = 0;
};

Totals TotalsOf(const ServiceReport& service, const QualityReport& quality, const DataReport& data);

/// Of counts that began anew in between, 0.
Totals Between(const Totals& before, const Totals& after);

/// What a difference says of how a version answered, and of what came in.
void FillIn(const Totals& difference, VersionEvidence& version);
void FillIn(const Totals& difference, DataEvidence& data);

}  // namespace vitrine::monitor
