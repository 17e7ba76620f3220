#include "monitor/alerts/notification_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vitrine::monitor {
namespace {

using testing::HasSubstr;
using testing::Not;

AlertChange Slow(const std::string& scene, AlertChangeKind kind, Severity severity) {
  AlertChange change{.kind = kind,
                     .alert = {.id = scene,
                               .rule = "slow-answers",
                               .signal = "service.p99_seconds",
                               .labels = {{"scene", scene}}}};
  change.alert.severity = severity;
  change.alert.value = 0.72;
  change.alert.bound = 0.5;
  change.alert.since = {1'800'000'000 * kMicrosPerSecond + 17};
  return change;
}

std::string Runbook(std::string_view rule) { return "look at " + std::string(rule); }

TEST(NotificationText, SaysWhatFiresAndWhatToDoInBothLanguages) {
  const Notification message{
      .changes = {Slow("cart", AlertChangeKind::kFired, Severity::kCritical),
                  Slow("home", AlertChangeKind::kResolved, Severity::kWarning)}};
  const NotificationText english = TextOf(message, Language::kEnglish, Runbook);
  EXPECT_EQ(english.title, "[critical] 1 firing, 1 over: slow-answers · scene cart");
  EXPECT_EQ(english.body,
            "- **firing** critical slow-answers · scene cart: service.p99_seconds 720 ms, bound "
            "500 ms (since 2027-01-15T08:00:00Z)\n"
            "- **over** warning slow-answers · scene home: service.p99_seconds 720 ms, bound 500 "
            "ms (since 2027-01-15T08:00:00Z)\n"
            "\nWhat to do (slow-answers): look at slow-answers\n");
  const NotificationText chinese = TextOf(message, Language::kChinese, Runbook);
  EXPECT_EQ(chinese.title, "[严重] 1 告警, 1 已恢复: slow-answers · scene cart");
  EXPECT_THAT(chinese.body, HasSubstr("处理建议 (slow-answers): look at slow-answers"));
}

TEST(NotificationText, ManyAreCountedNotListed) {
  Notification message;
  for (int i = 0; i < 1000; ++i) {
    message.changes.push_back(
        Slow("s" + std::to_string(i), AlertChangeKind::kFired, Severity::kWarning));
  }
  const NotificationText text = TextOf(message, Language::kEnglish, Runbook);
  EXPECT_THAT(text.title, HasSubstr("[warning] 1000 firing"));
  EXPECT_THAT(text.body, HasSubstr("and 990 more"));
  EXPECT_LT(text.body.size(), 2000U);
}

TEST(NotificationText, NamesFromOutsideAreNoMarkup) {
  const Notification message{.changes = {Slow("a](http://evil)\n**@all** `x`",
                                              AlertChangeKind::kFired, Severity::kWarning)}};
  const NotificationText text = TextOf(message, Language::kEnglish, Runbook);
  EXPECT_THAT(text.title, Not(HasSubstr("\n")));
  for (const char* bad : {"](", "@all", "`x`"}) {
    EXPECT_THAT(text.body, Not(HasSubstr(bad)));
  }
}

}  // namespace
}  // namespace vitrine::monitor
