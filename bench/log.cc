// Acknowledged (synced) events a second of the event log, by the number of concurrent appenders and
// the rows of one call; appenders alternate so that a slow spell of the disk meets both.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "adapters/rocksdb/rocks_event_log.h"
#include "bench/report.h"
#include "core/check.h"

namespace vitrine::bench {
namespace {

constexpr int kPairs = 15;
constexpr std::chrono::milliseconds kSpell{400};

std::vector<Event> MakeRows(std::uint64_t& made, int appender, int count) {
  std::vector<Event> rows(static_cast<std::size_t>(count));
  for (Event& row : rows) {
    const std::uint64_t n = made++;
    row.event_id = std::to_string(appender) + "-" + std::to_string(n);
    row.user_id = "user" + std::to_string(n * 7919 % 20'000);
    row.type = n % 10 == 0 ? EventType::kPurchase : EventType::kView;
    row.items = {{"item" + std::to_string(n * 104'729 % 10'000), -1, 1, 0}};
    row.ts = {1'700'000'000'000'000 + static_cast<std::int64_t>(n)};
    row.request_id = "request" + std::to_string(n);
    row.scene = "home";
  }
  return rows;
}

/// Events a second while `appenders` threads append calls of `rows` rows each.
double Rate(adapters::RocksEventLog& log, std::vector<std::uint64_t>& made, int appenders,
            int rows) {
  std::atomic<std::uint64_t> acknowledged{0};
  const auto begin = std::chrono::steady_clock::now();
  const auto end = begin + kSpell;
  {
    std::vector<std::jthread> threads;
    for (int appender = 0; appender < appenders; ++appender) {
      threads.emplace_back([&, appender] {
        while (std::chrono::steady_clock::now() < end) {
          const auto events = MakeRows(made[static_cast<std::size_t>(appender)], appender, rows);
          CHECK(log.AppendEvents(events, After(std::chrono::seconds(60))).ok());
          acknowledged += events.size();
        }
      });
    }
  }
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(acknowledged) / taken.count();
}

void Run() {
  std::string directory = (std::filesystem::temp_directory_path() / "bench-log-XXXXXX").string();
  CHECK(::mkdtemp(directory.data()) != nullptr);
  {
    auto log = adapters::RocksEventLog::Open(directory + "/log");
    CHECK(log.ok());
    std::vector<std::uint64_t> made(8, 0);
    std::vector<Bar> bars;
    for (const int rows : {1, 100}) {
      std::vector<double> alone;
      std::vector<double> together;
      for (int pair = 0; pair < kPairs; ++pair) {
        alone.push_back(Rate(**log, made, 1, rows));
        together.push_back(Rate(**log, made, 8, rows));
      }
      const std::string calls = " appender" + std::string(", calls of ") + std::to_string(rows);
      bars.push_back({"1" + calls, Median(alone), "events/s", true, 0, kPairs, Spread(alone)});
      bars.push_back(
          {"8" + calls, Median(together), "events/s", true, 0, kPairs, Spread(together)});
    }
    Report("log", bars);
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
}

}  // namespace
}  // namespace vitrine::bench

int main() { vitrine::bench::Run(); }
