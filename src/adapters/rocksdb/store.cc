#include "adapters/rocksdb/store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/file_system.h>
#include <rocksdb/options.h>

#include "adapters/rocksdb/record_codec.h"
#include "adapters/rocksdb/store_options.h"
#include "core/sha256.h"

namespace vitrine::adapters {
namespace {

constexpr std::string_view kFormatName = "format";

/// "process 4711 (vitrine)": who holds the lock file, as the kernel knows it.
std::string LockHolder(const std::string& directory) {
  const std::string path = directory + "/LOCK";
  const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) {
    return "another process";
  }
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const bool known = ::fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid > 0;
  ::close(file);
  if (!known) {
    return "another process";
  }
  std::string name;
  std::getline(std::ifstream(fmt::format("/proc/{}/comm", lock.l_pid)), name);
  return name.empty() ? fmt::format("process {}", lock.l_pid)
                      : fmt::format("process {} ({})", lock.l_pid, name);
}

Status MakeDirectory(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (!error) {
    return Status::Ok();
  }
  if (error == std::errc::no_space_on_device) {
    return ResourceExhausted(fmt::format("no space left for the event log in {}", directory));
  }
  return PermissionDenied(
      fmt::format("cannot make the event log's directory {}: {}", directory, error.message()));
}

/// Families that this version does not know were made by a newer one.
Status CheckFamilies(const std::string& directory, const std::vector<std::string>& present) {
  for (const std::string& name : present) {
    const auto& known = FamilyNames();
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return FailedPrecondition(
          fmt::format("the event log in {} holds '{}', which this version does not know; it was "
                      "written by a newer version: use that one",
                      directory, name));
    }
  }
  return Status::Ok();
}

}  // namespace

bool Retention::Expired(Micros received, Micros now) const {
  return impressions.count() > 0 &&
         received.value < now.value - impressions.count() * kMicrosPerSecond;
}

Store::Store(std::string directory, const StoreSettings& settings)
    : directory_(std::move(directory)),
      settings_(settings),
      retention_(std::make_shared<Retention>()),
      health_(std::make_shared<Health>()) {
  retention_->impressions = settings.impression_retention;
}

Store::~Store() { Close(); }

void Store::Close() {
  if (db_ == nullptr) {
    return;
  }
  for (rocksdb::ColumnFamilyHandle*& handle : families_) {
    if (handle != nullptr) {
      db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
      handle = nullptr;
    }
  }
  db_->Close().PermitUncheckedError();
  db_.reset();
}

Result<std::unique_ptr<Store>> Store::Open(const std::string& directory,
                                           const StoreSettings& settings) {
  RETURN_IF_ERROR(MakeDirectory(directory));
  std::unique_ptr<Store> store(new Store(directory, settings));
  std::vector<std::string> present;
  const bool exists =
      rocksdb::DB::ListColumnFamilies(WriterOptions(settings, store->health_), directory, &present)
          .ok();
  if (exists) {
    RETURN_IF_ERROR(CheckFamilies(directory, present));
  }
  RETURN_IF_ERROR(store->OpenForWriting());
  return store;
}

Status Store::OpenForWriting() {
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened =
      rocksdb::DB::Open(WriterOptions(settings_, health_), directory_,
                        FamilyDescriptors(settings_, retention_), &handles, &db);
  if (!opened.ok()) {
    return Translate(opened);
  }
  db_.reset(db);
  std::copy(handles.begin(), handles.end(), families_.begin());
  RETURN_IF_ERROR(CheckFormat());
  ASSIGN_OR_RETURN(const std::uint64_t dropped, MetaNumber("dropped"));
  retention_->dropped = dropped;
  return Status::Ok();
}

Result<std::unique_ptr<Store>> Store::OpenSecondary(const std::string& directory,
                                                    const std::string& scratch,
                                                    const StoreSettings& settings) {
  std::unique_ptr<Store> store(new Store(directory, settings));
  const rocksdb::DBOptions options = SecondaryOptions(settings);
  std::vector<std::string> present;
  if (!rocksdb::DB::ListColumnFamilies(options, directory, &present).ok()) {
    return NotFound(
        fmt::format("there is no event log in {}; start the server with this data "
                    "directory once, or name another one",
                    directory));
  }
  RETURN_IF_ERROR(CheckFamilies(directory, present));
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened = rocksdb::DB::OpenAsSecondary(
      options, directory, scratch, FamilyDescriptors(settings, nullptr), &handles, &db);
  if (!opened.ok()) {
    return store->Translate(opened);
  }
  store->db_.reset(db);
  std::copy(handles.begin(), handles.end(), store->families_.begin());
  return store;
}

