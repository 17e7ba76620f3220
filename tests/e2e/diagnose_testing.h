/// A small shop that is diagnosed: versions to deploy, and shoppers who look, click and report.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "core/time.h"
#include "data/feature_spec.h"
#include "e2e/import_testing.h"
#include "e2e/programs.h"
#include "graph/builder.h"
#include "transport/http/client.h"

namespace vitrine::e2e {

/// How shoppers, or the system that reports them, behave.
struct Behaviour {
  bool names_request = true;       ///< clicks say which answer they are on
  bool knows_shopper = true;       ///< clicks say who clicks
  bool invents_request = false;    ///< clicks name answers that nobody gave
  int copies = 1;                  ///< how often each batch of events is sent
  std::int64_t clock_seconds = 0;  ///< added to the events' times
};

class DiagnosedShop : public Import {
 protected:
  using json = nlohmann::json;
  static constexpr int kItems = 20;
  static constexpr std::int64_t kWidth = kItems + 2;
  static constexpr int kShoppers = 100;

  static std::string Item(int i) { return "i" + std::to_string(i); }

  /// scores[b, item] = factor * how often the history holds the item; `work` layers of a table that adds nothing.
  static std::string Graph(float factor, int work = 0) {
    graph::Builder b("counter");
    const graph::Value history = b.Input("history", DType::kInt64, {"batch", "length"});
    std::vector<float> table(static_cast<std::size_t>(kWidth * kWidth));
    for (std::int64_t i = 0; i < kWidth; ++i) {
      table[static_cast<std::size_t>(i * kWidth + i)] = factor;
    }
    const graph::Value rows = b.Gather(b.Initializer("table", {kWidth, kWidth}, table), history);
    graph::Value scores = b.Op("ReduceSum", {rows, b.Constants({1})}, {{"keepdims", 0}});
    if (work > 0) {
      constexpr std::int64_t kSide = 1400;
      const std::vector<float> zeros(static_cast<std::size_t>(kSide * kSide));
      const graph::Value square = b.Initializer("square", {kSide, kSide}, zeros);
      graph::Value x = b.MatMul(
          scores, b.Initializer("wide", {kWidth, kSide},
                                std::vector<float>(static_cast<std::size_t>(kWidth * kSide), 1)));
      for (int i = 0; i < work; ++i) {
        x = b.MatMul(x, square);
      }
      scores = b.Add(scores, b.ReduceSum(x, {1}, true));
    }
    b.Output("scores", scores, DType::kFloat32, {"batch", kWidth});
    return *b.Finish();
  }

  /// Registers a version "NAME:1" whose history is made of these events.
  void Register(const std::string& name, const std::string& model,
                const std::string& events = "view,click") const {
    std::vector<std::string> ids;
    for (int i = 0; i < kItems; ++i) {
      ids.push_back(Item(i));
    }
    const json spec = {
        {"format", 1},
        {"width", kWidth},
        {"features", json::array({{{"name", "history"},
                                   {"op", "history_items"},
                                   {"source", ""},
                                   {"options", {{"length", "20"}, {"events", events}}},
                                   {"fitted", json::object()}}})}};
    EXPECT_EQ(Imported({Write(name + ".onnx", model), "--name", name, "--features",
                        Write(name + ".json", spec.dump()), "--vocabulary",
                        Write("ids.txt", data::Vocabulary(ids).ToText())}),
              name + ":1");
  }

  static void Deploy(http::Client& client, const std::string& name) {
    const auto done =
        client.Send("PUT", "/v1/aliases/champion", json({{"version", name + ":1"}}).dump());
    ASSERT_TRUE(done.ok());
    ASSERT_EQ(done->status, 200) << done->body;
  }

  static void Post(http::Client& client, const json& events) {
    const auto answer = client.Post("/v1/events", json({{"events", events}}).dump());
    ASSERT_TRUE(answer.ok());
    // 422: none of the rows could be taken, as of a clock that is far ahead.
    ASSERT_TRUE(answer->status < 300 || answer->status == 422) << answer->body;
  }

