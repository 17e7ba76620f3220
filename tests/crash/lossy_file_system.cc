#include "lossy_file_system.h"

#include <rocksdb/file_system.h>
#include <rocksdb/system_clock.h>

#include <algorithm>
#include <string>
#include <utility>

namespace vitrine::crash {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus Told(LossyDisk::Outcome outcome, const std::string& path) {
  switch (outcome) {
    case LossyDisk::Outcome::kDone:
      return IOStatus::OK();
    case LossyDisk::Outcome::kPowerOff:
      return IOStatus::IOError("the power is off", path);
    case LossyDisk::Outcome::kNoSpace:
      return IOStatus::NoSpace("no space left on device", path);
    case LossyDisk::Outcome::kFailed:
      return IOStatus::IOError("no such file", path);
  }
  return IOStatus::OK();
}

class LossyFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  LossyFile(LossyDisk& disk, std::string path, std::unique_ptr<rocksdb::FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)), disk_(disk), path_(std::move(path)) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* dbg) override {
    IOStatus status = Told(disk_.BeginAppend(data.size()), path_);
    if (status.ok()) {
      status = FSWritableFileOwnerWrapper::Append(data, options, dbg);
      disk_.Appended(path_, status.ok() ? data.size() : 0);
    }
    return status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& /*info*/, IODebugContext* dbg) override {
    return Append(data, options, dbg);
  }
  IOStatus PositionedAppend(const Slice& /*data*/, std::uint64_t /*offset*/,
                            const IOOptions& /*options*/, IODebugContext* /*dbg*/) override {
    return IOStatus::NotSupported("the lossy disk only appends");
  }
  IOStatus PositionedAppend(const Slice& data, std::uint64_t offset, const IOOptions& options,
                            const rocksdb::DataVerificationInfo& /*info*/,
                            IODebugContext* dbg) override {
    return PositionedAppend(data, offset, options, dbg);
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* dbg) override {
    const IOStatus status = Told(disk_.Truncate(path_, size), path_);
    return status.ok() ? FSWritableFileOwnerWrapper::Truncate(size, options, dbg) : status;
  }
  /// Says yes when the power is gone as well: nobody is there to hear it. RocksDB with assertions ends
  /// the process where a log fails to sync while another thread waits to sync it, and then the test with it.
  IOStatus Sync(const IOOptions& /*options*/, IODebugContext* /*dbg*/) override {
    static_cast<void>(disk_.Sync(path_));
    return IOStatus::OK();
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* dbg) override {
    return Sync(options, dbg);
  }
  /// A hint to write back early; promises nothing.
  IOStatus RangeSync(std::uint64_t /*offset*/, std::uint64_t /*bytes*/,
                     const IOOptions& /*options*/, IODebugContext* /*dbg*/) override {
    return IOStatus::OK();
  }

 private:
  LossyDisk& disk_;
  std::string path_;
};

class LossyDirectory final : public rocksdb::FSDirectory {
 public:
  LossyDirectory(LossyDisk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
  IOStatus Fsync(const IOOptions& /*options*/, IODebugContext* /*dbg*/) override {
    return Told(disk_.SyncDirectory(path_), path_);
  }

 private:
  LossyDisk& disk_;
  std::string path_;
};

class LossyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit LossyFileSystem(LossyDisk& disk)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), disk_(disk) {}

  [[nodiscard]] const char* Name() const override { return "LossyFileSystem"; }

  IOStatus NewWritableFile(const std::string& path, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* result,
                           IODebugContext* dbg) override {
    if (IOStatus status = Told(disk_.Create(path), path); !status.ok()) {
      return status;
    }
    std::unique_ptr<rocksdb::FSWritableFile> file;
    IOStatus status = FileSystemWrapper::NewWritableFile(path, options, &file, dbg);
    if (status.ok()) {
      *result = std::make_unique<LossyFile>(disk_, path, std::move(file));
    }
    return status;
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions& /*options*/,
                              std::unique_ptr<rocksdb::FSWritableFile>* /*result*/,
                              IODebugContext* /*dbg*/) override {
    return IOStatus::NotSupported("the lossy disk does not reopen", path);
  }
  IOStatus ReuseWritableFile(const std::string& path, const std::string& /*old_path*/,
                             const FileOptions& /*options*/,
                             std::unique_ptr<rocksdb::FSWritableFile>* /*result*/,
                             IODebugContext* /*dbg*/) override {
    return IOStatus::NotSupported("the lossy disk does not reuse", path);
  }
  IOStatus NewRandomRWFile(const std::string& path, const FileOptions& /*options*/,
                           std::unique_ptr<rocksdb::FSRandomRWFile>* /*result*/,
                           IODebugContext* /*dbg*/) override {
    return IOStatus::NotSupported("the lossy disk only appends", path);
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions& /*options*/,
                        std::unique_ptr<rocksdb::FSDirectory>* result,
                        IODebugContext* /*dbg*/) override {
    *result = std::make_unique<LossyDirectory>(disk_, path);
    return IOStatus::OK();
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions& /*options*/,
                      IODebugContext* /*dbg*/) override {
    return Told(disk_.Rename(from, to), from);
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions& /*options*/,
                      IODebugContext* /*dbg*/) override {
    return Told(disk_.Delete(path), path);
  }
  IOStatus LinkFile(const std::string& path, const std::string& /*to*/,
                    const IOOptions& /*options*/, IODebugContext* /*dbg*/) override {
    return IOStatus::NotSupported("the lossy disk does not link", path);
  }
  IOStatus GetFreeSpace(const std::string& path, const IOOptions& options, std::uint64_t* free,
                        IODebugContext* dbg) override {
    if (const auto bytes = disk_.free_bytes()) {
      *free = *bytes;
      return IOStatus::OK();
    }
    return FileSystemWrapper::GetFreeSpace(path, options, free, dbg);
  }

 private:
  LossyDisk& disk_;
};

/// RocksDB sleeps for a second after each failed flush; a test has better things to do.
class HastyClock final : public rocksdb::SystemClockWrapper {
 public:
  HastyClock() : SystemClockWrapper(rocksdb::SystemClock::Default()) {}
  [[nodiscard]] const char* Name() const override { return "HastyClock"; }
  void SleepForMicroseconds(int micros) override {
    SystemClockWrapper::SleepForMicroseconds(std::min(micros, 500));
  }
};

class LossyEnv final : public rocksdb::EnvWrapper {
 public:
  explicit LossyEnv(LossyDisk& disk) : EnvWrapper(rocksdb::Env::Default()) {
    file_system_ = std::make_shared<LossyFileSystem>(disk);
    system_clock_ = std::make_shared<HastyClock>();
  }
  [[nodiscard]] const char* Name() const override { return "LossyEnv"; }
};

}  // namespace

std::unique_ptr<rocksdb::Env> NewLossyEnv(LossyDisk& disk) {
  return std::make_unique<LossyEnv>(disk);
}

}  // namespace vitrine::crash
