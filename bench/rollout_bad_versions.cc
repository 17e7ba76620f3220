// Versions that must not reach users, each rolled out on a real server with a good champion and steady traffic of a
// simulated shop: where each is stopped, why, how soon, and what users saw of it. Beside them a good one, taken back
// by hand while it answers half of the users: how long that takes.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "apps/vitrine/demo_rollouts.h"
#include "apps/vitrine/simulation.h"
#include "bench/bad_versions.h"
#include "bench/rollout.h"
#include "bench/serving_fixture.h"
#include "bench/shop_server.h"
#include "core/check.h"
#include "loop/child_process.h"
#include "simulate/shop.h"
#include "simulate/shoppers.h"
#include "transport/http/client.h"

namespace vitrine::bench {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr std::chrono::seconds kPatience{120};
constexpr int kRollbacks = 5;

std::string ReadAll(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  CHECK(in.good());
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Short stages; what is tolerated is what DefaultPolicy tolerates, but for the shadow's latency: by default a version
/// may take half as long again. This shop's versions cost alike, and it says so.
const char* const kPolicy = R"({"shadow": {"latency": 1.1}, "stages": [
  {"kind": "shadow", "share": 0.5, "seconds": 5, "answers": 300},
  {"kind": "canary", "share": 0.05, "seconds": 5, "answers": 100, "users": 50},
  {"kind": "canary", "share": 0.25, "seconds": 10, "answers": 1000, "users": 200},
  {"kind": "ab", "share": 0.5, "seconds": 20, "answers": 5000, "users": 500}]})";

struct Found {
  std::string name;
  std::string where = "nowhere";
  std::string reason;
  double seconds = 0;
  double users = 0;  ///< share of those who came
  std::uint64_t asked = 0;
  std::uint64_t failed = 0;
  [[nodiscard]] bool stopped() const { return where != "nowhere"; }
};

json GetJson(http::Client& client, const std::string& target) {
  const auto answer = client.Get(target);
  return answer.ok() && answer->ok() ? json::parse(answer->body, nullptr, false) : json();
}

/// The rollout's id; where it is refused, none, and why.
std::string Begin(http::Client& client, const std::string& version, const json& policy,
                  std::string& refused) {
  const auto begun =
      client.Post("/v1/rollouts",
                  json({{"candidate", version}, {"policy", policy}, {"reason", "bench"}}).dump());
  CHECK(begun.ok());
  if (begun->status != 201) {
    refused = json::parse(begun->body, nullptr, false).value("detail", begun->body);
    return "";
  }
  return json::parse(begun->body)["id"];
}

std::string MustBegin(http::Client& client, const std::string& version, const json& policy) {
  std::string refused;
  std::string id = Begin(client, version, policy, refused);
  if (id.empty()) {
    std::fprintf(stderr, "%s\n", refused.c_str());
    std::exit(1);
  }
  return id;
}

void TakeBack(http::Client& client, const std::string& id) {
  const auto answer = client.Post("/v1/rollouts/" + id + ":rollback", "{}");
  CHECK(answer.ok() && answer->ok());
}

