#include "adapters/rocksdb/rocks_event_log.h"
#include "event_log_contract.h"

namespace vitrine::contract {
namespace {
INSTANTIATE_TEST_SUITE_P(
    RocksDb, EventLogContract,
    testing::Values([](const std::string& directory) -> std::unique_ptr<data::EventLog> {
      auto log = adapters::RocksEventLog::Open(directory);
      EXPECT_TRUE(log.ok()) << log.status().ToString();
      return log.ok() ? std::move(log).value() : nullptr;
    }));
}  // namespace
}  // namespace vitrine::contract
