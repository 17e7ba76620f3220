/// Times in which alerts call nobody, or in which shifts are expected: silences, maintenance, sales.
/// Threads: values.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/status.h"
#include "core/time.h"
#include "monitor/alerts/signal.h"

namespace vitrine::monitor {

enum class QuietKind : std::uint8_t {
  kSilence,      ///< somebody does not want to hear of these series
  kMaintenance,  ///< work is done on the system: nothing is sent
  kSale,         ///< shoppers are expected to differ: rules that rest in sales call nobody
};
std::string_view QuietKindName(QuietKind kind);

struct QuietTime {
  std::string id;  ///< given by the book; empty in one that is new
  QuietKind kind = QuietKind::kSilence;
  std::string rule;  ///< empty: every rule
  Labels where;      ///< series with these labels; empty: all
  Micros from;       ///< inclusive
  Micros until;      ///< exclusive
  std::string by;    ///< who declared it
  std::string why;
  friend bool operator==(const QuietTime&, const QuietTime&) = default;

  [[nodiscard]] bool ActiveAt(Micros now) const { return from <= now && now < until; }
};

/// Errors: kInvalidArgument (ends before it begins, longer than a year, a silence of everything, no reason).
Status Validate(const QuietTime& quiet);

/// The one that keeps an alert of this rule and series quiet at `now`; null where it is heard.
const QuietTime* QuietFor(std::span<const QuietTime> times, Micros now, std::string_view rule,
                          bool rests_in_sales, const Labels& series);

}  // namespace vitrine::monitor
