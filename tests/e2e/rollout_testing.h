/// What the tests of rollouts share: a shop whose champion is old:1, and candidates that are good or break.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/time.h"
#include "data/feature_spec.h"
#include "e2e/import_testing.h"
#include "e2e/programs.h"
#include "graph/builder.h"

namespace vitrine::e2e {

inline constexpr std::int64_t kItems = 40;
inline constexpr std::int64_t kWidth = kItems + 2;

inline std::string ItemId(std::int64_t i) { return "item" + std::to_string(i); }

/// How often the history holds each item, times `factor`; where it holds the last one three times or more and `breaks`,
/// every score is no number, which eight histories of an import do not show.
inline std::string Model(float factor, bool breaks) {
  graph::Builder b("m");
  const graph::Value history = b.Input("history", DType::kInt64, {"batch", "length"});
  std::vector<float> identity(static_cast<std::size_t>(kWidth * kWidth));
  for (std::int64_t i = 0; i < kWidth; ++i) {
    identity[static_cast<std::size_t>(i * kWidth + i)] = factor;
  }
  const graph::Value rows =
      b.Gather(b.Initializer("identity", {kWidth, kWidth}, identity), history);
  graph::Value scores = b.Op("ReduceSum", {rows, b.Constants({1})}, {{"keepdims", 0}});
  if (breaks) {
    const graph::Value last = b.Initializer("last", {1}, std::vector<std::int64_t>{kWidth - 1});
    const graph::Value count =
        b.ReduceSum(b.Cast(b.Equal(history, last), DType::kFloat32), {1}, true);
    const graph::Value left = b.Add(b.Scalar(2.5F), b.Mul(count, b.Scalar(-1.0F)));
    scores = b.Add(scores, b.Op("Sqrt", {left}));
  }
  b.Output("scores", scores, DType::kFloat32, {"batch", kWidth});
  return *b.Finish();
}

/// Shop with old:1 as champion, good:1 that scores twice as high, and bad:1 that breaks on some histories.
class RolloutTest : public Import {
 protected:
  RolloutTest() {
    std::vector<std::string> ids;
    for (std::int64_t i = 0; i < kItems; ++i) {
      ids.push_back(ItemId(i));
    }
    const auto spec = data::FeatureSpec::Fit(
        {{.name = "history", .op = "history_items", .source = "", .options = {{"length", "5"}}}},
        data::Interactions{}, data::ItemTable{}, data::Vocabulary(ids), Micros{0});
    EXPECT_TRUE(spec.ok());
    spec_ = spec->ToJson();
    list_ = data::Vocabulary(ids).ToText();
    const std::string features = Write("spec.json", spec_);
    const std::string list = Write("ids.txt", list_);
    const auto import = [&](const std::string& name, float factor, bool breaks) {
      EXPECT_EQ(Imported({Write(name + ".onnx", Model(factor, breaks)), "--name", name,
                          "--features", features, "--vocabulary", list}),
                name + ":1");
    };
    import("old", 1, false);
    import("good", 2, false);
    import("bad", 1, true);
    EXPECT_EQ(Vitrine({"model", "promote", "old:1"}).exit_code, 0);
  }

  /// Each user viewed `item` three times.
  static void Browse(http::Client& client, int users, std::int64_t item) {
    nlohmann::json events = nlohmann::json::array();
    for (int user = 0; user < users; ++user) {
      for (int i = 0; i < 3; ++i) {
        events.push_back({{"event", "view"},
                          {"user_id", User(user)},
                          {"item_id", ItemId(item)},
                          {"ts", 1'700'000'000 + i}});
      }
    }
    const auto answer = client.Post("/v1/events", events.dump());
    ASSERT_TRUE(answer.ok() && answer->ok()) << answer->body;
  }
  static std::string User(int i) { return "user" + std::to_string(i); }
  static nlohmann::json Ask(http::Client& client, int user) {
    const auto answer =
        client.Post("/v1/recommend", nlohmann::json({{"user_id", User(user)}, {"n", 5}}).dump());
    EXPECT_TRUE(answer.ok() && answer->status == 200) << "an answer failed";
    return answer.ok() ? nlohmann::json::parse(answer->body, nullptr, false) : nlohmann::json();
  }
  static void Click(http::Client& client, const nlohmann::json& answer, int user) {
    const nlohmann::json event = nlohmann::json::array({{{"event", "click"},
                                                         {"user_id", User(user)},
                                                         {"item_id", answer["items"][0]["item_id"]},
                                                         {"request_id", answer["request_id"]},
                                                         {"ts", Now().value}}});
    const auto taken = client.Post("/v1/events", event.dump());
    EXPECT_TRUE(taken.ok() && taken->ok()) << taken->body;
  }
  static nlohmann::json Get(http::Client& client, const std::string& target) {
    const auto answer = client.Get(target);
    EXPECT_TRUE(answer.ok() && answer->ok()) << target;
    return answer.ok() ? nlohmann::json::parse(answer->body, nullptr, false) : nlohmann::json();
  }
  static nlohmann::json Start(http::Client& client, const std::string& candidate,
                              const nlohmann::json& policy) {
    const auto answer = client.Post(
        "/v1/rollouts",
        nlohmann::json({{"candidate", candidate}, {"policy", policy}, {"reason", "a test"}})
            .dump());
    EXPECT_TRUE(answer.ok() && answer->status == 201) << answer->body;
    return answer.ok() ? nlohmann::json::parse(answer->body, nullptr, false) : nlohmann::json();
  }
  /// Audit entries of a rollout, oldest first.
  static std::vector<nlohmann::json> Entries(http::Client& client, const std::string& id) {
    std::vector<nlohmann::json> entries;
    const nlohmann::json page = Get(client, "/v1/audit?limit=500");
    for (const nlohmann::json& entry : page["entries"]) {
      if (entry["subject"] == id) {
        entries.insert(entries.begin(), entry);
      }
    }
    return entries;
  }
  static nlohmann::json Small(double share) {
    return {{"kind", "canary"}, {"share", share}, {"seconds", 0}, {"answers", 30}, {"users", 10}};
  }
  std::string spec_;  ///< of features, as every model here has
  std::string list_;  ///< the vocabulary
  const std::vector<std::string> quick_{"--set", "rollout.every_ms=50"};
};

}  // namespace vitrine::e2e
