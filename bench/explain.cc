// Whether explanations are true to the model, and what they cost.
//
// Faithfulness, the deletion test: of each shopper's held-out case the model's best item is explained. Then the events with
// the largest contributions are taken out of the history (their places stay, as padding), and as many drawn at random, kDraws
// times; what counts is how far the item's score falls, in standard deviations of all the case's scores, and its place.
// Both are of the same shopper, and the interval is over shoppers (bootstrap). The best that can be told from a deletion of
// one event, by trying each, stands beside them.
// Cost: POST /v1/recommend with "explain": true and without, over one connection, in turns, kPairs times; medians of each
// turn, the ratio pair by pair. Plain against plain says what the machine adds.
//   explain [DATA_DIRECTORY [faithfulness|cost]]   one with versions of item-knn-decay and sasrec; without it they are
//                                                  trained on amazon-beauty (VITRINE_TEST_DATA, default ../shared)
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "adapters/onnxruntime/graph_scorer.h"
#include "adapters/onnxruntime/runtime.h"
#include "bench/report.h"
#include "bench/serving_fixture.h"
#include "evaluate/bootstrap.h"
#include "evaluate/holdout.h"
#include "explain/attribution.h"
#include "transport/http/client.h"

namespace vitrine::bench {
namespace {

using nlohmann::json;

constexpr std::size_t kShoppers = 200;
constexpr std::size_t kLeastEvents = 4;
constexpr int kDraws = 20;
constexpr int kPairs = 10;

struct Version {
  std::string ref;
  std::string name;
  std::string folder;
};

std::vector<Version> VersionsOf(http::Client& client, const std::string& data) {
  const auto page = client.Get("/v1/models?limit=100");
  CHECK(page.ok() && page->ok());
  std::map<std::string, Version> newest;
  const json body = json::parse(page->body);
  for (const json& version : body.at("versions")) {
    const std::string hash = version.at("artifact");
    const std::string name = version.at("name");
    newest.try_emplace(name, Version{version.at("version"), name,
                                     data + "/artifacts/sha256/" + hash.substr(0, 2) + "/" +
                                         hash.substr(2, 2) + "/" + hash});
  }
  std::vector<Version> versions;
  for (auto& [name, version] : newest) {
    versions.push_back(std::move(version));
  }
  return versions;
}

struct Case {
  std::string user;
  History history;
};

/// Shoppers with enough events that the model knows, drawn by a seed.
std::vector<Case> CasesOf(const evaluate::Holdout& holdout, const data::Vocabulary& vocabulary) {
  std::vector<Case> cases;
  for (const evaluate::HoldoutCase& one : holdout.cases) {
    if (one.part != evaluate::Part::kTest) {
      continue;
    }
    History history;
    for (const evaluate::HoldoutEvent& event : one.history) {
      history.push_back({.item = vocabulary.Find(holdout.items[event.item]),
                         .ts = event.ts,
                         .type = event.type,
                         .basket = event.basket});
    }
    const auto known = std::count_if(history.begin(), history.end(),
                                     [](const auto& event) { return event.item >= kFirstItem; });
    if (static_cast<std::size_t>(known) >= kLeastEvents) {
      cases.push_back({one.user, std::move(history)});
    }
  }
  std::shuffle(cases.begin(), cases.end(), std::mt19937(7));
  cases.resize(std::min(cases.size(), kShoppers));
  return cases;
}

/// One model's scores of histories, without padding and unknown.
class Model {
 public:
  explicit Model(const Scorer& scorer) : scorer_(scorer) {}

  std::vector<double> Score(const History& history) const {
    std::vector<double> scores;
    CHECK(scorer_.Score(std::span(&history, 1), scores).ok());
    return scores;
  }
  [[nodiscard]] const Scorer& scorer() const { return scorer_; }

