/// Port: where hours of monitoring are kept once they are counted. Implemented by adapters/sqlite.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/time.h"

namespace vitrine::monitor {

inline constexpr std::int64_t kMicrosPerHour = 3600 * kMicrosPerSecond;

/// Hours since 1970 of a moment.
constexpr std::int64_t HourAt(Micros ts) {
  return ts.value >= 0 ? ts.value / kMicrosPerHour : (ts.value + 1) / kMicrosPerHour - 1;
}

enum class WindowKind : std::uint8_t { kService, kQuality, kData, kDrift };
/// As in the routes: "service", "quality", "data", "drift".
std::string_view WindowKindName(WindowKind kind);

/// What was counted of one series in one hour.
struct WindowRow {
  WindowKind kind = WindowKind::kService;
  std::int64_t hour = 0;
  std::string series;  ///< model and scene joined by '\n'; an event's name; a model
  std::string counts;  ///< see window_counts.h and feature_hours.h
  bool final = false;  ///< it changes no more
  friend bool operator==(const WindowRow&, const WindowRow&) = default;
};

/// Which rows are asked for.
struct WindowRange {
  WindowKind kind = WindowKind::kService;
  std::int64_t from = 0;             ///< hour, inclusive
  std::int64_t until = 0;            ///< hour, exclusive
  std::optional<std::string> model;  ///< of series that begin with one
  std::optional<std::string> scene;  ///< of series that end with one
  /// Of drift: only this one of each row, with its counts. Which rows are read does not depend on it.
  std::optional<std::string> feature;
};
/// Whether a row is one of them.
bool InRange(const WindowRow& row, const WindowRange& range);

/// Threads: every method from any thread.
class WindowStore {
 public:
  virtual ~WindowStore() = default;

  /// Each row replaces the one of its kind, hour and series. All or nothing, durable when it returns OK.
  /// Errors: kResourceExhausted (disk full), kUnavailable.
  virtual Status Put(std::span<const WindowRow> rows) = 0;

  /// By hour and then series, at most `limit`.
  virtual Result<std::vector<WindowRow>> Read(const WindowRange& range,
                                              std::size_t limit) const = 0;

  /// Forgets hours before `hour`.
  virtual Status Trim(std::int64_t hour) = 0;
};

}  // namespace vitrine::monitor
