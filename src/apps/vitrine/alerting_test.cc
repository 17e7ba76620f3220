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

}  // namespace
}  // namespace vitrine::apps