  /// Each shopper has a favourite, and looked at it most.
  static void TellFavourites(http::Client& client) {
    json events = json::array();
    for (int user = 0; user < kShoppers; ++user) {
      for (int look = 0; look < 4; ++look) {
        events.push_back(
            {{"event", "view"},
             {"user_id", "u" + std::to_string(user)},
             {"item_id", Item((look == 3 ? user + 7 : user) % kItems)},
             {"ts", FormatIso({Now().value - (user * 7 + look * 60 + 60) * std::int64_t{60} *
                                                 kMicrosPerSecond / 4})}});
      }
    }
    Post(client, events);
  }

  /// So many shoppers ask, and click a favourite that is shown with probability 0.6, anything else with 0.05.
  void Ask(http::Client& client, int answers, const Behaviour& behaviour = {}) {
    json events = json::array();
    const auto send = [&] {
      for (int copy = 0; copy < behaviour.copies && !events.empty(); ++copy) {
        Post(client, events);
      }
      events = json::array();
    };
    std::uniform_real_distribution<double> chance(0, 1);
    for (int i = 0; i < answers; ++i) {
      const int user = static_cast<int>(random_() % kShoppers);
      const json body = {{"user_id", "u" + std::to_string(user)},
                         {"n", 5},
                         {"filter", {{"exclude_seen", false}, {"exclude_unknown", false}}}};
      const auto answer = client.Post("/v1/recommend", body.dump());
      ASSERT_TRUE(answer.ok());
      ASSERT_EQ(answer->status, 200) << answer->body;
      const json shown = json::parse(answer->body);
      std::string clicked = shown["items"][random_() % shown["items"].size()]["item_id"];
      double probability = 0.05;
      for (const json& item : shown["items"]) {
        if (item["item_id"] == Item(user % kItems)) {
          clicked = Item(user % kItems);
          probability = 0.6;
        }
      }
      if (chance(random_) < probability) {
        events.push_back(Click(shown["request_id"], user, clicked, behaviour));
      }
      if (events.size() == 100) {
        send();
      }
    }
    send();
  }

  /// Until what came in is counted.
  static void WaitUntilCounted(http::Client& client) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    for (;;) {
      const auto report = client.Get("/v1/monitors/quality");
      ASSERT_TRUE(report.ok());
      if (json::parse(report->body).value("behind", 1) == 0) {
        return;
      }
      ASSERT_LT(std::chrono::steady_clock::now(), until) << report->body;
    }
  }

  static json Look(http::Client& client, const std::string& question) {
    const auto answer = client.Get("/v1/diagnosis?question=" + question);
    EXPECT_TRUE(answer.ok());
    EXPECT_EQ(answer->status, 200) << answer->body;
    return json::parse(answer->body, nullptr, false);
  }
  static std::string First(const json& diagnosis) {
    const json causes = diagnosis.value("causes", json::array());
    return causes.empty() ? "nothing" : causes[0].value("code", "");
  }
  /// The command, from the machine of the server.
  json Diagnosed(const std::vector<std::string>& arguments,
                 const std::vector<std::string>& before = {}) const {
    std::vector<std::string> all = before;
    all.emplace_back("diagnose");
    all.insert(all.end(), arguments.begin(), arguments.end());
    const loop::ChildOutcome outcome = Vitrine(all);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.last_error_lines;
    return json::parse(outcome.output, nullptr, false);
  }

  std::mt19937_64 random_{1};

 private:
  json Click(const json& request_id, int user, const std::string& item,
             const Behaviour& behaviour) {
    json click = {{"event", "click"},
                  {"event_id", "c" + std::to_string(++clicks_)},
                  {"item_id", item},
                  {"ts", FormatIso({Now().value + behaviour.clock_seconds * kMicrosPerSecond})}};
    if (behaviour.names_request) {
      click["request_id"] = request_id;
    }
    if (behaviour.invents_request) {
      click["request_id"] = "own-" + std::to_string(clicks_);
    }
    if (behaviour.knows_shopper) {
      click["user_id"] = "u" + std::to_string(user);
    } else {
      click["anonymous_id"] = "a" + std::to_string(clicks_);
    }
    return click;
  }

  int clicks_ = 0;
};

}  // namespace vitrine::e2e
