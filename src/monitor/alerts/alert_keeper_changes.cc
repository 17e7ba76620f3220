// What people and programs change through the keeper: rules, acknowledgements, quiet times, and tests of channels.
#include <fmt/format.h>

#include <algorithm>
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

Result<ChannelTest> AlertKeeper::TestChannel(std::string_view name) {
  const AlertChannel* channel = senders_->Find(name);
  if (channel == nullptr) {
    return NotFound(
        fmt::format("there is no channel '{}'; there are: {}", name, Known(channels())));
  }
  const bool may = tests_.With([name](auto& tests) {
    std::deque<Clock::time_point>& times = tests[std::string(name)];
    while (!times.empty() && times.front() + kTestsWithin <= Clock::now()) {
      times.pop_front();
    }
    if (times.size() >= kMostTests) {
      return false;
    }
    times.push_back(Clock::now());
    return true;
  });
  if (!may) {
    return ResourceExhausted(
        fmt::format("'{}' was tested {} times within a minute; wait a little", name, kMostTests));
  }
  const Notification message{.id = fmt::format("test-{}", NowMicros().value),
                             .channel = channel->name,
                             .changes = {},
                             .reminders = {}};
  return ChannelTest{.outcome = channel->channel->Send(message, TestText(channel->language), {})};
}

}  // namespace vitrine::monitor
