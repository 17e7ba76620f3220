// The serving routes over real sockets: server, router, recommender of a small shop, client.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "serve/fake_shop.h"
#include "transport/http/client.h"
#include "transport/http/fake_keys_testing.h"
#include "transport/http/routes.h"

namespace vitrine::http {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

// Gives each place one reason that is its whole score.
class WholeScore final : public serve::Explainer {
 public:
  Result<serve::Explained> Explain(const serve::ExplainInput& input,
                                   std::span<const serve::ExplainItem>,
                                   std::span<serve::RecommendedItem> items) const override {
    for (serve::RecommendedItem& item : items) {
      item.reasons = {{.kind = serve::ReasonKind::kBase,
                       .item_id = {},
                       .rule = {},
                       .feature = {},
                       .contribution = item.score,
                       .text = std::string(input.language)}};
    }
    return serve::Explained{.method = "subsets", .scored = 5, .residual = 0.25};
  }
  void Word(serve::Absences& absences, std::string_view language) const override {
    for (serve::Absence& absence : absences.items) {
      absence.why.front().text = language;
    }
  }
};

// Jobs that end at once; their log has two lines.
class FakeJobs final : public JobService {
 public:
  Result<loop::Job> Start(std::string_view kind, std::string_view spec, std::string_view actor,
                          std::string_view) override {
    if (kind != "retrain") {
      return InvalidArgument("there is no job of kind '" + std::string(kind) + "'");
    }
    job.kind = kind;
    job.spec = spec;
    job.actor = actor;
    return job;
  }
  Result<loop::Job> Get(std::string_view id) const override {
    return id == job.id ? Result<loop::Job>(job) : NotFound("no job '" + std::string(id) + "'");
  }
  Result<std::vector<loop::Job>> List(std::string_view, std::size_t) const override {
    return std::vector<loop::Job>{job};
  }
  Status Cancel(std::string_view, std::string_view) override {
    return FailedPrecondition("it has ended");
  }
  void FollowLog(std::string_view, std::string_view last,
                 std::shared_ptr<EventStream> stream) override {
    if (last.empty()) {
      stream->Send("log", "first", "1");
    }
    stream->Send("log", "second", "2");
    stream->Send("end", "succeeded", "3");
    stream->Close();
  }
  loop::Job job{.id = "job-000001"};
};

// Explains by the recommender alone.
class FakeAnswers final : public AnswerExplainer {
 public:
  explicit FakeAnswers(const serve::Recommender& recommender) : recommender_(recommender) {}
  Result<Explained> Explain(std::string_view request_id, std::string_view) const override {
    ASSIGN_OR_RETURN(serve::Replayed replayed, recommender_.Replay(request_id));
    Explained explained{.impression = std::move(replayed.impression),
                        .items = {},
                        .same = true,
                        .explained = {.method = "additive", .scored = 3}};
    for (const ShownItem& item : explained.impression.items) {
      explained.items.push_back(
          {.item_id = item.item_id, .score = item.score, .source = item.source, .reasons = {}});
    }
    return explained;
  }
  Result<serve::Examined> Examine(std::string_view request_id,
                                  const serve::AbsenceQuestion& question,
                                  std::string_view language) const override {
    return recommender_.Examine(request_id, question, language);
  }

 private:
  const serve::Recommender& recommender_;
};

class FakeModelReports final : public ModelExplainer {
 public:
  Result<std::string> ExplainModel(std::string_view version, std::string_view against,
                                   std::string_view language) const override {
    if (version != "near:1") {
      return NotFound("no version '" + std::string(version) + "'");
    }
    return json(
               {{"version", version}, {"said", std::string(against) + "," + std::string(language)}})
        .dump();
  }
};

class Serving : public ::testing::Test {
 protected:
  Serving() : shop_(10, [](const auto&) { return std::make_unique<WholeScore>(); }) {
    EXPECT_TRUE(shop_.Serve("near:1").ok());
    shop_.log.SetUser("ann", {{"item4", EventType::kView}});
    services_.log = &shop_.log;
    services_.recommender = shop_.recommender.get();
    services_.scenes = &shop_.scenes;
    services_.jobs = &jobs_;
    services_.explainer = &answers_;
    services_.model_explainer = &model_reports_;
    services_.metrics = &metrics_;
  }

