#include "adapters/rocksdb/log_reader.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include <fmt/format.h>
#include <rocksdb/db.h>

#include "adapters/rocksdb/record_reader.h"
#include "adapters/rocksdb/store.h"

namespace vitrine::adapters {
namespace {

constexpr int kOpenAttempts = 5;

/// An own directory that is gone when this is.
class ScratchDirectory {
 public:
  static Result<std::unique_ptr<ScratchDirectory>> Make() {
    std::error_code error;
    const auto base = std::filesystem::temp_directory_path(error);
    std::string path = (error ? std::filesystem::path("/tmp") : base) / "vitrine-log-reader-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) {
      return Unavailable(
          fmt::format("cannot make a temporary directory such as {}; set TMPDIR to "
                      "a directory that can be written",
                      path));
    }
    return std::unique_ptr<ScratchDirectory>(new ScratchDirectory(std::move(path)));
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit ScratchDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace

struct RocksEventLogReader::Impl {
  std::unique_ptr<ScratchDirectory> scratch;
  std::unique_ptr<Store> store;
};

RocksEventLogReader::RocksEventLogReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RocksEventLogReader::~RocksEventLogReader() = default;

Result<std::unique_ptr<RocksEventLogReader>> RocksEventLogReader::Open(
    const std::string& directory) {
  auto impl = std::make_unique<Impl>();
  ASSIGN_OR_RETURN(impl->scratch, ScratchDirectory::Make());
  StoreSettings settings;
  settings.block_cache_bytes = std::size_t{8} << 20;
  for (int attempt = 1;; ++attempt) {
    // A file may be deleted by the writer between the reading of its name and its opening.
    auto store = Store::OpenSecondary(directory, impl->scratch->path(), settings);
    if (store.ok()) {
      impl->store = std::move(store).value();
      break;
    }
    if (store.status().code() != Code::kUnavailable || attempt == kOpenAttempts) {
      return store.status();
    }
  }
  auto reader = std::unique_ptr<RocksEventLogReader>(new RocksEventLogReader(std::move(impl)));
  RETURN_IF_ERROR(reader->TryCatchUpWithPrimary());
  ASSIGN_OR_RETURN(const std::uint64_t format, reader->impl_->store->MetaNumber("format"));
  if (format > kLogFormat) {
    return FailedPrecondition(
        fmt::format("the event log in {} has format {}, this version reads "
                    "up to {}; use the newer version that wrote it",
                    directory, format, kLogFormat));
  }
  return reader;
}

Status RocksEventLogReader::TryCatchUpWithPrimary() {
  return impl_->store->Translate(impl_->store->db().TryCatchUpWithPrimary());
}

Result<std::vector<data::LogRecord>> RocksEventLogReader::Read(std::uint64_t after,
                                                               std::size_t limit) const {
  ASSIGN_OR_RETURN(const std::uint64_t last, LastSequence());
  // A secondary does not see every range that the writer deleted.
  ASSIGN_OR_RETURN(const std::uint64_t dropped, DroppedThrough());
  return ReadRecords(*impl_->store, {}, std::max(after, dropped), last, limit);
}

Result<std::uint64_t> RocksEventLogReader::LastSequence() const {
  return impl_->store->MetaNumber("durable");
}

Result<std::uint64_t> RocksEventLogReader::DroppedThrough() const {
  return impl_->store->MetaNumber("dropped");
}

}  // namespace vitrine::adapters
