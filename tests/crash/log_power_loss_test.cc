// The power goes while events are appended; the file system keeps only what was synced.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "adapters/rocksdb/rocks_event_log.h"
#include "core/guarded.h"
#include "crash_settings.h"
#include "log_check.h"
#include "lossy_disk.h"
#include "lossy_file_system.h"
#include "shop_events.h"

namespace vitrine::crash {
namespace {

using adapters::RocksEventLog;
using adapters::RocksEventLogOptions;

struct Plan {
  int rounds = 0;
  std::uint64_t seed = 0;
  bool sync = true;
  bool directory_syncs = true;
};

struct Result {
  std::vector<std::string> acknowledged;
  std::vector<std::string> failures;  ///< what was wrong after a round
  std::uint64_t lost = 0;             ///< acknowledged events that were gone
  std::uint64_t lost_bytes = 0;
  std::uint64_t undone_entries = 0;
};

/// RocksDB promises to live with a damaged tail of these; of its other files with a short one.
bool IsWriteAheadLog(const std::string& path) { return path.ends_with(".log"); }

/// One shop's directory over many losses of power.
class Shop {
 public:
  explicit Shop(const Plan& plan)
      : plan_(plan),
        random_(plan.seed),
        disk_(scratch_.path() + "/graveyard", plan.seed, IsWriteAheadLog) {
    if (!plan.directory_syncs) {
      disk_.IgnoreDirectorySyncs();
    }
    env_ = NewLossyEnv(disk_);
  }

  Result Run() {
    for (int round = 0; round < plan_.rounds; ++round) {
      Crash(round);
      disk_.Restart();
      auto log = Open();
      if (!log.ok()) {
        result_.failures.push_back("round " + std::to_string(round) + ": " +
                                   log.status().ToString());
        break;
      }
      const LogFindings findings = CheckLog(**log, result_.acknowledged);
      result_.lost += findings.lost.size();
      if (!findings.whole()) {
        result_.failures.push_back("round " + std::to_string(round) + ": " + findings.Text());
        break;
      }
      // The check itself opened the log: what opening wrote may be lost as well.
      disk_.PowerOff();
      log->reset();
      disk_.Restart();
    }
    result_.lost_bytes = disk_.lost_bytes();
    result_.undone_entries = disk_.undone_entries();
    return result_;
  }

 private:
  ::vitrine::Result<std::unique_ptr<RocksEventLog>> Open() {
    RocksEventLogOptions options;
    options.env = env_.get();
    options.sync = plan_.sync;
    options.write_buffer_bytes = std::size_t{256} << 10;  // many flushes and compactions
    return RocksEventLog::Open(scratch_.path() + "/log", options);
  }

  void Crash(int round) {
    disk_.PowerOffAfter(5 + random_() % (round % 5 == 0 ? 60 : 1500));
    auto log = Open();
    if (!log.ok()) {
      EXPECT_FALSE(disk_.powered()) << log.status().ToString();
      return;
    }
    Guarded<std::vector<std::string>> acknowledged;
    {
      std::vector<std::jthread> writers;
      for (int writer = 0; writer < 3; ++writer) {
        writers.emplace_back([&, writer, seed = random_()] {
          Write(**log, "r" + std::to_string(round) + "w" + std::to_string(writer), seed,
                acknowledged);
        });
      }
    }
    acknowledged.With([this](const std::vector<std::string>& ids) {
      result_.acknowledged.insert(result_.acknowledged.end(), ids.begin(), ids.end());
    });
  }

  /// Appends until the power is gone.
  void Write(RocksEventLog& log, const std::string& prefix, std::uint64_t seed,
             Guarded<std::vector<std::string>>& acknowledged) {
    ShopEvents shop(prefix, seed);
    for (int call = 0; disk_.powered(); ++call) {
      const std::vector<Event> rows = shop.Next(1 + shop.Below(12));
      const auto verdicts = log.AppendEvents(rows, After(std::chrono::seconds(60)));
      if (verdicts.ok() && disk_.powered()) {  // else the answer never left the machine
        acknowledged.With([&rows](std::vector<std::string>& ids) {
          for (const Event& row : rows) {
            ids.push_back(row.event_id);
          }
        });
      }
      Impression impression;
      impression.request_id = prefix + "q" + std::to_string(call);
      impression.subject = rows.front().subject();
      static_cast<void>(log.AppendImpression(impression).ok());
    }
  }

  Plan plan_;
  std::mt19937_64 random_;
  ScratchDirectory scratch_;
  LossyDisk disk_;
  std::unique_ptr<rocksdb::Env> env_;
  Result result_;
};

TEST(LogPowerLoss, NoAcknowledgedEventIsLostAndNoneCountsTwice) {
  constexpr int kRoundsPerShop = 10;  // every round reads the whole log: keep it small
  const int rounds = Rounds("VITRINE_POWER_LOSS_ROUNDS", 50);
  const std::uint64_t seed = Seed();
  std::cout << "seed " << seed << ", " << rounds << " rounds\n";
  std::size_t acknowledged = 0;
  std::uint64_t lost_bytes = 0;
  std::uint64_t undone_entries = 0;
  for (int done = 0; done < rounds; done += kRoundsPerShop) {
    const Plan plan{std::min(kRoundsPerShop, rounds - done), seed + static_cast<unsigned>(done)};
    const Result result = Shop(plan).Run();
    ASSERT_EQ(result.failures, std::vector<std::string>()) << "after round " << done;
    acknowledged += result.acknowledged.size();
    lost_bytes += result.lost_bytes;
    undone_entries += result.undone_entries;
  }
  std::cout << acknowledged << " events acknowledged, " << lost_bytes << " unsynced bytes lost, "
            << undone_entries << " directory entries undone\n";
  // There was something to lose, or the test proves nothing.
  EXPECT_GT(acknowledged, 100U);
  EXPECT_GT(lost_bytes, 0U);
  EXPECT_GT(undone_entries, 0U);
}

TEST(LogPowerLoss, WithoutSyncAcknowledgedEventsAreLost) {
  Plan plan{20, 7};
  plan.sync = false;
  EXPECT_GT(Shop(plan).Run().lost, 0U);
}

TEST(LogPowerLoss, WithoutDirectorySyncTheLogDoesNotSurvive) {
  Plan plan{20, 7};
  plan.directory_syncs = false;
  EXPECT_FALSE(Shop(plan).Run().failures.empty());
}

}  // namespace
}  // namespace vitrine::crash