 private:
  const Scorer& scorer_;
};

ItemIndex BestOf(const std::vector<double>& scores, const History& history) {
  ItemIndex best = kUnknownItem;
  for (ItemIndex item = kFirstItem; item < scores.size(); ++item) {
    const bool held = std::any_of(history.begin(), history.end(),
                                  [item](const auto& event) { return event.item == item; });
    if (!held && (best == kUnknownItem || scores[item] > scores[best])) {
      best = item;
    }
  }
  return best;
}

double DeviationOf(const std::vector<double>& scores) {
  double sum = 0;
  double squares = 0;
  double count = 0;
  for (std::size_t item = kFirstItem; item < scores.size(); ++item) {
    sum += scores[item];
    squares += scores[item] * scores[item];
    ++count;
  }
  return std::sqrt(std::max(0.0, squares / count - sum / count * (sum / count)));
}

double PlaceOf(const std::vector<double>& scores, ItemIndex target, const History& history) {
  double place = 1;
  for (ItemIndex item = kFirstItem; item < scores.size(); ++item) {
    const bool held = std::any_of(history.begin(), history.end(),
                                  [item](const auto& event) { return event.item == item; });
    place += !held && scores[item] > scores[target] ? 1 : 0;
  }
  return place;
}

struct Fall {
  double score = 0;   ///< in standard deviations
  double places = 0;  ///< log2 of the place afterwards: it was 1
};

Fall FallWithout(const Model& model, const Case& one, const std::vector<std::size_t>& places,
                 ItemIndex target, double before, double deviation) {
  History history = one.history;
  for (const std::size_t place : places) {
    history[place].item = kPaddingItem;
  }
  const std::vector<double> scores = model.Score(history);
  return {.score = (before - scores[target]) / deviation,
          .places = std::log2(PlaceOf(scores, target, one.history))};
}

/// The columns of one shopper's row.
enum Column : std::size_t {
  kTop,
  kRandom,
  kGain,
  kTopPlaces,
  kRandomPlaces,
  kPlacesGain,
  kBest,
  kColumns
};

/// One shopper's best item, explained once.
struct Explained {
  std::vector<double> scores;
  ItemIndex target = kUnknownItem;
  double deviation = 0;
  std::vector<std::size_t> players;  ///< places that the model knows
  std::vector<std::size_t> order;    ///< the same, the largest contribution first
};

Explained ExplainBest(const Model& model, const Case& one) {
  Explained explained;
  explained.scores = model.Score(one.history);
  explained.target = BestOf(explained.scores, one.history);
  explained.deviation = DeviationOf(explained.scores);
  for (std::size_t place = 0; place < one.history.size(); ++place) {
    if (one.history[place].item >= kFirstItem) {
      explained.players.push_back(place);
    }
  }
  const auto attribution =
      explain::Attribute(model.scorer(), one.history, std::span(&explained.target, 1));
  CHECK(attribution.ok());
  const std::vector<double>& parts = attribution->contributions[0];
  explained.order = explained.players;
  std::sort(explained.order.begin(), explained.order.end(), [&parts](std::size_t a, std::size_t b) {
    return parts[a] != parts[b] ? parts[a] > parts[b] : a < b;
  });
  return explained;
}

/// `share` of the events are taken out; 0: one.
std::vector<double> RowOf(const Model& model, const Case& one, const Explained& explained,
                          double share, std::mt19937& engine) {
  const std::vector<std::size_t>& players = explained.players;
  const auto taken = std::max<std::size_t>(
      1, static_cast<std::size_t>(std::ceil(share * static_cast<double>(players.size()))));
  const auto fall = [&](const std::vector<std::size_t>& places) {
    return FallWithout(model, one, places, explained.target, explained.scores[explained.target],
                       explained.deviation);
  };
  const auto first = explained.order.begin();
  const Fall top = fall({first, first + static_cast<std::ptrdiff_t>(taken)});
  Fall random;
  for (int draw = 0; draw < kDraws; ++draw) {
    std::vector<std::size_t> drawn;
    std::sample(players.begin(), players.end(), std::back_inserter(drawn), taken, engine);
    const Fall one_fall = fall(drawn);
    random.score += one_fall.score / kDraws;
    random.places += one_fall.places / kDraws;
  }
  double best = 0;
  for (const std::size_t place : players) {
    best = taken == 1 ? std::max(best, fall({place}).score) : 0;
  }
  return {top.score,  random.score,  top.score - random.score,
          top.places, random.places, top.places - random.places,
          best};
}

constexpr std::array kShares = {0.0, 1.0 / 3};

void SayFaithfulness(const Version& version, double share, const std::vector<double>& rows,
                     std::vector<Bar>& bars) {
  const auto means = evaluate::BootstrapMeans(rows, kColumns, {});
  const std::string what = share == 0 ? "1 event" : "1/3 of the events";
  std::printf("%s, %s taken out, %zu shoppers\n", version.ref.c_str(), what.c_str(),
              rows.size() / kColumns);
  const auto say = [&means](const char* name, Column column) {
    std::printf("  %-46s %8.3f  [%.3f, %.3f]\n", name, means[column].mean, means[column].low,
                means[column].high);
  };
  say("fall of the score, top events (sd)", kTop);
  say("fall of the score, random events (sd)", kRandom);
  say("  the difference", kGain);
  if (share == 0) {
    say("  the largest fall that any one event gives", kBest);
  }
  say("log2 of the place after, top events", kTopPlaces);
  say("log2 of the place after, random events", kRandomPlaces);
  say("  the difference", kPlacesGain);
  const int shoppers = static_cast<int>(rows.size() / kColumns);
  bars.push_back({version.name + ", " + what + ": top - random fall, low end", means[kGain].low,
                  "sd", true, 0.1, shoppers, 0});
  bars.push_back({version.name + ", " + what + ": fall, top / random",
                  means[kTop].mean / means[kRandom].mean, "", true, 1.2, shoppers, 0});
}

void TestFaithfulness(const Version& version, const evaluate::Holdout& holdout,
                      std::vector<Bar>& bars) {
  const auto runtime = adapters::MakeOnnxRuntime();
  CHECK(runtime.ok());
  const auto artifact = adapters::LoadArtifact(version.folder, **runtime);
  CHECK(artifact.ok());
  const Model model(*artifact->scorer);
  std::mt19937 engine(11);
  std::array<std::vector<double>, kShares.size()> rows;
  for (const Case& one : CasesOf(holdout, *artifact->vocabulary)) {
    const Explained explained = ExplainBest(model, one);
    for (std::size_t s = 0; s < kShares.size() && explained.deviation > 0; ++s) {
      const std::vector<double> row = RowOf(model, one, explained, kShares.at(s), engine);
      rows.at(s).insert(rows.at(s).end(), row.begin(), row.end());
    }
  }
  for (std::size_t s = 0; s < kShares.size(); ++s) {
    SayFaithfulness(version, kShares.at(s), rows.at(s), bars);
  }
}

std::vector<std::string> Bodies(const evaluate::Holdout& holdout, bool explain) {
  std::vector<std::string> bodies;
  for (const evaluate::HoldoutCase& one : holdout.cases) {
    if (one.part != evaluate::Part::kTest || one.history.size() < kLeastEvents) {
      continue;
    }
    json ids = json::array();
    for (const evaluate::HoldoutEvent& event : one.history) {
      ids.push_back(holdout.items[event.item]);
    }
    json body = {{"n", 10}, {"record", false}, {"history", std::move(ids)}};
    if (explain) {
      body["explain"] = true;
    }
    bodies.push_back(body.dump());
  }
  std::shuffle(bodies.begin(), bodies.end(), std::mt19937(5));
  return bodies;
}

/// The median of so many requests, each timed by itself, in microseconds.
double MedianOf(http::Client& client, const std::vector<std::string>& bodies, std::size_t count,
                std::size_t& next) {
  std::vector<double> times;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string& body = bodies[next++ % bodies.size()];
    times.push_back(1e6 * SecondsPerCall(1, [&] {
                      const auto answer = client.Post("/v1/recommend", body);
                      CHECK(answer.ok() && answer->ok());
                    }));
  }
  return Median(std::move(times));
}

void MeasureCost(http::Client& client, const Version& version, const evaluate::Holdout& holdout,
                 std::vector<Bar>& bars) {
  const auto moved =
      client.Send("PUT", "/v1/aliases/champion", json({{"version", version.ref}}).dump(),
                  {{"Content-Type", "application/json"}});
  CHECK(moved.ok() && moved->ok());
  const std::vector<std::string> plain = Bodies(holdout, false);
  const std::vector<std::string> explained = Bodies(holdout, true);
  const bool network = version.name.starts_with("sasrec");
  const std::size_t plain_calls = 200;
  const std::size_t explained_calls = network ? 12 : 100;
  std::size_t at[3] = {0, 0, 0};
  MedianOf(client, plain, plain_calls, at[0]);
  MedianOf(client, explained, 3, at[1]);
  std::vector<double> plains;
  std::vector<double> dears;
  std::vector<double> ratios;
  std::vector<double> same;
  for (int pair = 0; pair < kPairs; ++pair) {
    plains.push_back(MedianOf(client, plain, plain_calls, at[0]));
    dears.push_back(MedianOf(client, explained, explained_calls, at[1]));
    ratios.push_back(dears.back() / plains.back());
    same.push_back(MedianOf(client, plain, plain_calls, at[2]) / plains.back());
  }
  bars.push_back(
      {version.name + ": plain, p50", Median(plains), "us", false, 0, kPairs, Spread(plains)});
  bars.push_back(
      {version.name + ": explained, p50", Median(dears), "us", false, 0, kPairs, Spread(dears)});
  bars.push_back(
      {version.name + ": explained / plain", Median(ratios), "", false, 0, kPairs, Spread(ratios)});
  bars.push_back(
      {version.name + ": plain / plain", Median(same), "", false, 0, kPairs, Spread(same)});
}

int Main(int argc, char** argv) {
  std::string data = argc > 1 ? argv[1] : "";
  const std::string part = argc > 2 ? argv[2] : "";
  std::optional<TemporaryFolder> made;
  if (data.empty()) {
    data = made.emplace().path() + "/data";
    Prepare(data, {"item-knn-decay", "bench/specs/sasrec-short.toml"});
  }
  auto server = Serve(data);
  http::Client client(EndpointOf(*server));
  const auto holdout = evaluate::ReadHoldout(HoldoutOf(data));
  CHECK(holdout.ok());
  std::vector<Bar> bars;
  for (const Version& version : VersionsOf(client, data)) {
    if (part.empty() || part == "faithfulness") {
      TestFaithfulness(version, *holdout, bars);
    }
    if (part.empty() || part == "cost") {
      MeasureCost(client, version, *holdout, bars);
    }
  }
  Report("explain", bars);
  client = http::Client(EndpointOf(*server));
  server.reset();  // before its folder goes
  return 0;
}

}  // namespace
}  // namespace vitrine::bench

int main(int argc, char** argv) { return vitrine::bench::Main(argc, argv); }
