/// RocksDB's settings for the event log. Only for .cc files of this folder: it needs RocksDB.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/options.h>

#include "adapters/rocksdb/store.h"

namespace vitrine::adapters {

/// In the order of Family.
const std::array<std::string, kFamilies>& FamilyNames();
/// `retention` null: nothing is thrown away by compaction (readers do not compact).
std::vector<rocksdb::ColumnFamilyDescriptor> FamilyDescriptors(
    const StoreSettings& settings, const std::shared_ptr<Retention>& retention);
/// `health` learns of failures in the background.
rocksdb::DBOptions WriterOptions(const StoreSettings& settings,
                                 const std::shared_ptr<Health>& health);
rocksdb::DBOptions SecondaryOptions(const StoreSettings& settings);

}  // namespace vitrine::adapters
