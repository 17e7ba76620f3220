#include "apps/vitrine/objectives.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace vitrine::apps {
namespace {

Result<std::unique_ptr<monitor::ObjectiveWatch>> Open(const std::vector<std::string>& set) {
  const auto settings =
      Settings::Load("", [](const std::string&) { return std::optional<std::string>(); }, set);
  EXPECT_TRUE(settings.ok()) << settings.status().ToString();
  return OpenObjectives(*settings, "/nowhere/objectives.json");
}

TEST(ObjectivesTest, ThoseThatAreNamedTakeThePlaceOfTheDefaults) {
  const auto defaults = Open({});
  ASSERT_TRUE(defaults.ok());
  EXPECT_EQ((*defaults)->Report({}).size(), monitor::DefaultObjectives().size());

  const auto named = Open({"objective.home.scene=home", "objective.home.target=0.95",
                           "objective.up.milliseconds=0", "objective.up.target=0.9999"});
  ASSERT_TRUE(named.ok()) << named.status().ToString();
  const auto reports = (*named)->Report({});
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(
      reports[0].objective,
      (monitor::ServiceObjective{.name = "home", .target = 0.95, .seconds = 0.1, .scene = "home"}));
  EXPECT_EQ(reports[1].objective.seconds, std::nullopt);
}

TEST(ObjectivesTest, AnErrorNamesTheSetting) {
  EXPECT_THAT(Open({"objective.x.target=much"}).status().ToString(),
              testing::HasSubstr("objective.x.target"));
  EXPECT_THAT(Open({"objective.x.target=1"}).status().ToString(),
              testing::HasSubstr("0.5 to 0.99999"));
  EXPECT_THAT(Open({"objective.x.milliseconds=99999"}).status().ToString(),
              testing::HasSubstr("objective.x.milliseconds"));
}

TEST(ObjectivesTest, CountsTheRequestsThatShoppersWaitFor) {
  MetricRegistry metrics;
  const auto count = [&metrics](const char* route, const char* status, std::uint64_t requests) {
    metrics
        .GetCounter("vitrine_http_requests_total", "Requests answered.",
                    {{"route", route}, {"method", "POST"}, {"status", status}})
        .Add(requests);
  };
  count("/v1/recommend", "200", 100);
  count("/v1/recommend", "503", 3);
  count("/v1/search", "400", 10);
  count("/v2/models/{model}/infer", "500", 1);
  count("/v1/monitors/{monitor}", "500", 50);
  count("/v1/events", "200", 70);
  const monitor::GoodOfAll served = ServedRequests(metrics);
  EXPECT_EQ(served.all, 114U);
  EXPECT_EQ(served.good, 110U);
}

}  // namespace
}  // namespace vitrine::apps
