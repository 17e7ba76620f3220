#include "adapters/memory/memory_event_log.h"
#include "event_log_contract.h"

namespace vitrine::contract {
namespace {
INSTANTIATE_TEST_SUITE_P(Memory, EventLogContract,
                         testing::Values([](const std::string& /*directory*/) {
                           return std::make_unique<adapters::MemoryEventLog>();
                         }));
}  // namespace
}  // namespace vitrine::contract
