#include "adapters/rocksdb/store_options.h"

#include <algorithm>
#include <utility>

#include <rocksdb/cache.h>
#include <rocksdb/compaction_filter.h>
#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>

#include "adapters/rocksdb/impression_codec.h"
#include "adapters/rocksdb/subject_index.h"

namespace vitrine::adapters {
namespace {

/// Throws away impressions whose time is up.
class ImpressionFilter final : public rocksdb::CompactionFilter {
 public:
  explicit ImpressionFilter(std::shared_ptr<Retention> retention)
      : retention_(std::move(retention)) {}
  [[nodiscard]] const char* Name() const override { return "vitrine.impressions"; }
  [[nodiscard]] bool Filter(int /*level*/, const rocksdb::Slice& /*key*/,
                            const rocksdb::Slice& value, std::string* /*new_value*/,
                            bool* /*value_changed*/) const override {
    const auto received = ImpressionReceived(ViewOf(value));
    return received.ok() && retention_->Expired(*received, Now());
  }

 private:
  std::shared_ptr<Retention> retention_;
};

/// Throws away index entries of log records that were dropped.
class SubjectFilter final : public rocksdb::CompactionFilter {
 public:
  explicit SubjectFilter(std::shared_ptr<Retention> retention) : retention_(std::move(retention)) {}
  [[nodiscard]] const char* Name() const override { return "vitrine.subjects"; }
  [[nodiscard]] bool Filter(int /*level*/, const rocksdb::Slice& key, const rocksdb::Slice& value,
                            std::string* /*new_value*/, bool* /*value_changed*/) const override {
    const auto entry = ParseSubjectEntry(ViewOf(key), ViewOf(value));
    if (!entry.ok()) {
      return false;
    }
    // An impression outlives its place in the log, and erasure must find it until it expires.
    return entry->request_id.empty() ? entry->sequence <= retention_->dropped
                                     : retention_->Expired(entry->received, Now());
  }

 private:
  std::shared_ptr<Retention> retention_;
};

/// Makes a filter for every compaction; owned by RocksDB's options, so it lives as long as they do.
template <typename Filter>
class FilterFactory final : public rocksdb::CompactionFilterFactory {
 public:
  explicit FilterFactory(std::shared_ptr<Retention> retention) : retention_(std::move(retention)) {}
  [[nodiscard]] const char* Name() const override { return "vitrine.retention"; }
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context& /*context*/) override {
    return std::make_unique<Filter>(retention_);
  }

 private:
  std::shared_ptr<Retention> retention_;
};

/// Leaves recovery to the one who writes (Store::Reopen): RocksDB's own thread does not come back
/// from every failure and must not run beside it.
class FailureListener final : public rocksdb::EventListener {
 public:
  explicit FailureListener(std::shared_ptr<Health> health) : health_(std::move(health)) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/,
                         rocksdb::Status* error) override {
    health_->failed = health_->failed || !error->ok();
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status /*error*/,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }

 private:
  std::shared_ptr<Health> health_;
};

rocksdb::CompressionType Fastest() {
  const auto supported = rocksdb::GetSupportedCompressions();
  for (const auto wanted : {rocksdb::kLZ4Compression, rocksdb::kSnappyCompression}) {
    if (std::find(supported.begin(), supported.end(), wanted) != supported.end()) {
      return wanted;
    }
  }
  return rocksdb::kNoCompression;
}

rocksdb::DBOptions SharedOptions(const StoreSettings& settings) {
  rocksdb::DBOptions options;
  if (settings.env != nullptr) {
    options.env = settings.env;
  }
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.max_log_file_size = std::size_t{4} << 20;
  options.keep_log_file_num = 3;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

}  // namespace

const std::array<std::string, kFamilies>& FamilyNames() {
  static const std::array<std::string, kFamilies> kNames = {
      "default", "log", "dedupe", "state", "subjects", "items", "users", "impressions", "numbers"};
  return kNames;
}

std::vector<rocksdb::ColumnFamilyDescriptor> FamilyDescriptors(
    const StoreSettings& settings, const std::shared_ptr<Retention>& retention) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(settings.block_cache_bytes);
  // Index and filters inside the cache: memory stays bounded however large the log grows.
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10, false));
  table.format_version = 5;
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (std::size_t i = 0; i < kFamilies; ++i) {
    rocksdb::ColumnFamilyOptions options;
    options.write_buffer_size = std::max<std::size_t>(settings.write_buffer_bytes / 6, 1U << 16);
    options.arena_block_size = std::size_t{64} << 10;
    options.compression = Fastest();
    options.level_compaction_dynamic_level_bytes = true;
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    const auto family = static_cast<Family>(i);
    if (retention != nullptr && family == Family::kImpressions) {
      options.compaction_filter_factory =
          std::make_shared<FilterFactory<ImpressionFilter>>(retention);
    }
    if (retention != nullptr && family == Family::kSubjects) {
      options.compaction_filter_factory = std::make_shared<FilterFactory<SubjectFilter>>(retention);
    }
    families.emplace_back(FamilyNames().at(i), options);
  }
  return families;
}

rocksdb::DBOptions WriterOptions(const StoreSettings& settings,
                                 const std::shared_ptr<Health>& health) {
  rocksdb::DBOptions options = SharedOptions(settings);
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.max_background_jobs = 2;
  options.max_open_files = 256;
  options.db_write_buffer_size = settings.write_buffer_bytes;
  options.max_total_wal_size = 2 * settings.write_buffer_bytes;
  options.bytes_per_sync = std::uint64_t{1} << 20;
  // What lies behind the first damaged record was never acknowledged: every acknowledged one was
  // synced, and damage can only be in what was not.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.avoid_unnecessary_blocking_io = true;
  options.listeners.push_back(std::make_shared<FailureListener>(health));
  return options;
}

rocksdb::DBOptions SecondaryOptions(const StoreSettings& settings) {
  rocksdb::DBOptions options = SharedOptions(settings);
  options.max_open_files = -1;  // files that the writer deletes stay readable while they are open
  return options;
}

}  // namespace vitrine::adapters