Status Store::CheckFormat() {
  ASSIGN_OR_RETURN(const std::uint64_t format, MetaNumber(kFormatName));
  if (format > kLogFormat) {
    return FailedPrecondition(
        fmt::format("the event log in {} has format {}, this version reads up to {}; use the newer "
                    "version that wrote it",
                    directory_, format, kLogFormat));
  }
  if (format == 0) {
    rocksdb::WriteOptions durable;
    durable.sync = true;
    return Translate(
        db_->Put(durable, family(Family::kMeta), SliceOf(kFormatName), SequenceKey(kLogFormat)));
  }
  return Status::Ok();
}

Result<std::optional<std::string>> Store::Get(Family f, std::string_view key) const {
  if (!open()) {
    return Unavailable(fmt::format("the event log in {} is closed after a failure", directory_));
  }
  std::string value;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), family(f), SliceOf(key), &value);
  if (status.IsNotFound()) {
    return std::optional<std::string>();
  }
  if (!status.ok()) {
    return Translate(status);
  }
  return std::optional<std::string>(std::move(value));
}

Result<std::uint64_t> Store::MetaNumber(std::string_view name) const {
  ASSIGN_OR_RETURN(const auto bytes, Get(Family::kMeta, name));
  return bytes ? SequenceOfKey(*bytes) : Result<std::uint64_t>(std::uint64_t{0});
}

std::unique_ptr<rocksdb::Iterator> Store::NewIterator(Family f) const {
  if (!open()) {
    return std::unique_ptr<rocksdb::Iterator>(
        rocksdb::NewErrorIterator(rocksdb::Status::IOError("closed after a failure")));
  }
  return std::unique_ptr<rocksdb::Iterator>(db_->NewIterator(rocksdb::ReadOptions(), family(f)));
}

void Store::DropFilesThrough(std::uint64_t sequence) {
  const std::shared_lock lock(gate_);
  if (!open()) {
    return;
  }
  std::uint64_t before = retention_->dropped;
  while (before < sequence && !retention_->dropped.compare_exchange_weak(before, sequence)) {
  }
  const std::string last = SequenceKey(sequence);
  const rocksdb::Slice end = SliceOf(last);
  // Only whole files go at once; the rest goes with the next compaction. A failure loses nothing.
  rocksdb::DeleteFilesInRange(db_.get(), family(Family::kLog), nullptr, &end)
      .PermitUncheckedError();
}

Status Store::Reopen() {
  std::uint64_t free = 0;
  rocksdb::Env* env = settings_.env == nullptr ? rocksdb::Env::Default() : settings_.env;
  const rocksdb::IOStatus asked =
      env->GetFileSystem()->GetFreeSpace(directory_, rocksdb::IOOptions(), &free, nullptr);
  if (asked.ok() && free < settings_.write_buffer_bytes) {
    return Translate(rocksdb::Status::NoSpace());
  }
  const std::unique_lock lock(gate_);
  Close();
  health_->failed = false;
  return OpenForWriting();
}

Status Store::Translate(const rocksdb::Status& status) const {
  if (status.ok()) {
    return Status::Ok();
  }
  const std::string text = status.ToString();
  // A write that came while another met the full disk is told "incomplete", with the cause as its text alone.
  if (status.IsNoSpace() || status.subcode() == rocksdb::Status::kNoSpace ||
      text.find("No space left on device") != std::string::npos) {
    return ResourceExhausted(
        fmt::format("no space left for the event log in {}: free some on that disk; what was "
                    "acknowledged is safe, and writing goes on once there is space, at the latest "
                    "after a restart ({})",
                    directory_, text));
  }
  if (status.IsIOError() && text.find("current process") != std::string::npos) {
    return FailedPrecondition(
        fmt::format("the event log in {} is already open in this process", directory_));
  }
  if (status.IsIOError() && text.find("lock file") != std::string::npos) {
    return FailedPrecondition(
        fmt::format("the event log in {} is in use by {}; stop it, or name "
                    "another data directory",
                    directory_, LockHolder(directory_)));
  }
  if (status.IsCorruption()) {
    return DataLoss(fmt::format("the event log in {} is damaged: {}; restore it from a backup",
                                directory_, text));
  }
  if (status.IsPathNotFound() || status.IsNotFound()) {
    return NotFound(fmt::format("the event log in {}: {}", directory_, text));
  }
  return Unavailable(
      fmt::format("the event log in {} cannot be read or written: {}", directory_, text));
}

rocksdb::Slice SliceOf(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view ViewOf(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

std::string DedupeKey(std::string_view event_id) {
  const std::string hex = Sha256Hex(event_id);
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string key;
  for (std::size_t i = 0; i < 32; i += 2) {
    key.push_back(static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1])));
  }
  return key;
}

std::string StateKey(std::string_view subject) { return std::string("s").append(subject); }
std::string AliasKey(std::string_view anonymous_id) {
  return std::string("a").append(anonymous_id);
}
std::string_view SubjectOfStateKey(std::string_view key) { return key.substr(1); }

}  // namespace vitrine::adapters
