/// Keeps watch: looks at the signals every few seconds, keeps the one list of alerts, sends what must be told, and has
/// all of it on disk, so that neither a restart nor a kill loses a rule, an acknowledgement or a message.
///
/// One thread owns book and outbox. Who changes something hands the change to it and waits until it is on disk; who
/// reads takes the newest view, and waits for nobody. No lock is held while something is read, written or sent.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/guarded.h"
#include "core/metrics.h"
#include "core/pace.h"
#include "core/status.h"
#include "core/time.h"
#include "monitor/alerts/alert_book.h"
#include "monitor/alerts/alert_senders.h"
#include "monitor/alerts/notification_channel.h"
#include "monitor/alerts/outbox.h"
#include "monitor/alerts/signal_source.h"

namespace vitrine::monitor {

struct AlertKeeperOptions {
  std::chrono::milliseconds every{15'000};  ///< between looks
  bool watch =
      true;  ///< false: neither looks nor sends, and keeps changes only; for a command beside no server
  AlertBookOptions book;
  OutboxOptions outbox;
  std::vector<std::string> default_channels;    ///< of rules that name none; empty: every channel
  std::chrono::milliseconds test_time{10'000};  ///< for a test of a channel
  std::function<Micros()> now;                  ///< null: the system clock
  MetricRegistry* metrics = nullptr;            ///< must outlive the keeper; null: none are written
};

/// What there was after the newest look or change. Immutable.
struct AlertView {
  std::vector<Alert> alerts;  ///< as AlertBook::Alerts orders them
  std::vector<AlertRule> rules;
  std::vector<QuietTime> quiet_times;
  std::vector<DeliveryRecord> deliveries;  ///< newest first
  std::size_t unlisted = 0;                ///< see AlertBook
  std::size_t waiting = 0;                 ///< changes that no channel has taken yet
  Micros looked;
  Status
      kept;  ///< of the newest write; an error: what is newer than the last good one is in memory only
};

/// What came of a message that was sent to try a channel.
struct ChannelTest {
  Status outcome;
};

class AlertKeeper {
 public:
  /// Reads what was kept, or begins with DefaultAlertRules. Looks for the first time at once, in its thread.
  /// `store` outlives the keeper. Errors: kDataLoss, kFailedPrecondition (a kept text is broken, or of a newer
  /// Vitrine: named), those of the store.
  static Result<std::unique_ptr<AlertKeeper>> Open(AlertKeeperOptions options, SignalSource source,
                                                   AlertStore& store,
                                                   std::vector<AlertChannel> channels);
  ~AlertKeeper();
  AlertKeeper(const AlertKeeper&) = delete;
  AlertKeeper& operator=(const AlertKeeper&) = delete;

  /// Never null; keep it while you read what it points at. Threads: any; does not wait.
  [[nodiscard]] std::shared_ptr<const AlertView> View() const { return view_.Get(); }
  [[nodiscard]] const std::vector<AlertChannel>& channels() const { return senders_->channels(); }

  // Each is on disk when it returns OK; otherwise nothing has changed. Threads: any; they wait for the disk.
  // Errors besides those of AlertBook: of the store, kUnavailable (the keeper ends).

  /// Adds or replaces it. Errors: kInvalidArgument (names no channel that there is, or is none that Validate takes).
  Status PutRule(AlertRule rule);
  Status RemoveRule(const std::string& name);
  Result<Alert> Acknowledge(const std::string& id, const std::string& who, const std::string& note);
  Result<QuietTime> AddQuiet(QuietTime quiet);
  Result<QuietTime> EndQuiet(const std::string& id);

  /// Looks now, without waiting for the next turn.
  Status Look();

  /// Sends a message that says it is a test. Threads: any; as long as the channel takes, AlertKeeperOptions::test_time
  /// at most. Errors: kNotFound (no such channel), kResourceExhausted (kMostTests within a minute), kUnavailable (a test
  /// of this channel is under way: callers' threads are few, and a channel that hangs gets one of them; EndTests).
  Result<ChannelTest> TestChannel(std::string_view name);
  /// Within a minute and a channel. Beside OutboxOptions::per_minute: robots of chats count all.
  static constexpr std::size_t kMostTests = 5;
  /// Asks tests under way to end, and takes no more: before whoever waits for their callers ends. Threads: any.
  void EndTests() { tests_end_.request_stop(); }

  static constexpr std::string_view kRulesName = "alert-rules.json";
  static constexpr std::string_view kAlertsName = "alerts.json";
  static constexpr std::string_view kHistoryName = "alert-history.json";

 private:
  using Clock = Pace;
  struct Command {
    std::function<Status()> change;
    std::promise<Status> done;
  };
  struct Outcome {
    Notification message;
    Status status;
  };

  struct Tests {
    std::deque<Clock::time_point> begun;  // within the last minute
    bool under_way = false;
  };

  AlertKeeper(AlertKeeperOptions options, SignalSource source, AlertStore& store,
              std::vector<AlertChannel> channels);
  Status Load();
  Status Do(std::function<Status()> change);
  void Run(const std::stop_token& stop);
  void Wait(const std::stop_token& stop);
  void LookNow();
  void TakeCommands();
  void TakeOutcomes();
  void Route(const std::vector<AlertChange>& changes, Micros now);
  void SendDue(Micros now);
  Status BeginTest(const std::string& channel);
  Status SendTest(const AlertChannel& channel);
  Status SetRules(std::vector<AlertRule> rules);
  Status ChangeBook(const std::function<Status(AlertBook&)>& change);
  Status KeepAlerts();
  void KeepHistory();
  void Publish();
  [[nodiscard]] std::string RunbookOf(std::string_view rule, Language language) const;
  [[nodiscard]] Status CheckChannels(const AlertRule& rule) const;
  [[nodiscard]] Micros NowMicros() const { return options_.now ? options_.now() : Now(); }

  AlertKeeperOptions options_;
  SignalSource source_;
  AlertStore& store_;
  std::vector<std::string> default_channels_;

  // of the thread, once it runs
  AlertBook book_;
  Outbox outbox_;
  std::map<std::string, std::vector<std::string>, std::less<>> told_by_;  // channels by rule
  std::string kept_alerts_;  // the text that is on disk
  Status kept_;
  Micros looked_;
  Micros history_kept_;
  Clock::time_point next_look_;

  Published<AlertView> view_;
  Guarded<std::map<std::string, Tests, std::less<>>> tests_;  // by channel
  std::stop_source tests_end_;
  std::mutex mutex_;  // of what follows, down to ended_
  std::condition_variable_any wake_;
  std::deque<Command> commands_;
  std::deque<Outcome> outcomes_;
  bool ended_ = false;
  std::unique_ptr<AlertSenders> senders_;  // they tell of outcomes until they are gone
  std::jthread thread_;
};

}  // namespace vitrine::monitor
