// Scenes whose ranker another server runs, over real sockets: who waits, and who does not.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "serve/fake_ranker.h"
#include "serve/fake_shop.h"
#include "serve/outside_rankers.h"
#include "transport/http/client.h"
#include "transport/http/fake_keys_testing.h"
#include "transport/http/routes.h"
#include "transport/http/server_testing.h"

namespace vitrine::http {
namespace {

using nlohmann::json;

/// Stands for another server: answers once its gate is open.
class Slow final : public serve::LoadedGraph {
 public:
  Slow(Gate& gate, std::atomic<int>& asked) : gate_(gate), asked_(asked) {}
  [[nodiscard]] const std::vector<TensorSpec>& inputs() const override { return graph_.inputs(); }
  [[nodiscard]] const std::vector<TensorSpec>& outputs() const override { return graph_.outputs(); }
  Status Run(std::span<const Tensor> inputs, std::vector<Tensor>& outputs) const override {
    ++asked_;
    return gate_.Wait() ? graph_.Run(inputs, outputs) : DeadlineExceeded("the gate stayed shut");
  }

 private:
  serve::FakeRankerGraph graph_{[](auto, std::int64_t item) { return static_cast<float>(item); }};
  Gate& gate_;
  std::atomic<int>& asked_;
};

class OutsideServing : public ::testing::Test {
 protected:
  OutsideServing() {
    EXPECT_TRUE(shop_.Serve("near:1").ok());
    shop_.log.SetUser("ann", {{"item4", EventType::kView}});
    serve::ModelParts parts = serve::FakeRanker("unused", shop_.names, nullptr);
    parts.graph = std::make_unique<Slow>(gate_, asked_);
    EXPECT_TRUE(outside_.Add("ctr", std::move(parts), shop_.log, shop_.items).ok());
    recommender_ =
        std::make_unique<serve::Recommender>(serve::RecommenderParts{.log = &shop_.log,
                                                                     .models = &shop_.models,
                                                                     .scenes = &shop_.scenes,
                                                                     .items = &shop_.items,
                                                                     .outside = &outside_,
                                                                     .now = nullptr});
    services_.log = &shop_.log;
    services_.recommender = recommender_.get();
    services_.scenes = &shop_.scenes;
    services_.metrics = &metrics_;
    services_.outside = &outside_;
    services_.outside_pool = &pool_;
    authorizer_ = std::make_unique<Authorizer>(AuthMode::kOpen, &keys_);
    router_ = std::make_unique<Router>(ApiRoutes(services_), *authorizer_,
                                       RouterOptions{{}, {}, &metrics_});
    ServerOptions options;
    options.io_threads = 1;  // one that waits would be all of them
    auto server = Server::Start(std::move(options), *router_);
    EXPECT_TRUE(server.ok()) << server.status().ToString();
    server_ = std::move(server).value();
    endpoint_.port = server_->listeners()[0].port;
  }
  ~OutsideServing() override { gate_.Open(); }

  ClientResponse Send(std::string_view method, const std::string& path, const std::string& body) {
    Client client(endpoint_);
    const auto answer = client.Send(method, path, body, {{"Content-Type", "application/json"}});
    EXPECT_TRUE(answer.ok()) << answer.status().ToString();
    return answer.ok() ? *answer : ClientResponse{};
  }
  json Recommend(const std::string& scene) {
    const ClientResponse answer = Send(
        "POST", "/v1/recommend", json({{"user_id", "ann"}, {"n", 2}, {"scene", scene}}).dump());
    EXPECT_EQ(answer.status, 200) << answer.body;
    return json::parse(answer.body, nullptr, false);
  }
  void UseRanker() {
    const ClientResponse put = Send("PUT", "/v1/scenes/home",
                                    R"({"name":"home","ranker":"remote:ctr","deadline_ms":20000})");
    EXPECT_EQ(put.status, 200) << put.body;
  }

  Gate gate_;
  std::atomic<int> asked_{0};
  serve::FakeShop shop_;
  serve::OutsideRankers outside_;
  std::unique_ptr<serve::Recommender> recommender_;
  MetricRegistry metrics_;
  Services services_;
  FakeKeys keys_;
  BlockingPool pool_{1, 1};
  std::unique_ptr<Authorizer> authorizer_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<Server> server_;
  Endpoint endpoint_;
};

TEST_F(OutsideServing, OthersAreServedWhileAnAnswerWaits) {
  UseRanker();
  json waited;
  std::jthread waiting([&] { waited = Recommend("home"); });
  while (asked_ == 0) {
    std::this_thread::yield();
  }
  EXPECT_EQ(Recommend("item")["model"], "near:1");  // the one I/O thread is free
  gate_.Open();
  waiting.join();
  EXPECT_EQ(waited["model"], "remote:ctr") << waited;
  EXPECT_FALSE(waited.contains("degraded"));
}

TEST_F(OutsideServing, WhoFindsNoPlaceIsAnsweredAtOnceWithoutIt) {
  UseRanker();
  std::vector<std::jthread> waiting;
  waiting.emplace_back([&] { EXPECT_EQ(Recommend("home")["model"], "remote:ctr"); });
  while (asked_ == 0) {
    std::this_thread::yield();
  }
  waiting.emplace_back([&] { EXPECT_EQ(Recommend("home")["model"], "remote:ctr"); });
  while (pool_.queued() == 0) {
    std::this_thread::yield();
  }
  const json refused = Recommend("home");
  EXPECT_EQ(refused["model"], "near:1");
  EXPECT_EQ(refused["degraded"], "no_ranker");
  gate_.Open();
}

TEST_F(OutsideServing, RanksGivenCandidatesAndTakesTheGetRoute) {
  UseRanker();
  gate_.Open();
  const ClientResponse rank =
      Send("POST", "/v1/rank", R"({"scene":"home","candidates":["item1","item9","item5"]})");
  EXPECT_EQ(json::parse(rank.body)["items"][0]["item_id"], "item9") << rank.body;
  EXPECT_EQ(json::parse(rank.body)["model"], "remote:ctr");
  const ClientResponse got = Send("GET", "/v1/recommend/ann", "");
  EXPECT_EQ(json::parse(got.body)["model"], "remote:ctr") << got.body;
}

TEST_F(OutsideServing, ASceneCannotNameAServerThatTheSettingsDoNot) {
  for (const char* ranker : {"remote:other", "remote:", "remote:http://127.0.0.1:1"}) {
    const ClientResponse refused =
        Send("PUT", "/v1/scenes/home", json({{"name", "home"}, {"ranker", ranker}}).dump());
    EXPECT_EQ(refused.status, 400) << refused.body;
    EXPECT_NE(refused.body.find("there are: remote:ctr"), std::string::npos) << refused.body;
  }
  EXPECT_EQ(Send("PUT", "/v1/scenes/home", R"({"name":"home","retriever":"remote:ctr"})").status,
            400);
}

}  // namespace
}  // namespace vitrine::http
