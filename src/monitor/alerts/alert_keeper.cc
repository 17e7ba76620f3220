#include "monitor/alerts/alert_keeper.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "monitor/alerts/alert_json.h"

namespace vitrine::monitor {
namespace {

constexpr std::int64_t kHistoryEvery = 600 * kMicrosPerSecond;

std::vector<std::string> NamesOf(const std::vector<AlertChannel>& channels) {
  std::vector<std::string> names;
  names.reserve(channels.size());
  for (const AlertChannel& each : channels) {
    names.push_back(each.name);
  }
  return names;
}

}  // namespace

AlertKeeper::AlertKeeper(AlertKeeperOptions options, SignalSource source, AlertStore& store,
                         std::vector<AlertChannel> channels)
    : options_(std::move(options)),
      source_(std::move(source)),
      store_(store),
      default_channels_(options_.default_channels.empty() ? NamesOf(channels)
                                                          : options_.default_channels),
      book_(options_.book),
      outbox_(options_.outbox),
      next_look_(Clock::now()) {
  senders_ = std::make_unique<AlertSenders>(
      std::move(channels), [this](const Notification& message, const Status& status) {
        {
          const std::scoped_lock lock(mutex_);
          outcomes_.push_back({message, status});
        }
        wake_.notify_all();
      });
}

Result<std::unique_ptr<AlertKeeper>> AlertKeeper::Open(AlertKeeperOptions options,
                                                       SignalSource source, AlertStore& store,
                                                       std::vector<AlertChannel> channels) {
  std::unique_ptr<AlertKeeper> keeper(
      new AlertKeeper(std::move(options), std::move(source), store, std::move(channels)));
  RETURN_IF_ERROR(keeper->Load());
  keeper->Publish();
  keeper->thread_ =
      std::jthread([self = keeper.get()](const std::stop_token& stop) { self->Run(stop); });
  return keeper;
}

AlertKeeper::~AlertKeeper() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
    senders_.reset();  // what they were sending is done now, and is not sent again after a restart
    TakeOutcomes();
    if (options_.watch) {
      KeepHistory();
    }
    static_cast<void>(KeepAlerts());
  }
}

Status AlertKeeper::Load() {
  for (const std::string& name : options_.default_channels) {
    if (senders_->Find(name) == nullptr) {
      return InvalidArgument(
          fmt::format("the default channels name '{}', and there is no such channel", name));
    }
  }
  ASSIGN_OR_RETURN(const std::string rules, store_.Read(kRulesName));
  ASSIGN_OR_RETURN(kept_alerts_, store_.Read(kAlertsName));
  ASSIGN_OR_RETURN(const std::string history, store_.Read(kHistoryName));
  if (rules.empty()) {
    RETURN_IF_ERROR(book_.SetRules(DefaultAlertRules()));
  } else {
    Result<std::vector<AlertRule>> read = AlertRulesFromJson(rules);
    RETURN_IF_ERROR(read.status().WithContext(kRulesName));
    RETURN_IF_ERROR(book_.SetRules(*std::move(read)).WithContext(kRulesName));
  }
  if (!kept_alerts_.empty()) {
    Result<AlertStateText> text = AlertStateFromJson(kept_alerts_);
    RETURN_IF_ERROR(text.status().WithContext(kAlertsName));
    RETURN_IF_ERROR(book_.Load(text->book).WithContext(kAlertsName));
    RETURN_IF_ERROR(outbox_.Load(text->outbox).WithContext(kAlertsName));
  }
  if (!history.empty()) {
    // What signals were a week ago is worth less than a start.
    static_cast<void>(book_.LoadHistory(history));
  }
  for (const AlertRule& rule : book_.rules()) {
    told_by_[rule.name] = rule.channels;
  }
  history_kept_ = NowMicros();
  return Status::Ok();
}

void AlertKeeper::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (options_.watch && Clock::now() >= next_look_) {
      next_look_ = Clock::now() + options_.every;
      LookNow();
    }
    TakeOutcomes();
    TakeCommands();
    if (options_.watch) {
      SendDue(NowMicros());
    }
    Wait(stop);
  }
  std::deque<Command> left;
  {
    const std::scoped_lock lock(mutex_);
    ended_ = true;
    left.swap(commands_);
  }
  for (Command& command : left) {
    command.done.set_value(Unavailable("the server ends; ask again when it is back"));
  }
}

void AlertKeeper::Wait(const std::stop_token& stop) {
  Clock::time_point until = options_.watch ? next_look_ : Clock::now() + std::chrono::hours(1);
  const std::optional<Micros> due = options_.watch ? outbox_.NextDue() : std::nullopt;
  if (due.has_value()) {
    const std::int64_t left = std::max<std::int64_t>(0, due->value - NowMicros().value);
    // At least a moment: a message whose channel is gone must not turn this into a busy loop.
    until =
        std::min(until, Clock::now() + std::max<Clock::duration>(std::chrono::microseconds(left),
                                                                 std::chrono::milliseconds(100)));
  }
  std::unique_lock lock(mutex_);
  Pace::WaitUntil(wake_, lock, stop, until,
                  [this] { return !commands_.empty() || !outcomes_.empty(); });
}

