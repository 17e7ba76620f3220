// What the kept states of users and the ready lists are worth on the whole path: two servers on two copies of
// one data directory, one that keeps nothing and one with the default settings, asked the same by one client
// thread in turns, pair by pair.
//   serving_caches [DATA_DIRECTORY]   as bench/serving.cc
#include <sys/resource.h>

#include <algorithm>
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

/// CPU time of this process so far: server, log writer and client. It says more than throughput on a machine
/// that others use as well.
double CpuSeconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Measured {
  std::vector<double> per_second;
  std::vector<double> cpu_us;  ///< of a request
  void Take(const http::Endpoint& endpoint, const std::vector<std::string>& requests) {
    const double before = CpuSeconds();
    const simulate::LoadResult result = ServeForASecond(endpoint, requests);
    per_second.push_back(result.throughput());
    cpu_us.push_back((CpuSeconds() - before) * 1e6 / static_cast<double>(result.total.counts.good));
  }
};

std::vector<double> Ratios(const std::vector<double>& kept, const std::vector<double>& anew) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    ratios.push_back(kept[i] / anew[i]);
  }
  return ratios;
}

void Compare(const Servers& servers, const std::string& what,
             const std::vector<std::string>& requests, std::vector<Bar>& bars) {
  ServeForASecond(servers.anew, requests);  // warm
  ServeForASecond(servers.kept, requests);
  Measured anew;
  Measured kept;
  for (int pair = 0; pair < kPairs; ++pair) {
    const bool first = pair % 2 == 0;
    (first ? anew : kept).Take(first ? servers.anew : servers.kept, requests);
    (first ? kept : anew).Take(first ? servers.kept : servers.anew, requests);
  }
  const auto bar = [&](const std::string& name, const std::vector<double>& values,
                       const std::string& unit, bool higher) {
    bars.push_back({what + name, Median(values), unit, higher, 0, kPairs, Spread(values)});
  };
  bar(", nothing kept", anew.per_second, "1/s", true);
  bar(", defaults", kept.per_second, "1/s", true);
  bar(", ratio", Ratios(kept.per_second, anew.per_second), "", true);
  bar(", CPU of one, nothing kept", anew.cpu_us, "us", false);
  bar(", CPU of one, defaults", kept.cpu_us, "us", false);
  bar(", CPU of one, ratio", Ratios(kept.cpu_us, anew.cpu_us), "", false);
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
