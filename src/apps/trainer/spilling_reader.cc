#include "apps/trainer/spilling_reader.h"

#include <filesystem>
#include <system_error>

namespace vitrine::apps {

duckdb::DatabaseOptions SpillingTo(const std::string& folder, std::uint64_t memory_limit_mb) {
  return {.memory_limit_mb = memory_limit_mb > 0 ? memory_limit_mb / 2 : 1024,
          .threads = 0,
          .temporary_directory = folder};
}

SpillingReader::SpillingReader(const std::string& out, std::uint64_t memory_limit_mb)
    : spill_(out + ".spill"),
      reader_(SpillingTo(spill_, memory_limit_mb)),
      shown_(SpillingTo(spill_, memory_limit_mb)) {}

SpillingReader::~SpillingReader() {
  std::error_code ignored;
  std::filesystem::remove_all(spill_, ignored);
}

}  // namespace vitrine::apps
