// The disk fills up while events are appended, and is emptied again.

#include <gtest/gtest.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "adapters/rocksdb/rocks_event_log.h"
#include "crash_settings.h"
#include "log_check.h"
#include "lossy_disk.h"
#include "lossy_file_system.h"
#include "shop_events.h"

namespace vitrine::crash {
namespace {

using adapters::RocksEventLog;
using adapters::RocksEventLogOptions;

class FullDisk : public testing::Test {
 protected:
  FullDisk()
      : disk_(scratch_.path() + "/graveyard", 1, [](const std::string&) { return false; }),
        env_(NewLossyEnv(disk_)) {
    Open();
  }

  void Open() {
    log_.reset();
    RocksEventLogOptions options;
    options.env = env_.get();
    options.write_buffer_bytes = kBuffers;
    auto log = RocksEventLog::Open(scratch_.path() + "/log", options);
    ASSERT_TRUE(log.ok()) << log.status().ToString();
    log_ = std::move(log).value();
  }

  /// Appends rows until one call fails; gives the failure.
  Status AppendUntilItFails(ShopEvents& shop) {
    while (true) {
      const std::vector<Event> rows = shop.Next(20);
      const auto verdicts = log_->AppendEvents(rows, After(std::chrono::seconds(60)));
      if (!verdicts.ok()) {
        refused_ = rows;
        return verdicts.status();
      }
      for (const Event& row : rows) {
        acknowledged_.push_back(row.event_id);
      }
    }
  }

  static constexpr std::size_t kBuffers = std::size_t{256} << 10;
  ScratchDirectory scratch_;
  LossyDisk disk_;
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<RocksEventLog> log_;
  std::vector<std::string> acknowledged_;
  std::vector<Event> refused_;
};

TEST_F(FullDisk, IsNamedAndGoesOnWhenThereIsSpaceAgain) {
  for (int round = 0; round < 8; ++round) {
    SCOPED_TRACE(testing::Message() << "round " << round);
    ShopEvents shop("r" + std::to_string(round), static_cast<std::uint64_t>(round));
    disk_.SetFreeBytes(20'000 + 90'000 * static_cast<std::uint64_t>(round));
    const Status full = AppendUntilItFails(shop);
    ASSERT_EQ(full.code(), Code::kResourceExhausted) << full.ToString();
    EXPECT_NE(full.message().find(scratch_.path() + "/log"), std::string::npos) << full.message();

    // What was acknowledged stays readable, and the log keeps refusing rather than losing.
    ASSERT_TRUE(CheckLog(*log_, acknowledged_).whole()) << CheckLog(*log_, acknowledged_).Text();
    const Status still = log_->AppendEvents(refused_, After(std::chrono::seconds(60))).status();
    ASSERT_EQ(still.code(), Code::kResourceExhausted) << still.ToString();

    disk_.SetFreeBytes(std::nullopt);
    const Deadline deadline = After(std::chrono::seconds(60));
    Status refusal = full;
    while (!refusal.ok() && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      refusal = log_->AppendEvents(refused_, After(std::chrono::seconds(60))).status();
    }
    ASSERT_TRUE(refusal.ok()) << refusal.ToString();
    for (const Event& row : refused_) {
      acknowledged_.push_back(row.event_id);
    }
    if (round % 2 == 1) {
      Open();  // and after a restart as well
    }
    const LogFindings findings = CheckLog(*log_, acknowledged_);
    ASSERT_TRUE(findings.whole()) << findings.Text();
  }
}

TEST_F(FullDisk, AStartWithoutSpaceSaysSo) {
  ShopEvents shop("s", 1);
  disk_.SetFreeBytes(50'000);
  ASSERT_EQ(AppendUntilItFails(shop).code(), Code::kResourceExhausted);
  log_.reset();
  disk_.SetFreeBytes(0);
  RocksEventLogOptions options;
  options.env = env_.get();
  const auto refused = RocksEventLog::Open(scratch_.path() + "/log", options);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().code(), Code::kResourceExhausted) << refused.status().ToString();
  disk_.SetFreeBytes(std::nullopt);
  Open();
  const LogFindings findings = CheckLog(*log_, acknowledged_);
  EXPECT_TRUE(findings.whole()) << findings.Text();
}

}  // namespace
}  // namespace vitrine::crash
