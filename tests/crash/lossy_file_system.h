/// RocksDB on a LossyDisk.
#pragma once

#include <memory>

#include <rocksdb/env.h>

#include "lossy_disk.h"

namespace vitrine::crash {

/// An Env whose files live on `disk`, which must outlive it.
std::unique_ptr<rocksdb::Env> NewLossyEnv(LossyDisk& disk);

}  // namespace vitrine::crash
