// Thirty days of a simulated shop whose world moves, five seeds: what the loop makes of it without a hand, beside a twin that is
// never trained again and an oracle that knows what shoppers like.
#include <array>
#include <cstdio>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/kept_results.h"
#include "bench/month_findings.h"
#include "bench/rollout.h"
#include "core/check.h"
#include "core/sha256.h"
#include "loop/child_process.h"

namespace vitrine::bench {
namespace {

using nlohmann::json;

constexpr int kSeeds = 5;
constexpr std::size_t kAtOnce = 2;
constexpr std::array<const char*, 3> kArms = {"loop", "twin", "oracle"};

std::string Beside(const std::string& program) {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / program).string();
}

/// Results of programs that have changed do not count.
std::string ProgramsHash() {
  Sha256 hash;
  for (const char* program :
       {"rollout_world", "../vitrine", "../vitrine-lake", "../vitrine-trainer"}) {
    const auto one = Sha256OfFile(Beside(program));
    CHECK(one.ok());
    hash.Update(*one);
  }
  return hash.Finish();
}

json RunWorld(const std::string& arm, int seed) {
  const auto outcome = loop::RunChild(
      {.program = Beside("rollout_world"), .arguments = {arm, std::to_string(seed)}}, {}, {});
  CHECK(outcome.ok());
  if (outcome->exit_code != 0) {
    std::fprintf(stderr, "rollout_world %s %d: %s\n", arm.c_str(), seed,
                 outcome->last_error_lines.c_str());
    std::exit(1);
  }
  return json::parse(outcome->output);
}

using World = std::pair<int, std::string>;  // seed and arm

std::map<World, json> RunWorlds() {
  KeptResults kept("build/bench/month/worlds.jsonl");
  const std::string programs = ProgramsHash();
  std::vector<World> wanted;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    for (const char* arm : kArms) {
      wanted.emplace_back(seed, arm);
    }
  }
  std::map<World, json> done;
  std::mutex mutex;
  std::size_t next = 0;
  {
    std::vector<std::jthread> workers;
    for (std::size_t w = 0; w < kAtOnce; ++w) {
      workers.emplace_back([&] {
        for (;;) {
          std::unique_lock lock(mutex);
          if (next == wanted.size()) {
            return;
          }
          const World& world = wanted[next++];
          const std::string of = world.second + std::to_string(world.first) + " " + programs;
          const json* before = kept.Find(of);
          if (before != nullptr) {
            done[world] = *before;
            continue;
          }
          lock.unlock();
          json result = RunWorld(world.second, world.first);
          std::fprintf(stderr, "seed %d, %s: %.0f s\n", world.first, world.second.c_str(),
                       result.at("seconds").get<double>());
          lock.lock();
          kept.Keep(of, result);
          done[world] = std::move(result);
        }
      });
    }
  }
  return done;
}

void Print(int seed, const MonthFindings& found) {
  std::printf("\nseed %d: %zu turns, %zu promotions, %.2f false alarms a quiet week\n", seed,
              found.turns, found.promotions, found.false_alarms);
  for (const std::string& name : found.false_alarm_names) {
    std::printf("  false alarm: %s\n", name.c_str());
  }
  for (const std::string& name : found.aged_names) {
    std::printf("  a model had aged: %s\n", name.c_str());
  }
  for (const MonthFinding& event : found.events) {
    char seen[32] = "not seen";
    if (event.seen_hours) {
      std::snprintf(seen, sizeof(seen), "after %.1f h", *event.seen_hours);
    }
    std::printf("  %-28s %-14s %s%s | %s%s\n", event.event.c_str(), seen, event.cause.c_str(),
                event.right_cause ? "" : " (WRONG CAUSE)", event.act.c_str(),
                event.right_act ? "" : " (WRONG ACT)");
  }
  std::printf(
      "  CTR before the shift %.2f %%; after it loop %.2f %%, twin %.2f %%, oracle %.2f %%\n",
      100 * found.ctr_before, 100 * found.ctr, 100 * found.twin_ctr, 100 * found.oracle_ctr);
  std::printf("  revenue a visit after it: loop %.2f, twin %.2f, oracle %.2f\n", found.revenue,
              found.twin_revenue, found.oracle_revenue);
}

}  // namespace

void MeasureMonths(std::vector<Bar>& bars) {
  const auto worlds = RunWorlds();
  std::map<std::string, std::vector<double>> hours;
  std::map<std::string, int> causes;
  std::map<std::string, int> acts;
  std::vector<double> alarms;
  std::vector<double> over_twin;
  std::vector<double> of_oracle;
  std::vector<double> revenue_over_twin;
  double hands = 0;
  std::vector<std::string> order;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    const MonthFindings found = FindingsOf(worlds.at({seed, "loop"}), worlds.at({seed, "twin"}),
                                           worlds.at({seed, "oracle"}));
    Print(seed, found);
    order.clear();
    for (const MonthFinding& event : found.events) {
      order.push_back(event.event);
      if (event.seen_hours) {
        hours[event.event].push_back(*event.seen_hours);
      }
      causes[event.event] += event.right_cause ? 1 : 0;
      acts[event.event] += event.right_act ? 1 : 0;
    }
    alarms.push_back(found.false_alarms);
    over_twin.push_back(found.ctr / found.twin_ctr);
    of_oracle.push_back(found.ctr / found.oracle_ctr);
    revenue_over_twin.push_back(found.revenue / found.twin_revenue);
    hands += found.hands;
  }
  std::printf("\n");
  for (const std::string& event : order) {
    if (!hours[event].empty()) {
      bars.push_back({event + ": hours until seen, median", Median(hours[event]), "h", false, 0,
                      static_cast<int>(hours[event].size()), Spread(hours[event])});
    }
    bars.push_back({event + ": seeds with the right cause", static_cast<double>(causes[event]),
                    "of 5", true, kSeeds, kSeeds, 0});
    bars.push_back({event + ": seeds with the right act", static_cast<double>(acts[event]), "of 5",
                    true, kSeeds, kSeeds, 0});
  }
  bars.push_back(
      {"false alarms a quiet week, median", Median(alarms), "", false, 1, kSeeds, Spread(alarms)});
  bars.push_back({"CTR after the shift, over the twin's", Median(over_twin), "x", true, 0, kSeeds,
                  Spread(over_twin)});
  bars.push_back({"CTR after the shift, of the oracle's", Median(of_oracle), "x", true, 0, kSeeds,
                  Spread(of_oracle)});
  bars.push_back({"revenue a visit after it, over the twin's", Median(revenue_over_twin), "x", true,
                  0, kSeeds, Spread(revenue_over_twin)});
  bars.push_back({"acts of people in all", hands, "", false, 0, kSeeds, 0});
}

}  // namespace vitrine::bench
