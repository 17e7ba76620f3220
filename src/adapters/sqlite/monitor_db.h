/// data/monitor.db: the history of monitoring, hour by hour. A file of its own, so that what monitoring writes never
/// waits for the registry, and can be thrown away. One connection, one lock.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "adapters/sqlite/database.h"
#include "monitor/windows/window_store.h"

namespace vitrine::sqlite {

class MonitorDb final : public monitor::WindowStore {
 public:
  /// Opens or makes the file.
  /// Errors: those of Database::Open; kFailedPrecondition (written by a newer Vitrine).
  static Result<std::unique_ptr<MonitorDb>> Open(const std::string& path,
                                                 const char* vfs = nullptr);

  Status Put(std::span<const monitor::WindowRow> rows) override;
  Result<std::vector<monitor::WindowRow>> Read(const monitor::WindowRange& range,
                                               std::size_t limit) const override;
  Status Trim(std::int64_t hour) override;
  Status BackUp(const std::string& path) const;

 private:
  explicit MonitorDb(Database db) : db_(std::move(db)) {}
  Status Migrate();

  mutable std::mutex mutex_;
  Database db_;
};

}  // namespace vitrine::sqlite
