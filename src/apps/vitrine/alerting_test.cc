#include "apps/vitrine/alerting.h"

#include <gmock/gmock.h>

#include <filesystem>

namespace vitrine::apps {
namespace {

using testing::HasSubstr;

Status Open(const std::vector<std::string>& overrides) {
  const auto settings =
      Settings::Load("", [](const std::string&) { return std::nullopt; }, overrides);
  EXPECT_TRUE(settings.ok()) << settings.status().ToString();
  const std::string folder = testing::TempDir() + "alerting";
  std::filesystem::create_directories(folder);
  AlertFiles files(folder);
  MetricRegistry metrics;
  return OpenAlerting(
             *settings, [](Micros) { return std::vector<monitor::Signal>(); }, files, metrics,
             false)
      .status();
}

TEST(AlertingTest, TimesThatNobodyMeansAreRefusedByName) {
  for (const char* good : {"alerts.remind_hours=0", "alerts.remind_hours=8760",
                           "alerts.every_seconds=3600", "alerts.gather_seconds=0"}) {
    EXPECT_TRUE(Open({good}).ok()) << good;
  }
  for (const auto& [bad, said] :
       {std::pair("alerts.remind_hours=8761", "alerts.remind_hours must be 0 to 8760"),
        {"alerts.remind_hours=1000000000", "alerts.remind_hours must be"},
        {"alerts.every_seconds=0", "alerts.every_seconds must be"},
        {"alerts.gather_seconds=3601", "alerts.gather_seconds must be"}}) {
    const Status status = Open({bad});
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << bad;
    EXPECT_THAT(status.message(), HasSubstr(said));
  }
}

TEST(AlertingTest, SalesAndWrongDataFreezeTheLoopLateDataDoNot) {
  const Micros now{1'000'000 * kMicrosPerSecond};
  monitor::AlertView view;
  EXPECT_EQ(FreezeAt(view, now), "");
  view.quiet_times = {{.kind = monitor::QuietKind::kSilence, .until = {now.value + 1}, .why = "x"}};
  EXPECT_EQ(FreezeAt(view, now), "");
  view.quiet_times[0].kind = monitor::QuietKind::kSale;
  view.quiet_times[0].why = "singles day";
  EXPECT_THAT(FreezeAt(view, now), HasSubstr("the sale \"singles day\" lasts until 1970-01-12"));
  EXPECT_EQ(FreezeAt(view, {now.value + 1}), "");  // it has ended
  monitor::Alert alert;
  alert.rule = "contract";
  alert.signal = "data.contract_broken";
  view.alerts = {alert};
  EXPECT_EQ(FreezeAt(view, {now.value + 1}), "");  // pending
  view.alerts[0].state = monitor::AlertState::kFiring;
  EXPECT_THAT(FreezeAt(view, {now.value + 1}), HasSubstr("the alert 'contract' says"));
  view.alerts[0].labels = {{"rule", "event.click.share"}, {"says", "changed"}};
  EXPECT_EQ(FreezeAt(view, {now.value + 1}), "") << "shoppers do something else: a reason to train";
  view.alerts[0].labels = {{"rule", "purchase.price.agrees"}, {"says", "wrong"}};
  EXPECT_THAT(FreezeAt(view, {now.value + 1}), HasSubstr("the alert 'contract' says"));
  view.alerts[0].signal = "data.lag_p95_seconds";
  EXPECT_EQ(FreezeAt(view, {now.value + 1}), "");
}

}  // namespace
}  // namespace vitrine::apps