/// Imports the version and rolls it out, until it is stopped or has gone through.
Found Try(const Server& server, const Shopping& shopping, const std::string& name,
          std::vector<std::string> import) {
  Found found{.name = name};
  const std::uint64_t asked = shopping.asked();
  const std::uint64_t failed = shopping.failed();
  auto begun = Clock::now();
  const auto finish = [&] {
    found.seconds = Since(begun);
    found.asked = shopping.asked() - asked;
    found.failed = shopping.failed() - failed;
    std::printf(
        "%-24s %-8s after %6.1f s, seen by %4.1f %% of users, %llu requests, %llu failed\n  %s\n",
        found.name.c_str(), found.where.c_str(), found.seconds, 100 * found.users,
        static_cast<unsigned long long>(found.asked), static_cast<unsigned long long>(found.failed),
        found.reason.c_str());
    std::fflush(stdout);
    return found;
  };
  import.insert(import.begin(), {"model", "import"});
  const loop::ChildOutcome imported = server.Run(import);
  if (imported.exit_code != 0) {
    found.where = "import";
    found.reason = imported.last_error_lines;
    return finish();
  }
  http::Client client = server.Connect();
  begun = Clock::now();
  const std::string id =
      Begin(client, json::parse(imported.output)["version"], json::parse(kPolicy), found.reason);
  if (id.empty()) {
    found.where = "load";  // before any stage: its first answers, which nobody asked for
    return finish();
  }
  json now;
  for (const auto until = begun + kPatience; Clock::now() < until && server.alive();) {
    now = GetJson(client, "/v1/rollouts/" + id);
    if (now.is_object() && now.value("state", "") != "running") {
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  const std::string state = now.is_object() ? now.value("state", "") : "";
  found.reason = server.alive() ? now.value("reason", "") : "the server ended";
  for (const json& entry : GetJson(client, "/v1/audit?limit=100").value("entries", json::array())) {
    if (entry["subject"] == id && (state == "rolled_back" || state == "paused")) {
      const json& evidence = entry["evidence"];
      found.where = evidence.value("kind", "nowhere");
      found.users = apps::UsersWhoSaw(evidence);
      break;  // newest first
    }
  }
  if (state == "running" || state == "paused") {
    TakeBack(client, id);
  }
  return finish();
}

/// Seconds from the call until its answer, after which no user meets the candidate.
std::vector<double> RollBackByHand(const Server& server, const std::string& version) {
  std::vector<double> times;
  http::Client client = server.Connect();
  const json policy = {{"stages", {{{"kind", "canary"}, {"share", 0.5}, {"users", 1'000'000}}}}};
  for (int run = 0; run < kRollbacks; ++run) {
    const std::string id = MustBegin(client, version, policy);
    std::this_thread::sleep_for(std::chrono::seconds(2));
    times.push_back(SecondsPerCall(1, [&] { TakeBack(client, id); }));
    for (int user = 0; user < 50; ++user) {
      const auto answer = client.Post(
          "/v1/recommend", json({{"user_id", fmt::format("nobody-{}", user)}, {"n", 5}}).dump());
      CHECK(answer.ok() && answer->ok() && !json::parse(answer->body).contains("arm"));
    }
  }
  return times;
}

class Trial {
 public:
  Trial(const std::string& folder, const Server& server, const simulate::Shop& shop)
      : folder_(folder), server_(server), shop_(shop) {
    http::Client client = server.Connect();
    client.set_timeout(std::chrono::minutes(3));
    simulate::Shoppers shoppers(shop, 2);
    apps::Simulation simulation(shop, shoppers, client);
    const Micros now = Now();
    CHECK(simulation.PostCatalogue().ok());
    const auto past = shoppers.Browse(40'000, {now.value - 30 * kMicrosPerDay}, now);
    CHECK(simulation.PostEvents(past).ok());
    const auto trained = server.Run({"retrain"});
    if (trained.exit_code != 0) {
      std::fprintf(stderr, "%s\n", trained.last_error_lines.c_str());
      std::exit(1);
    }
    const std::string hash = GetJson(client, "/v1/models/champion")["artifact"];
    champion_ = folder + "/data/artifacts/sha256/" + hash.substr(0, 2) + "/" + hash.substr(2, 2) +
                "/" + hash;
    model_ = ReadAll(champion_ + "/model.onnx");
    const std::string items = ReadAll(champion_ + "/vocabulary.txt");
    // The item that most have seen, but for those of which the import makes its histories, the first ones.
    constexpr std::int64_t kFirst = 500;
    std::map<std::string, int> seen;
    for (const Event& event : past) {
      ++seen[event.items.empty() ? "" : event.items[0].item_id];
    }
    int most = 0;
    std::int64_t index = 2;
    for (std::size_t at = 0; at < items.size(); at = items.find('\n', at) + 1, ++index) {
      const int count = seen[items.substr(at, items.find('\n', at) - at)];
      if (index >= kFirst && count > most) {
        trigger_ = index;
        most = count;
      }
    }
  }

  std::vector<std::string> Made(const std::string& name, Harm harm, std::int64_t amount = 0) {
    const std::string file = folder_ + "/" + name + ".onnx";
    std::ofstream(file, std::ios::binary)
        << MakeHarmful(model_, {.harm = harm, .amount = amount, .trigger = trigger_});
    return Model(file, name, champion_ + "/vocabulary.txt");
  }
  std::vector<std::string> Shuffled() {
    const std::string list = folder_ + "/shuffled.txt";
    std::ofstream(list, std::ios::binary) << ShuffledLines(ReadAll(champion_ + "/vocabulary.txt"));
    return Model(champion_ + "/model.onnx", "shuffled", list);
  }
  std::vector<std::string> Popular() {
    std::string snapshot;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ + "/data/lake")) {
      if (entry.path().filename() == "manifest.json" &&
          entry.path().string().find("snapshot") != std::string::npos) {
        snapshot = entry.path().parent_path();
      }
    }
    const auto trained =
        server_.Run({"train", "run", "--snapshot", snapshot, "--spec", "popularity", "--protocol",
                     "newest-days", "--out", folder_ + "/popular"});
    if (trained.exit_code != 0) {
      std::fprintf(stderr, "popularity: %s\n", trained.last_error_lines.c_str());
    }
    return {folder_ + "/popular"};
  }
  /// Multiplications that make an answer a fifth slower, by what the shadow measures.
  std::int64_t AmountForAFifth() {
    http::Client client = server_.Connect();
    const json policy = {
        {"stages", {{{"kind", "shadow"}, {"share", 1}, {"seconds", 1000}, {"answers", 1}}}}};
    std::int64_t amount = 20;
    for (int attempt = 0; attempt < 4; ++attempt) {
      const auto imported = server_.Run([&] {
        auto all = Made(fmt::format("try-{}", amount), Harm::kSlower, amount);
        all.insert(all.begin(), {"model", "import"});
        return all;
      }());
      CHECK(imported.exit_code == 0);
      const std::string id = MustBegin(client, json::parse(imported.output)["version"], policy);
      std::this_thread::sleep_for(std::chrono::seconds(4));
      const json seen = GetJson(client, "/v1/rollouts/" + id)["seen"]["shadow"]["median_seconds"];
      TakeBack(client, id);
      const double control = seen["control"];
      const double ratio = seen["treatment"].get<double>() / control;
      std::printf("%lld multiplications more: %.2f times as long as %.0f us\n",
                  static_cast<long long>(amount), ratio, control * 1e6);
      std::fflush(stdout);
      if (ratio > 1.17 && ratio < 1.23) {
        break;
      }
      amount =
          std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(amount) * 0.2 /
                                                              std::clamp(ratio - 1, 0.05, 2.0)));
    }
    return amount;
  }
  [[nodiscard]] const simulate::Shop& shop() const { return shop_; }

 private:
  [[nodiscard]] std::vector<std::string> Model(const std::string& file, const std::string& name,
                                               const std::string& list) const {
    return {file,           "--name", name, "--features", champion_ + "/featurespec.json",
            "--vocabulary", list};
  }
  std::string folder_;
  const Server& server_;
  const simulate::Shop& shop_;
  std::string champion_;
  std::string model_;
  std::int64_t trigger_ = 2;
};

}  // namespace

