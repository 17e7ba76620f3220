// The routes of alerts on a keeper over fakes, called without a network.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <set>

#include "monitor/alerts/alert_keeper_testing.h"
#include "transport/http/fake_keys_testing.h"
#include "transport/http/request_testing.h"
#include "transport/http/routes.h"

namespace vitrine::http {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

class AlertsApiTest : public ::testing::Test {
 protected:
  AlertsApiTest()
      : key_(keys_.Add("operate")),
        authorizer_(AuthMode::kKeys, &keys_),
        router_(ApiRoutes(services_), authorizer_, {}) {
    services_.now = [this] { return signals_.now(); };
    services_.audit = [this](std::string_view actor, std::string_view action,
                             std::string_view subject, std::string_view) {
      audit_.push_back(fmt::format("{} {} {}", actor, action, subject));
      return Status::Ok();
    };
    monitor::AlertKeeperOptions options;
    options.every = 1h;
    options.now = services_.now;
    auto keeper =
        monitor::AlertKeeper::Open(options, signals_.source(), store_,
                                   {{.name = "ops", .kind = "webhook", .channel = channel_}});
    EXPECT_TRUE(keeper.ok()) << keeper.status().ToString();
    keeper_ = *std::move(keeper);
    services_.alerts = keeper_.get();
  }

  struct Answer {
    int status = 0;
    json body;
  };
  Answer Call(std::string_view line, std::string_view body = {}) {
    DirectCall call(router_, RequestText(line, body, "X-API-Key: " + key_ + "\r\n"));
    return {call.response.status, json::parse(call.response.body, nullptr, false)};
  }
  void Fail(std::initializer_list<const char*> models) {
    std::vector<monitor::Signal> signals;
    for (const char* model : models) {
      signals.push_back({"service.failures", {{"model", model}}, 1, 1});
    }
    signals_.Set(signals);
    ASSERT_TRUE(keeper_->Look().ok());
  }