void AlertKeeper::LookNow() {
  const Micros now = NowMicros();
  const std::vector<Signal> signals = source_(now);
  Route(book_.Look(now, signals), now);
  looked_ = now;
  if (now.value - history_kept_.value >= kHistoryEvery) {
    KeepHistory();
  }
  kept_ = KeepAlerts();
  Publish();
}

void AlertKeeper::Route(const std::vector<AlertChange>& changes, Micros now) {
  std::map<std::string, std::vector<AlertChange>> by_channel;
  for (const AlertChange& change : changes) {
    const auto found = told_by_.find(change.alert.rule);
    const bool named = found != told_by_.end() && !found->second.empty();
    for (const std::string& channel : named ? found->second : default_channels_) {
      by_channel[channel].push_back(change);
    }
  }
  for (const auto& [channel, its] : by_channel) {
    outbox_.Add(channel, now, its);
  }
}

void AlertKeeper::SendDue(Micros now) {
  const std::vector<Notification> due = outbox_.Due(now, book_.Alerts());
  if (due.empty()) {
    return;
  }
  kept_ = KeepAlerts();  // first on disk, then sent: twice rather than never
  for (const Notification& message : due) {
    const AlertChannel* channel = senders_->Find(message.channel);
    if (channel == nullptr) {
      outbox_.Report(message, now,
                     NotFound(fmt::format("there is no channel '{}' any more; the settings name "
                                          "channels, rules use them",
                                          message.channel)));
      continue;
    }
    senders_->Hand(message, TextOf(message, channel->language,
                                   [this, language = channel->language](std::string_view rule) {
                                     return RunbookOf(rule, language);
                                   }));
  }
  Publish();
}

void AlertKeeper::TakeOutcomes() {
  std::deque<Outcome> outcomes;
  {
    const std::scoped_lock lock(mutex_);
    outcomes.swap(outcomes_);
  }
  for (const Outcome& outcome : outcomes) {
    outbox_.Report(outcome.message, NowMicros(), outcome.status);
    if (options_.metrics != nullptr) {
      options_.metrics
          ->GetCounter("vitrine_alert_messages_total",
                       "Messages about alerts, by channel and by what became of them.",
                       {{"channel", outcome.message.channel},
                        {"outcome", outcome.status.ok() ? "delivered" : "failed"}})
          .Add();
    }
  }
  if (!outcomes.empty()) {
    kept_ = KeepAlerts();
    Publish();
  }
}

void AlertKeeper::TakeCommands() {
  std::deque<Command> commands;
  {
    const std::scoped_lock lock(mutex_);
    commands.swap(commands_);
  }
  for (Command& command : commands) {
    const Status status = command.change();
    Publish();  // before the answer, so that who asks next sees the change
    command.done.set_value(status);
  }
}

Status AlertKeeper::Do(std::function<Status()> change) {
  std::future<Status> done;
  {
    const std::scoped_lock lock(mutex_);
    if (ended_) {
      return Unavailable("the server ends; ask again when it is back");
    }
    commands_.push_back({std::move(change), {}});
    done = commands_.back().done.get_future();
  }
  wake_.notify_all();
  return done.get();
}

Status AlertKeeper::KeepAlerts() {
  std::string text = AlertStateToJson({.book = book_.ToJson(), .outbox = outbox_.ToJson()});
  if (text == kept_alerts_) {
    return Status::Ok();
  }
  RETURN_IF_ERROR(store_.Keep(kAlertsName, text));
  kept_alerts_ = std::move(text);
  return Status::Ok();
}

void AlertKeeper::KeepHistory() {
  history_kept_ = NowMicros();
  // Where it cannot be kept, rules that compare with a week ago say nothing for a while after a restart.
  static_cast<void>(store_.Keep(kHistoryName, book_.HistoryToJson()));
}

void AlertKeeper::Publish() {
  auto view = std::make_shared<AlertView>();
  view->alerts = book_.Alerts();
  view->rules = book_.rules();
  view->quiet_times = book_.quiet_times();
  view->deliveries = {outbox_.records().begin(), outbox_.records().end()};
  view->unlisted = book_.unlisted();
  view->waiting = outbox_.waiting();
  view->looked = looked_;
  view->kept = kept_;
  if (options_.metrics != nullptr) {
    for (const Severity severity : {Severity::kWarning, Severity::kCritical}) {
      options_.metrics
          ->GetGauge("vitrine_alerts_open", "Alerts that fire or are acknowledged, by severity.",
                     {{"severity", std::string(SeverityName(severity))}})
          .Set(static_cast<double>(std::count_if(
              view->alerts.begin(), view->alerts.end(), [severity](const Alert& alert) {
                return alert.open() && alert.severity == severity;
              })));
    }
  }
  view_.Publish(std::move(view));
}

std::string AlertKeeper::RunbookOf(std::string_view rule, Language language) const {
  for (const AlertRule& each : book_.rules()) {
    if (each.name == rule) {
      const bool chinese = language == Language::kChinese && !each.runbook_zh.empty();
      return chinese ? each.runbook_zh : each.runbook;
    }
  }
  return "";
}

}  // namespace vitrine::monitor