void MeasureBadVersions(std::vector<Bar>& bars) {
  const TemporaryFolder folder;
  const Server server(folder.path() + "/data");
  const simulate::Shop shop({.seed = 1, .products = 2000, .shoppers = 3000},
                            {Now().value - 40 * kMicrosPerDay});
  Trial trial(folder.path(), server, shop);
  const Shopping shopping(server, shop);
  std::vector<Found> all;
  const auto attempt = [&](const char* name, std::vector<std::string> import) {
    if (server.alive()) {
      all.push_back(Try(server, shopping, name, std::move(import)));
    } else {
      all.push_back({.name = name});
    }
  };
  attempt("no number", trial.Made("nan", Harm::kNan));
  attempt("no number, for some", trial.Made("nan-some", Harm::kNanForSome));
  attempt("8 GiB an answer", trial.Made("memory", Harm::kMemory));
  attempt("out of memory, for some", trial.Made("memory-some", Harm::kMemoryForSome));
  attempt("popular items only", trial.Popular());
  attempt("shuffled vocabulary", trial.Shuffled());
  attempt("ends its process, for some", trial.Made("division", Harm::kDivisionForSome));
  const std::int64_t amount = trial.AmountForAFifth();
  attempt("20 % slower", trial.Made("slower", Harm::kSlower, amount));
  const std::vector<double> times = RollBackByHand(server, fmt::format("try-{}:1", amount));
  double stopped = 0;
  for (const Found& found : all) {
    stopped += found.stopped() ? 1 : 0;
    bars.push_back({found.name + ": stopped after", found.seconds, "s", false, 0, 1, 0});
    bars.push_back({found.name + ": users who saw it", 100 * found.users, "%", false, 0, 1, 0});
  }
  const auto runs = static_cast<int>(times.size());
  bars.push_back({"bad versions stopped", stopped, "", true, static_cast<double>(all.size()),
                  static_cast<int>(all.size()), 0});
  bars.push_back({"roll back under load, the slowest",
                  *std::max_element(times.begin(), times.end()), "s", false, 1, runs, 0});
  bars.push_back(
      {"roll back under load, median", Median(times), "s", false, 1, runs, Spread(times)});
  // A bound of 0 says that nothing is promised.
  bars.push_back({"failed requests", static_cast<double>(shopping.failed()), "", false, 0.5,
                  static_cast<int>(shopping.asked()), 0});
}

}  // namespace vitrine::bench