  void Start(AuthMode mode = AuthMode::kOpen) {
    authorizer_ = std::make_unique<Authorizer>(mode, &keys_);
    router_ = std::make_unique<Router>(ApiRoutes(services_), *authorizer_,
                                       RouterOptions{{}, {}, &metrics_});
    socket_ = (std::filesystem::temp_directory_path() /
               ("serving-" + std::to_string(::getpid()) + ".sock"))
                  .string();
    ServerOptions options;
    options.io_threads = 2;
    options.listeners = {Listener{}, Listener{Listener::Kind::kUnix, socket_, 0}};
    options.metrics = &metrics_;
    auto server = Server::Start(std::move(options), *router_);
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = std::move(server).value();
    endpoint_.port = server_->listeners()[0].port;
  }

  json Post(const std::string& path, const json& body, int want = 200) {
    Client client(endpoint_);
    const auto answer = client.Post(path, body.dump());
    EXPECT_TRUE(answer.ok()) << answer.status().ToString();
    EXPECT_EQ(answer->status, want) << answer->body;
    return json::parse(answer->body);
  }
  json Get(const std::string& path, int want = 200) {
    Client client(endpoint_);
    const auto answer = client.Get(path);
    EXPECT_TRUE(answer.ok()) << answer.status().ToString();
    EXPECT_EQ(answer->status, want) << answer->body;
    return json::parse(answer->body);
  }
  static std::vector<std::string> Ids(const json& answer) {
    std::vector<std::string> ids;
    for (const json& item : answer["items"]) {
      ids.push_back(item["item_id"]);
    }
    return ids;
  }

