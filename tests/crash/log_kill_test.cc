// A process that appends events is killed (SIGKILL) at random moments. With the arguments
// --write DIRECTORY PREFIX SEED this program is that process.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "adapters/rocksdb/rocks_event_log.h"
#include "crash_settings.h"
#include "kill_rounds.h"
#include "log_check.h"
#include "shop_events.h"

namespace vitrine::crash {
namespace {

using adapters::RocksEventLog;
using adapters::RocksEventLogOptions;

constexpr auto kReadyWithin = std::chrono::seconds(3);
constexpr int kWriters = 3;

RocksEventLogOptions SmallBuffers() {
  RocksEventLogOptions options;
  options.write_buffer_bytes = std::size_t{512} << 10;  // flushes and compactions in every round
  return options;
}

/// Appends until it is killed; tells each acknowledged id on the standard output.
void WriteForever(RocksEventLog& log, const std::string& prefix, std::uint64_t seed) {
  ShopEvents shop(prefix, seed);
  for (int call = 0;; ++call) {
    const std::vector<Event> rows = shop.Next(1 + shop.Below(10));
    const auto verdicts = log.AppendEvents(rows, After(std::chrono::seconds(60)));
    if (!verdicts.ok()) {
      std::cerr << verdicts.status().ToString() << '\n';
      std::exit(1);
    }
    std::string told;
    for (const Event& row : rows) {
      told += row.event_id + "\n";
    }
    // One write below PIPE_BUF: the lines of several writers do not mix.
    if (::write(STDOUT_FILENO, told.data(), told.size()) < 0) {
      std::exit(1);
    }
    Impression impression;
    impression.request_id = prefix + "q" + std::to_string(call);
    impression.subject = rows.front().subject();
    static_cast<void>(log.AppendImpression(impression).ok());
  }
}

int BeTheVictim(const std::string& directory, const std::string& prefix, std::uint64_t seed) {
  auto log = RocksEventLog::Open(directory, SmallBuffers());
  if (!log.ok()) {
    std::cerr << log.status().ToString() << '\n';
    return 1;
  }
  std::vector<std::jthread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&log, writer, &prefix, seed] {
      WriteForever(**log, prefix + "w" + std::to_string(writer),
                   seed + static_cast<std::uint64_t>(writer));
    });
  }
  return 0;
}

std::string SendAgain(RocksEventLog& log, const std::vector<std::string>& acknowledged) {
  std::vector<Event> rows;
  const std::size_t step = std::max<std::size_t>(acknowledged.size() / 50, 1);
  for (std::size_t i = 0; i < acknowledged.size(); i += step) {
    Event row;
    row.event_id = acknowledged[i];
    row.user_id = "again";
    row.items = {{"item1", -1, 1, 0}};
    rows.push_back(row);
  }
  const auto verdicts = log.AppendEvents(rows, After(std::chrono::seconds(60)));
  if (!verdicts.ok()) {
    return verdicts.status().ToString();
  }
  const auto accepted =
      std::count(verdicts->begin(), verdicts->end(), data::AppendVerdict::kAccepted);
  return accepted == 0 ? "" : std::to_string(accepted) + " retried events counted again";
}

std::string CheckDirectory(const std::string& directory,
                           const std::vector<std::string>& acknowledged) {
  const auto begin = std::chrono::steady_clock::now();
  auto log = RocksEventLog::Open(directory, SmallBuffers());
  const auto took = std::chrono::steady_clock::now() - begin;
  if (!log.ok()) {
    return log.status().ToString();
  }
  if (took > kReadyWithin) {
    return "opening took " + std::to_string(std::chrono::duration<double>(took).count()) + " s";
  }
  const LogFindings findings = CheckLog(**log, acknowledged);
  return findings.whole() ? SendAgain(**log, acknowledged) : findings.Text();
}

TEST(LogKill, NoAcknowledgedEventIsLostAndNoneCountsTwice) {
  KillPlan plan;
  plan.rounds = Rounds("VITRINE_CRASH_ROUNDS", 20);
  plan.seed = Seed();
  std::cout << "seed " << plan.seed << ", " << plan.rounds << " rounds\n";
  const ScratchDirectory scratch;
  CommandVictim victim(
      [](const std::string& directory, const std::string& prefix, std::uint64_t seed) {
        return std::vector<std::string>{"/proc/self/exe", "--write", directory, prefix,
                                        std::to_string(seed)};
      });
  const KillResult result = RunKillRounds(plan, scratch.path(), victim, CheckDirectory);
  std::cout << result.acknowledged << " events acknowledged, " << result.early
            << " kills before the first\n";
  EXPECT_EQ(result.failures, std::vector<std::string>());
  EXPECT_EQ(result.rounds, plan.rounds);
  EXPECT_LT(result.early, plan.rounds);  // there was something to lose
}

/// The check itself must notice: an id that was never written is missed.
TEST(LogKill, ALostEventIsNoticed) {
  const ScratchDirectory scratch;
  const std::string directory = scratch.path() + "/log";
  EXPECT_NE(CheckDirectory(directory, {"never-written"}).find("never-written"), std::string::npos);
}

}  // namespace
}  // namespace vitrine::crash

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv, argv + argc);
  if (words.size() == 5 && words[1] == "--write") {
    return vitrine::crash::BeTheVictim(words[2], words[3], std::stoull(words[4]));
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
