// What people and programs change through the keeper: rules, acknowledgements, quiet times, and tests of channels.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

#include "monitor/alerts/alert_json.h"
#include "monitor/alerts/alert_keeper.h"

namespace vitrine::monitor {
namespace {

constexpr std::chrono::minutes kTestsWithin{1};

std::string Known(const std::vector<AlertChannel>& channels) {
  std::string names;
  for (const AlertChannel& each : channels) {
    names += (names.empty() ? "" : ", ") + each.name;
  }
  return names.empty() ? "none" : names;
}

NotificationText TestText(Language language) {
  if (language == Language::kChinese) {
    return {.title = "[测试] Vitrine 告警通道可用", .body = "- 这是一条测试消息,没有任何告警。\n"};
  }
  return {.title = "[test] Vitrine reaches this channel",
          .body = "- This is a test message; no alert fires for it.\n"};
}

}  // namespace

Status AlertKeeper::CheckChannels(const AlertRule& rule) const {
  for (const std::string& name : rule.channels) {
    if (senders_->Find(name) == nullptr) {
      return InvalidArgument(
          fmt::format("rule '{}': there is no channel '{}'; there are: {}. Channels are tables "
                      "[channel.NAME] of the settings",
                      rule.name, name, Known(channels())));
    }
  }
  return Status::Ok();
}

Status AlertKeeper::PutRule(AlertRule rule) {
  RETURN_IF_ERROR(CheckChannels(rule));
  return Do([this, &rule]() -> Status {
    std::vector<AlertRule> rules = book_.rules();
    const auto same = std::find_if(rules.begin(), rules.end(), [&rule](const AlertRule& each) {
      return each.name == rule.name;
    });
    if (same == rules.end()) {
      rules.push_back(rule);
    } else {
      *same = rule;
    }
    return SetRules(std::move(rules));
  });
}

Status AlertKeeper::RemoveRule(const std::string& name) {
  return Do([this, &name]() -> Status {
    std::vector<AlertRule> rules = book_.rules();
    if (std::erase_if(rules, [&name](const AlertRule& each) { return each.name == name; }) == 0) {
      return NotFound(fmt::format("there is no alert rule '{}'", name));
    }
    return SetRules(std::move(rules));
  });
}

Status AlertKeeper::SetRules(std::vector<AlertRule> rules) {
  const std::vector<AlertRule> before = book_.rules();
  RETURN_IF_ERROR(book_.SetRules(std::move(rules)));
  if (const Status kept = store_.Keep(kRulesName, AlertRulesToJson(book_.rules())); !kept.ok()) {
    RETURN_IF_ERROR(book_.SetRules(before));
    return kept.WithContext("the change was not kept");
  }
  for (const AlertRule& rule : book_.rules()) {
    told_by_[rule.name] = rule.channels;
  }
  return Status::Ok();
}

Status AlertKeeper::ChangeBook(const std::function<Status(AlertBook&)>& change) {
  return Do([this, &change]() -> Status {
    AlertBook before = book_;
    RETURN_IF_ERROR(change(book_));
    if (kept_ = KeepAlerts(); !kept_.ok()) {
      book_ = std::move(before);
      return kept_.WithContext("the change was not kept");
    }
    return Status::Ok();
  });
}

Result<Alert> AlertKeeper::Acknowledge(const std::string& id, const std::string& who,
                                       const std::string& note) {
  Alert alert;
  const auto change = [&](AlertBook& book) -> Status {
    const Status status = book.Acknowledge(id, who, note);
    const Alert* found = book.Find(id);
    alert = found != nullptr ? *found : Alert();
    return status;
  };
  RETURN_IF_ERROR(ChangeBook(change));
  return alert;
}

Result<QuietTime> AlertKeeper::AddQuiet(QuietTime quiet) {
  const auto change = [&quiet](AlertBook& book) -> Status {
    ASSIGN_OR_RETURN(quiet, book.AddQuiet(std::move(quiet)));
    return Status::Ok();
  };
  RETURN_IF_ERROR(ChangeBook(change));
  return quiet;
}

Result<QuietTime> AlertKeeper::EndQuiet(const std::string& id) {
  QuietTime ended;
  const auto change = [&](AlertBook& book) -> Status {
    const Status status = book.EndQuiet(id, NowMicros());
    for (const QuietTime& each : book.quiet_times()) {
      ended = each.id == id ? each : ended;
    }
    return status;
  };
  RETURN_IF_ERROR(ChangeBook(change));
  return ended;
}

Status AlertKeeper::Look() {
  return Do([this]() -> Status {
    LookNow();
    return kept_;
  });
}

Status AlertKeeper::BeginTest(const std::string& channel) {
  if (tests_end_.stop_requested()) {
    return Unavailable("the server ends; ask again when it is back");
  }
  return tests_.With([&channel](auto& all) -> Status {
    Tests& tests = all[channel];
    if (tests.under_way) {
      return Unavailable(
          fmt::format("a test of '{}' is under way; ask again when it has ended", channel));
    }
    while (!tests.begun.empty() && tests.begun.front() + kTestsWithin <= Clock::now()) {
      tests.begun.pop_front();
    }
    if (tests.begun.size() >= kMostTests) {
      return ResourceExhausted(fmt::format(
          "'{}' was tested {} times within a minute; wait a little", channel, kMostTests));
    }
    tests.begun.push_back(Clock::now());
    tests.under_way = true;
    return Status::Ok();
  });
}

Status AlertKeeper::SendTest(const AlertChannel& channel) {
  const Notification message{.id = fmt::format("test-{}", NowMicros().value),
                             .channel = channel.name,
                             .changes = {},
                             .reminders = {}};
  std::stop_source stop;
  std::atomic<bool> late{false};
  const std::stop_callback ended(tests_end_.get_token(), [&stop] { stop.request_stop(); });
  Status outcome;
  {
    const std::jthread limit([this, &stop, &late](const std::stop_token& done) {
      std::mutex mutex;
      std::condition_variable_any wake;
      std::unique_lock lock(mutex);
      wake.wait_for(lock, done, options_.test_time, [] { return false; });
      if (!done.stop_requested()) {
        late = true;
        stop.request_stop();
      }
    });
    outcome = channel.channel->Send(message, TestText(channel.language), stop.get_token());
  }
  if (late && outcome.code() == Code::kCancelled) {
    return DeadlineExceeded(fmt::format("no answer within {} ms", options_.test_time.count()));
  }
  return outcome;
}

Result<ChannelTest> AlertKeeper::TestChannel(std::string_view name) {
  const AlertChannel* channel = senders_->Find(name);
  if (channel == nullptr) {
    return NotFound(
        fmt::format("there is no channel '{}'; there are: {}", name, Known(channels())));
  }
  RETURN_IF_ERROR(BeginTest(channel->name));
  ChannelTest test{.outcome = SendTest(*channel)};
  tests_.With([channel](auto& all) { all[channel->name].under_way = false; });
  return test;
}

}  // namespace vitrine::monitor
