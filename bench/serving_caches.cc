// What the kept states of users and the ready lists are worth on the whole path: two servers on two copies of
// one data directory, one that keeps nothing and one with the default settings, asked the same by one client
// thread in turns, pair by pair.
//   serving_caches [DATA_DIRECTORY]   as bench/serving.cc
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "bench/report.h"
#include "bench/serving_fixture.h"
#include "evaluate/holdout.h"

namespace vitrine::bench {
namespace {

using nlohmann::json;

constexpr int kPairs = 10;
constexpr std::size_t kMostRequests = 5000;
constexpr std::size_t kItems = 1000;

/// Users by name: their histories are the log's.
std::vector<std::string> KnownUsers(const evaluate::Holdout& holdout) {
  std::vector<std::string> requests;
  for (const evaluate::HoldoutCase& one : holdout.cases) {
    if (one.part == evaluate::Part::kTest && requests.size() < kMostRequests) {
      requests.push_back(Asking(json({{"n", 10}, {"user_id", one.user}}).dump()));
    }
  }
  return requests;
}

/// Visitors without a history: a new name each, so that none of them is remembered.
std::vector<std::string> Visitors() {
  std::vector<std::string> requests;
  for (std::size_t i = 0; i < kMostRequests; ++i) {
    const std::string name = "visitor-" + std::to_string(i);
    requests.push_back(Asking(json({{"n", 10}, {"anonymous_id", name}}).dump()));
  }
  return requests;
}

/// Pages of the best sold items.
std::vector<std::string> ItemPages(const evaluate::Holdout& holdout) {
  std::vector<std::string> requests;
  for (std::size_t i = 0; i < std::min(kItems, holdout.items.size()); ++i) {
    http::AppendRequest({.method = "GET", .target = "/v1/similar/" + holdout.items[i] + "?n=10"},
                        {}, "", {}, requests.emplace_back());
  }
  return requests;
}

struct Servers {
  http::Endpoint anew;
  http::Endpoint kept;
};

void Compare(const Servers& servers, const std::string& what,
             const std::vector<std::string>& requests, std::vector<Bar>& bars) {
  ServedPerSecond(servers.anew, requests);  // warm
  ServedPerSecond(servers.kept, requests);
  std::vector<double> anew;
  std::vector<double> kept;
  std::vector<double> ratios;
  for (int pair = 0; pair < kPairs; ++pair) {
    const bool first = pair % 2 == 0;
    const double a = ServedPerSecond(first ? servers.anew : servers.kept, requests);
    const double b = ServedPerSecond(first ? servers.kept : servers.anew, requests);
    anew.push_back(first ? a : b);
    kept.push_back(first ? b : a);
    ratios.push_back(kept.back() / anew.back());
  }
  bars.push_back({what + ", nothing kept", Median(anew), "1/s", true, 0, kPairs, Spread(anew)});
  bars.push_back({what + ", defaults", Median(kept), "1/s", true, 0, kPairs, Spread(kept)});
  bars.push_back({what + ", ratio", Median(ratios), "", true, 0, kPairs, Spread(ratios)});
}

int Main(int argc, char** argv) {
  const TemporaryFolder folder;
  std::string data = argc > 1 ? argv[1] : "";
  if (data.empty()) {
    data = folder.path() + "/data";
    Prepare(data);
  }
  const auto holdout = evaluate::ReadHoldout(HoldoutOf(data));
  CHECK(holdout.ok());
  const std::string first = folder.path() + "/anew";
  const std::string second = folder.path() + "/kept";
  std::filesystem::copy(data, first, std::filesystem::copy_options::recursive);
  std::filesystem::copy(data, second, std::filesystem::copy_options::recursive);
  const auto anew = Serve(first, {"serving.user_cache_mb=0", "serving.answer_lists_mb=0"});
  const auto kept = Serve(second);
  const Servers servers{EndpointOf(*anew), EndpointOf(*kept)};
  std::vector<Bar> bars;
  Compare(servers, "users of the log", KnownUsers(*holdout), bars);
  Compare(servers, "visitors without a history", Visitors(), bars);
  Compare(servers, "item pages", ItemPages(*holdout), bars);
  Report("serving_caches", bars);
  return 0;
}

}  // namespace
}  // namespace vitrine::bench

int main(int argc, char** argv) { return vitrine::bench::Main(argc, argv); }