  serve::FakeShop shop_;
  FakeJobs jobs_;
  FakeAnswers answers_{*shop_.recommender};
  FakeModelReports model_reports_;
  MetricRegistry metrics_;
  Services services_;
  FakeKeys keys_;
  std::unique_ptr<Authorizer> authorizer_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<Server> server_;
  Endpoint endpoint_;
  std::string socket_;
};

TEST_F(Serving, RecommendsByPostAndGet) {
  Start();
  const json answer = Post("/v1/recommend", {{"user_id", "ann"}, {"n", 3}});
  EXPECT_EQ(Ids(answer), (std::vector<std::string>{"item4", "item3", "item5"}));
  EXPECT_EQ(answer["model"], "near:1");
  EXPECT_EQ(answer["personalised"], true);
  EXPECT_FALSE(answer.contains("fallback"));
  EXPECT_EQ(Ids(Get("/v1/recommend/ann?n=3")), Ids(answer));
  const json own = Post("/v1/recommend", {{"history", {"item8"}}, {"n", 1}});
  EXPECT_EQ(Ids(own), std::vector<std::string>{"item8"});
  const json unknown = Get("/v1/recommend/nobody");
  EXPECT_EQ(unknown["fallback"], "unknown_user");
  EXPECT_FALSE(unknown["why"].get<std::string>().empty());
  const json impersonal = Get("/v1/recommend/ann?personalize=false");
  EXPECT_EQ(impersonal["personalised"], false);
  EXPECT_EQ(Get("/v1/recommend/ann?scene=moon", 404)["code"], "not_found");
  EXPECT_EQ(Get("/v1/recommend/ann?n=100000", 400)["code"], "invalid_argument");
  EXPECT_EQ(Get("/v1/recommend/ann?explain=maybe", 400)["code"], "invalid_argument");
}

TEST_F(Serving, KeepsTheAnswerUnderItsId) {
  Start();
  const json answer = Post("/v1/recommend", {{"user_id", "ann"}, {"n", 2}});
  const json kept = Get("/v1/requests/" + answer["request_id"].get<std::string>());
  EXPECT_EQ(Ids(kept), Ids(answer));
  EXPECT_EQ(kept["route"], "recommend");
  EXPECT_EQ(kept["history"][0]["item_id"], "item4");
}

TEST_F(Serving, SaysWhatIsNotInAnAnswer) {
  Start();
  const json answer = Post("/v1/recommend", {{"user_id", "ann"},
                                             {"n", 2},
                                             {"explain", true},
                                             {"language", "zh"},
                                             {"filter", {{"exclude", {"item4"}}}},
                                             {"why_not", {"item5", "item9"}},
                                             {"removed", 3}});
  EXPECT_EQ(Ids(answer), (std::vector<std::string>{"item3", "item5"}));
  EXPECT_EQ(answer["explanation"],
            json({{"method", "subsets"}, {"scored", 5}, {"residual", 0.25}}));
  ASSERT_EQ(answer["why_not"].size(), 2U);
  EXPECT_EQ(answer["why_not"][0]["why"][0]["cause"], "shown");
  const json& nine = answer["why_not"][1];
  EXPECT_EQ(nine["why"][0], json({{"cause", "outranked"}, {"text", "zh"}}));
  EXPECT_EQ(nine["rank"], 10);
  EXPECT_EQ(nine["model_rank"], 10);
  EXPECT_NEAR(nine["gap"].get<double>(), 0.5 - 1.0 / 6, 1e-12);
  EXPECT_EQ(nine["reasons"][0]["contribution"], nine["score"]);
  ASSERT_EQ(answer["removed"].size(), 1U);
  EXPECT_EQ(answer["removed"][0]["item_id"], "item4");
  EXPECT_EQ(answer["removed"][0]["why"][0]["cause"], "excluded");
  const json got = Get("/v1/recommend/ann?explain=true&why_not=item9&removed=2&n=2");
  EXPECT_EQ(got["why_not"][0]["rank"], 10);
  EXPECT_EQ(got["removed"], json::array());
  EXPECT_FALSE(Get("/v1/recommend/ann?explain=true").contains("removed"));
  EXPECT_EQ(Get("/v1/similar/item4?explain=true&why_not=item4")["why_not"][0]["why"][0]["cause"],
            "asked_about");
}

TEST_F(Serving, SaysWhatIsNotInAKeptAnswer) {
  Start();
  const json answer = Post("/v1/recommend", {{"user_id", "ann"}, {"n", 2}});
  const std::string kept = "/v1/requests/" + answer["request_id"].get<std::string>();
  const json explained = Get(kept + "?explain=true&item=item9&removed=4");
  EXPECT_EQ(Ids(explained), Ids(answer));
  EXPECT_EQ(explained["same_answer_now"], true);
  EXPECT_EQ(explained["why_not"][0]["why"][0]["cause"], "outranked");
  EXPECT_EQ(explained["removed"], json::array());
  EXPECT_EQ(explained["explanation"]["method"], "additive");
  EXPECT_FALSE(Get(kept + "?explain=true").contains("why_not"));
  EXPECT_EQ(Get(kept + "?item=item9", 400)["code"], "invalid_argument");
  EXPECT_EQ(Get(kept + "?explain=true&item=moon", 404)["code"], "not_found");
  EXPECT_EQ(Get(kept + "?explain=true&item=", 400)["code"], "missing_item");
  EXPECT_EQ(Get(kept + "?explain=true&removed=0", 400)["code"], "invalid_argument");
  EXPECT_EQ(Get(kept + "?explain=true&removed=101", 400)["code"], "invalid_argument");
}

TEST_F(Serving, BadQuestionsAboutAbsentItemsAreRefused) {
  Start();
  const auto code = [this](const json& body, int status) {
    return Post("/v1/recommend", body, status)["code"];
  };
  EXPECT_EQ(code({{"user_id", "ann"}, {"why_not", {"item1"}}}, 400), "invalid_argument");
  EXPECT_EQ(code({{"user_id", "ann"}, {"explain", true}, {"why_not", {"moon"}}}, 404), "not_found");
  EXPECT_EQ(code({{"user_id", "ann"},
                  {"explain", true},
                  {"why_not", std::vector<std::string>(21, "item1")}},
                 400),
            "invalid_argument");
  EXPECT_EQ(code({{"user_id", "ann"}, {"explain", true}, {"removed", 101}}, 400),
            "invalid_argument");
}

TEST_F(Serving, SaysWhatAVersionsAnswersRestOn) {
  Start();
  const json report = Get("/v1/models/near:1/explanation?against=near:0&language=zh");
  EXPECT_EQ(report["said"], "near:0,zh");
  EXPECT_EQ(Get("/v1/models/near:7/explanation", 404)["code"], "not_found");
}

TEST_F(Serving, ExplainsOnThePool) {
  Start();
  const json answer =
      Post("/v1/recommend", {{"user_id", "ann"}, {"n", 2}, {"explain", true}, {"language", "zh"}});
  for (const json& item : answer["items"]) {
    EXPECT_EQ(item["reasons"][0]["contribution"], item["score"]);
    EXPECT_EQ(item["reasons"][0]["text"], "zh");
  }
  EXPECT_EQ(Get("/v1/recommend/ann?explain=1")["items"][0]["reasons"].size(), 1U);
}

TEST_F(Serving, FindsSimilarItemsAndRanksCandidates) {
  Start();
  const json similar = Get("/v1/similar/item2?n=2");
  EXPECT_EQ(Ids(similar), (std::vector<std::string>{"item1", "item3"}));
  const json ranked =
      Post("/v1/rank", {{"user_id", "ann"}, {"candidates", {"item9", "item5", "item0"}}});
  EXPECT_EQ(Ids(ranked), (std::vector<std::string>{"item5", "item0", "item9"}));
  EXPECT_EQ(Post("/v1/rank", {{"user_id", "ann"}}, 400)["code"], "invalid_argument");
  EXPECT_EQ(Post("/v1/search", {{"query", "x"}}, 503)["code"], "not_configured");
}

TEST_F(Serving, RefusesIdsThatNoRowMayHaveAndLanguagesItDoesNotSpeak) {
  Start();
  const std::string id(129, 'x');
  EXPECT_EQ(Get("/v1/similar/item4?user_id=" + id, 400)["code"], "id_too_long");
  EXPECT_EQ(Get("/v1/similar/item4?language=fr", 400)["code"], "invalid_argument");
  EXPECT_EQ(Post("/v1/rank", {{"candidates", json::array({id})}}, 400)["code"], "id_too_long");
  EXPECT_EQ(Post("/v1/impressions", {{"items", json::array({id})}}, 400)["code"], "id_too_long");
  EXPECT_EQ(
      Post("/v1/impressions", {{"items", json::array({"a"})}, {"request_id", id}}, 400)["code"],
      "id_too_long");
  for (const json& nameless : {json(""), json::object(), json({{"item_id", nullptr}})}) {
    EXPECT_EQ(Post("/v1/rank", {{"candidates", json::array({nameless})}}, 400)["code"],
              "missing_item");
    EXPECT_EQ(Post("/v1/impressions", {{"items", json::array({nameless})}}, 400)["code"],
              "missing_item");
    EXPECT_EQ(Post("/v1/recommend", {{"history", json::array({nameless})}}, 400)["code"],
              "missing_item");
  }
  EXPECT_EQ(Post("/v1/recommend", {{"filter", {{"include", json::array({id})}}}}, 400)["code"],
            "id_too_long");
  EXPECT_EQ(Post("/v1/recommend", {{"history", json::array({{{"item_id", "a"}, {"basket", id}}})}},
                 400)["code"],
            "id_too_long");
  EXPECT_EQ(
      Post("/v1/impressions", {{"items", json::array({"a"})}, {"ts", 4'000'000'000}}, 400)["code"],
      "future_time");
  const json kept = Post("/v1/impressions", {{"items", json::array({"a"})}}, 201);
  const std::string request = kept["request_id"];
  EXPECT_EQ(Get("/v1/requests/" + request + "?language=fr", 400)["code"], "invalid_argument");
  Client client(endpoint_);
  const auto job = client.Send("POST", "/v1/jobs", R"({"kind": "retrain"})",
                               {{"Content-Type", "application/json"}, {"Idempotency-Key", id}});
  ASSERT_TRUE(job.ok());
  EXPECT_EQ(json::parse(job->body)["code"], "bad_idempotency_key") << job->body;
}

TEST_F(Serving, AnItemTakenDownIsGoneFromTheNextAnswer) {
  Start();
  shop_.AddCatalogue();
  EXPECT_EQ(Ids(Get("/v1/recommend/ann?n=1")), std::vector<std::string>{"item4"});
  Client client(endpoint_);
  ASSERT_EQ(client.Send("PATCH", "/v1/items/item4", R"({"hidden":true,"currency":"EUR"})")->status,
            200);
  EXPECT_EQ(Ids(Get("/v1/recommend/ann?n=1")), std::vector<std::string>{"item3"});
  ASSERT_EQ(client.Send("DELETE", "/v1/items/item3")->status, 204);
  EXPECT_EQ(Ids(Get("/v1/recommend/ann?n=1")), std::vector<std::string>{"item5"});
}

TEST_F(Serving, SwapsVersionsWithoutAFailedRequest) {
  shop_.make["near:2"] = shop_.make["near:1"];
  Start();
  std::atomic<bool> stop{false};
  std::atomic<int> answered{0};
  std::vector<std::jthread> clients;
  for (int c = 0; c < 3; ++c) {
    clients.emplace_back([&] {
      Client client(endpoint_);
      while (!stop) {
        const auto answer = client.Get("/v1/recommend/ann?n=3");
        ASSERT_TRUE(answer.ok()) << answer.status().ToString();
        ASSERT_EQ(answer->status, 200) << answer->body;
        ASSERT_EQ(answer->body.find("fallback"), std::string::npos) << answer->body;
        ++answered;
      }
    });
  }
  for (int swap = 0; swap < 20; ++swap) {
    ASSERT_TRUE(shop_.Serve(swap % 2 == 0 ? "near:2" : "near:1").ok());
    const int until = answered + 20;
    const auto limit = std::chrono::steady_clock::now() + 20s;
    while (answered < until && std::chrono::steady_clock::now() < limit) {
      std::this_thread::yield();
    }
  }
  stop = true;
  clients.clear();
  EXPECT_GE(answered, 400);
}

TEST_F(Serving, FollowsAJobFromWhereItStopped) {
  Start();
  const json job =
      Post("/v1/jobs", {{"kind", "retrain"}, {"spec", {{"specs", {"item-knn"}}}}}, 202);
  EXPECT_EQ(job["id"], "job-000001");
  EXPECT_EQ(job["spec"]["specs"][0], "item-knn");
  EXPECT_EQ(job["actor"], "local");
  EXPECT_EQ(Post("/v1/jobs", {{"kind", "dance"}}, 400)["code"], "invalid_argument");
  EXPECT_EQ(Post("/v1/jobs/job-000001:cancel", json::object(), 409)["code"], "failed_precondition");
  EXPECT_EQ(Get("/v1/jobs/none", 404)["code"], "not_found");
  std::string log;
  Client client(endpoint_);
  ASSERT_TRUE(client
                  .Follow("/v1/jobs/job-000001/logs", After(20s),
                          [&](const ServerEvent& event) {
                            log += event.id + event.event + event.data + ";";
                            return true;
                          })
                  .ok());
  EXPECT_EQ(log, "1logfirst;2logsecond;3endsucceeded;");
  const Status none = client.Follow("/v1/jobs/none/logs", After(20s), [](auto&) { return true; });
  EXPECT_FALSE(none.ok());
}

TEST_F(Serving, KeysAreAskedForOnTcpAndNotOnTheOwnersSocket) {
  const std::string serve_key = keys_.Add("serve");
  Start(AuthMode::kKeys);
  EXPECT_EQ(Get("/v1/recommend/ann", 401)["code"], "unauthenticated");
  EXPECT_EQ(Client(endpoint_).Get("/livez")->status, 200);
  Client with_key(endpoint_, {.api_key = serve_key});
  EXPECT_EQ(with_key.Get("/v1/recommend/ann")->status, 200);
  EXPECT_EQ(with_key.Get("/metrics")->status, 403);
  Endpoint owner;
  owner.unix_path = socket_;
  EXPECT_EQ(Client(owner).Get("/metrics")->status, 200);
  EXPECT_EQ(Client(owner).Post("/v1/models:import", "{}")->status, 503);
}

TEST_F(Serving, MetricsNameRoutesNotUsers) {
  Start();
  Get("/v1/recommend/ann");
  const auto text = Client(endpoint_).Get("/metrics");
  ASSERT_TRUE(text.ok());
  EXPECT_NE(text->body.find("route=\"/v1/recommend/{user}\""), std::string::npos);
  EXPECT_EQ(text->body.find("/ann"), std::string::npos);
  EXPECT_EQ(Client(endpoint_).Get("/openapi.yaml")->body.substr(0, 8), "openapi:");
  services_.ready = [] { return Unavailable("the champion is being loaded"); };
  EXPECT_EQ(Get("/readyz", 503)["code"], "not_ready");
}

}  // namespace
}  // namespace vitrine::http