  monitor::FakeSignals signals_;
  monitor::FakeAlertStore store_;
  std::shared_ptr<monitor::FakeChannel> channel_ = std::make_shared<monitor::FakeChannel>();
  std::unique_ptr<monitor::AlertKeeper> keeper_;
  Services services_;
  FakeKeys keys_;
  std::string key_;
  Authorizer authorizer_;
  std::vector<std::string> audit_;
  Router router_;
};

TEST_F(AlertsApiTest, ListsByStateAndPage) {
  Fail({"a:1", "b:1", "c:1"});
  const Answer all = Call("GET /v1/alerts");
  ASSERT_EQ(all.status, 200) << all.body;
  ASSERT_EQ(all.body["alerts"].size(), 3U);
  EXPECT_EQ(all.body["alerts"][0]["state"], "firing");
  EXPECT_NE(all.body["alerts"][0]["text"].get<std::string>().find("vitrine model rollback"),
            std::string::npos);
  EXPECT_TRUE(all.body["next_cursor"].is_null());
  std::set<std::string> seen;
  std::string cursor;
  for (int page = 0; page < 3; ++page) {
    const Answer one =
        Call("GET /v1/alerts?state=open&limit=1" + (cursor.empty() ? "" : "&cursor=" + cursor));
    ASSERT_EQ(one.body["alerts"].size(), 1U) << one.body;
    seen.insert(one.body["alerts"][0]["id"]);
    cursor = one.body["next_cursor"].is_null() ? "" : one.body["next_cursor"];
    EXPECT_EQ(cursor.empty(), page == 2);
  }
  EXPECT_EQ(seen.size(), 3U);
  EXPECT_EQ(Call("GET /v1/alerts?state=acknowledged").body["alerts"].size(), 0U);
  EXPECT_EQ(Call("GET /v1/alerts?state=odd").status, 400);
  EXPECT_EQ(Call("GET /v1/alerts?cursor=odd").status, 400);
}

TEST_F(AlertsApiTest, AcknowledgingIsKeptAndAudited) {
  Fail({"a:1"});
  const std::string id = Call("GET /v1/alerts").body["alerts"][0]["id"];
  const Answer done = Call("POST /v1/alerts/" + id + ":acknowledge", R"({"note":"mine"})");
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(done.body["state"], "acknowledged");
  EXPECT_EQ(done.body["acknowledged_by"], "key-operate");
  EXPECT_EQ(done.body["note"], "mine");
  EXPECT_EQ(Call("GET /v1/alerts/" + id).body["state"], "acknowledged");
  EXPECT_EQ(audit_, (std::vector<std::string>{"key-operate alert.acknowledge " + id}));
  EXPECT_EQ(Call("POST /v1/alerts/odd:acknowledge", "{}").status, 404);
  EXPECT_EQ(Call("GET /v1/alerts/odd").status, 404);
  EXPECT_EQ(Call("POST /v1/alerts/" + id + ":acknowledge", R"({"not":1})").status, 400);
  store_.full = true;
  Fail({});
  EXPECT_EQ(Call("POST /v1/alerts/" + id + ":acknowledge").status, 429);
}

TEST_F(AlertsApiTest, RulesAreAddedReplacedAndRemoved) {
  const Answer list = Call("GET /v1/alert-rules");
  EXPECT_EQ(list.body["rules"].size(), monitor::DefaultAlertRules().size());
  EXPECT_EQ(list.body["signals"].size(), monitor::SignalDefs().size());
  const std::string rule =
      R"({"name":"mine","signal":"quality.ctr","side":"below","warning":0.01,"channels":["ops"]})";
  const Answer put = Call("PUT /v1/alert-rules/mine", rule);
  ASSERT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(Call("GET /v1/alert-rules/mine").body, put.body);
  EXPECT_EQ(put.body["bad_for_seconds"], 60);
  EXPECT_EQ(Call("PUT /v1/alert-rules/other", rule).status, 400);
  EXPECT_EQ(Call("PUT /v1/alert-rules/mine", R"({"name":"mine","signal":"odd"})").status, 400);
  EXPECT_EQ(Call("PUT /v1/alert-rules/mine",
                 R"({"name":"mine","signal":"quality.ctr","warning":1,"channels":["nobody"]})")
                .status,
            400);
  EXPECT_EQ(Call("DELETE /v1/alert-rules/mine").status, 204);
  EXPECT_EQ(Call("GET /v1/alert-rules/mine").status, 404);
  EXPECT_EQ(Call("DELETE /v1/alert-rules/mine").status, 404);
  EXPECT_EQ(audit_, (std::vector<std::string>{"key-operate alert_rule.put mine",
                                              "key-operate alert_rule.delete mine"}));
}

TEST_F(AlertsApiTest, QuietTimesBeginAndEnd) {
  const std::string until = FormatIso({signals_.now().value + 3'600'000'000});
  const Answer made =
      Call("POST /v1/quiet-times",
           fmt::format(R"({{"kind":"silence","rule":"slow-answers","until":"{}","why":"load"}})",
                       until));
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(made.body["by"], "key-operate");
  EXPECT_EQ(made.body["from"], FormatIso(signals_.now()));
  const std::string id = made.body["id"];
  EXPECT_EQ(Call("GET /v1/quiet-times").body["quiet_times"][0]["active"], true);
  EXPECT_EQ(Call("POST /v1/quiet-times/" + id + ":end").status, 200);
  EXPECT_EQ(Call("GET /v1/quiet-times").body["quiet_times"][0]["active"], false);
  EXPECT_EQ(Call("POST /v1/quiet-times/odd:end").status, 404);
  for (const char* body : {R"({"until":"2040-01-01T00:00:00Z"})", R"({"why":"x"})", "[]", "",
                           R"({"by":"me","rule":"a","until":"2027-02-01T00:00:00Z","why":"x"})"}) {
    EXPECT_EQ(Call("POST /v1/quiet-times", body).status, 400) << body;
  }
  EXPECT_EQ(audit_.size(), 2U);
}

TEST_F(AlertsApiTest, ChannelsAreNamedAndTried) {
  const Answer list = Call("GET /v1/channels");
  EXPECT_EQ(list.body["channels"],
            json::parse(R"([{"name":"ops","kind":"webhook","language":"en"}])"));
  EXPECT_EQ(Call("POST /v1/channels/ops:test").body["delivered"], true);
  channel_->Answer(Unavailable("answered 500"));
  const Answer failed = Call("POST /v1/channels/ops:test");
  EXPECT_EQ(failed.status, 200);
  EXPECT_EQ(failed.body["error"], "answered 500");
  EXPECT_EQ(Call("POST /v1/channels/odd:test").status, 404);
  while (Call("POST /v1/channels/ops:test").status == 200) {
    ASSERT_LT(channel_->count(), 20U);
  }
}

TEST_F(AlertsApiTest, AThousandAlertsAreListedFromMemory) {
  std::vector<monitor::Signal> signals;
  for (int i = 0; i < 1000; ++i) {
    signals.push_back({"service.failures", {{"model", fmt::format("m:{}", i)}}, 1, 1});
  }
  signals_.Set(signals);
  ASSERT_TRUE(keeper_->Look().ok());
  store_.full = true;  // a reader waits for no disk
  const Answer all = Call("GET /v1/alerts?limit=1000");
  EXPECT_EQ(all.body["alerts"].size(), 1000U);
}

TEST_F(AlertsApiTest, DeliveriesSayWhatCameOfEachMessage) {
  channel_->Answer(Unavailable("answered 500"));
  Fail({"a:1"});
  const auto until = std::chrono::steady_clock::now() + 30s;
  while (Call("GET /v1/alert-deliveries").body["deliveries"].size() < 2) {
    ASSERT_LT(std::chrono::steady_clock::now(), until);
    signals_.Advance(35s);
    ASSERT_TRUE(keeper_->Look().ok());
  }
  const Answer page = Call("GET /v1/alert-deliveries?limit=1");
  ASSERT_EQ(page.body["deliveries"].size(), 1U);
  EXPECT_EQ(page.body["deliveries"][0]["error"], "answered 500");
  EXPECT_EQ(page.body["deliveries"][0]["delivered"], false);
  EXPECT_FALSE(page.body["next_cursor"].is_null());
  EXPECT_GE(page.body["waiting"], 1);
}

}  // namespace
}  // namespace vitrine::http
