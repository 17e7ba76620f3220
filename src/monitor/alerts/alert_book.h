/// Which alerts there are: rules held against signals, look by look.
///
///   (good) -> pending -> firing <-> acknowledged -> resolved
///
/// Pending has not been bad for long enough; resolved ones are kept for a while as a record. Quiet is no state:
/// a silenced alert goes its way, and says who keeps it quiet.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/time.h"
#include "monitor/alerts/alert_rule.h"
#include "monitor/alerts/quiet_time.h"
#include "monitor/alerts/signal.h"
#include "monitor/alerts/signal_history.h"

namespace vitrine::monitor {

enum class AlertState : std::uint8_t { kPending, kFiring, kAcknowledged, kResolved };
std::string_view AlertStateName(AlertState state);

struct Alert {
  std::string id;  ///< of rule and labels: the same alert has the same one each time
  std::string rule;
  std::string signal;
  Labels labels;
  AlertState state = AlertState::kPending;
  Severity severity = Severity::kWarning;  ///< the worst since it began, until it recovers
  int priority = 3;
  double value = 0;  ///< at the newest look; a change where the rule compares with earlier
  double bound = 0;  ///< that it went beyond
  Micros since;      ///< bad
  std::optional<Micros> fired;
  std::optional<Micros> resolved;
  std::string acknowledged_by;
  std::string note =
      {};  ///< of whoever acknowledged it; why it was resolved where nobody saw it good
  std::string quiet_by;  ///< id of the QuietTime that keeps it quiet; empty: it is heard
  std::optional<Micros> good_since;
  Micros seen;  ///< when its series was there last
  friend bool operator==(const Alert&, const Alert&) = default;

  [[nodiscard]] bool open() const {
    return state == AlertState::kFiring || state == AlertState::kAcknowledged;
  }
};

/// What is said of an alert to those who are called.
enum class AlertChangeKind : std::uint8_t { kFired, kWorsened, kResolved };

struct AlertChange {
  AlertChangeKind kind = AlertChangeKind::kFired;
  Alert alert;  ///< after the change
  friend bool operator==(const AlertChange&, const AlertChange&) = default;
};

struct AlertBookOptions {
  std::chrono::minutes gone_after{10};  ///< a series that is not there for so long ends its alerts
  std::chrono::hours keep_resolved{7 * 24};
  std::size_t most_resolved = 1000;
  std::size_t most_alerts = 5000;  ///< pending and open; further ones are counted only
};

/// Threads: one caller at a time.
class AlertBook {
 public:
  explicit AlertBook(AlertBookOptions options = {}) : options_(options) {}

  /// Replaces the rules. Alerts of a rule that is gone, or is off, are resolved at the next look.
  /// Errors: kInvalidArgument (a rule that Validate refuses, two of one name, more than kMostRules).
  Status SetRules(std::vector<AlertRule> rules);
  [[nodiscard]] const std::vector<AlertRule>& rules() const { return rules_; }
  static constexpr std::size_t kMostRules = 2000;

  /// One look. Signals in any order; a signal twice is taken once, the last one. Returns what must be told, of
  /// alerts that are not quiet; one whose quiet time ends while it is open is told then.
  std::vector<AlertChange> Look(Micros now, std::span<const Signal> signals);

  /// Errors: kNotFound, kFailedPrecondition (pending or resolved: nothing to acknowledge).
  Status Acknowledge(std::string_view id, std::string_view who, std::string_view note);

  /// Errors: those of Validate, kResourceExhausted (kMostQuietTimes). Returns it with its id.
  Result<QuietTime> AddQuiet(QuietTime quiet);
  /// Ends it now. Errors: kNotFound.
  Status EndQuiet(std::string_view id, Micros now);
  [[nodiscard]] const std::vector<QuietTime>& quiet_times() const { return quiet_; }
  static constexpr std::size_t kMostQuietTimes = 500;

  /// Open ones first, worst and most urgent first; then pending; then resolved, newest first.
  [[nodiscard]] std::vector<Alert> Alerts() const;
  [[nodiscard]] const Alert* Find(std::string_view id) const;
  /// Series that were bad beyond most_alerts at the last look.
  [[nodiscard]] std::size_t unlisted() const { return unlisted_; }

  /// Everything but the rules and what signals were earlier, which changes seldom and is large.
  [[nodiscard]] std::string ToJson() const;
  /// Open alerts begin anew to wait for their series with the next look: nobody looked meanwhile, and the first look
  /// after a start has no difference of two reports yet. Pending ones do not: theirs would be a time nobody watched.
  /// Errors: kDataLoss (not what ToJson wrote); nothing is changed then.
  Status Load(std::string_view json);
  [[nodiscard]] std::string HistoryToJson() const { return history_.ToJson(); }
  /// Errors: kDataLoss, as above.
  Status LoadHistory(std::string_view json) { return history_.Load(json); }

 private:
  struct Entry {
    Alert alert;
    bool told = false;  // its firing was told
    Severity told_severity = Severity::kWarning;
  };
  std::optional<double> ValueFor(const AlertRule& rule, const std::string& series,
                                 const Signal& signal, Micros now) const;
  void LookAt(const AlertRule& rule, const Signal& signal, const std::string& series, Micros now,
              std::vector<AlertChange>& changes);
  void Resolve(Entry& entry, Micros now, std::string_view why, std::vector<AlertChange>& changes);
  void Tell(const AlertRule& rule, Entry& entry, Micros now, std::vector<AlertChange>& changes);
  void EndThoseGone(Micros now, std::vector<AlertChange>& changes);
  void Forget(Micros now);

  AlertBookOptions options_;
  std::vector<AlertRule> rules_;
  std::map<std::string, Entry, std::less<>> alerts_;  // by id
  std::vector<Alert> resolved_;                       // oldest first
  std::vector<QuietTime> quiet_;
  std::uint64_t next_quiet_ = 1;
  SignalHistory history_;
  std::size_t unlisted_ = 0;
  bool loaded_ = false;  // and not looked since
};

}  // namespace vitrine::monitor
