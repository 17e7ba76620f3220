#include "lossy_disk.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

namespace vitrine::crash {
namespace fs = std::filesystem;

LossyDisk::LossyDisk(std::string graveyard, std::uint64_t seed,
                     std::function<bool(const std::string&)> may_damage)
    : graveyard_(std::move(graveyard)), random_(seed), may_damage_(std::move(may_damage)) {
  fs::create_directories(graveyard_);
}

std::string LossyDisk::DirectoryOf(const std::string& path) {
  return fs::path(path).parent_path().lexically_normal().string();
}

bool LossyDisk::Step() {
  if (powered_ && steps_left_ && (*steps_left_)-- == 0) {
    powered_ = false;
  }
  return powered_;
}

std::string LossyDisk::Bury(const std::string& path, File& file) {
  std::error_code error;
  if (!fs::exists(path, error)) {
    return "";
  }
  std::string grave = graveyard_ + "/" + std::to_string(graves_++);
  fs::rename(path, grave);
  const auto known = files_.find(path);
  const std::uint64_t size = fs::file_size(grave);
  file = known == files_.end() ? File{size, size} : known->second;
  files_.erase(path);
  return grave;
}

LossyDisk::Outcome LossyDisk::Create(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  if (!Step()) {
    return Outcome::kPowerOff;
  }
  if (free_bytes_ == 0U) {
    return Outcome::kNoSpace;
  }
  Entry entry{Change::kCreated, path, "", "", {}};
  entry.grave = Bury(path, entry.buried);
  journal_[DirectoryOf(path)].push_back(std::move(entry));
  files_[path] = {};
  return Outcome::kDone;
}

LossyDisk::Outcome LossyDisk::BeginAppend(std::uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  if (!Step()) {
    return Outcome::kPowerOff;
  }
  if (free_bytes_) {
    if (*free_bytes_ < bytes) {
      free_bytes_ = 0;
      return Outcome::kNoSpace;
    }
    *free_bytes_ -= bytes;
  }
  return Outcome::kDone;
}

void LossyDisk::Appended(const std::string& path, std::uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  files_[path].written += bytes;
}

LossyDisk::Outcome LossyDisk::Truncate(const std::string& path, std::uint64_t size) {
  const std::scoped_lock lock(mutex_);
  if (!Step()) {
    return Outcome::kPowerOff;
  }
  File& file = files_[path];
  file.written = size;
  file.synced = std::min(file.synced, size);
  return Outcome::kDone;
}

LossyDisk::Outcome LossyDisk::Sync(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  if (!Step()) {
    return Outcome::kPowerOff;
  }
  File& file = files_[path];
  file.synced = file.written;
  return Outcome::kDone;
}

LossyDisk::Outcome LossyDisk::Rename(const std::string& from, const std::string& to) {
  const std::scoped_lock lock(mutex_);
  if (!Step()) {
    return Outcome::kPowerOff;
  }
  Entry entry{Change::kRenamed, to, from, "", {}};
  entry.grave = Bury(to, entry.buried);
  std::error_code error;
  fs::rename(from, to, error);
  if (error) {
    return Outcome::kFailed;
  }
  if (const auto known = files_.find(from); known != files_.end()) {
    files_[to] = known->second;
    files_.erase(from);
  }
  journal_[DirectoryOf(to)].push_back(std::move(entry));
  return Outcome::kDone;
}

LossyDisk::Outcome LossyDisk::Delete(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  if (!Step()) {
    return Outcome::kPowerOff;
  }
  Entry entry{Change::kDeleted, path, "", "", {}};
  entry.grave = Bury(path, entry.buried);
  if (entry.grave.empty()) {
    return Outcome::kFailed;
  }
  journal_[DirectoryOf(path)].push_back(std::move(entry));
  return Outcome::kDone;
}

LossyDisk::Outcome LossyDisk::SyncDirectory(const std::string& directory) {
  const std::scoped_lock lock(mutex_);
  if (!Step()) {
    return Outcome::kPowerOff;
  }
  if (!ignore_directory_syncs_) {
    std::vector<Entry>& entries =
        journal_[fs::path(directory + "/").parent_path().lexically_normal()];
    for (const Entry& entry : entries) {
      std::error_code ignored;
      fs::remove(entry.grave, ignored);
    }
    entries.clear();
  }
  return Outcome::kDone;
}

void LossyDisk::PowerOffAfter(std::uint64_t operations) {
  const std::scoped_lock lock(mutex_);
  steps_left_ = operations;
}

void LossyDisk::PowerOff() {
  const std::scoped_lock lock(mutex_);
  powered_ = false;
}

bool LossyDisk::powered() const {
  const std::scoped_lock lock(mutex_);
  return powered_;
}

void LossyDisk::Undo(const Entry& entry) {
  ++undone_entries_;
  std::error_code ignored;
  if (entry.change == Change::kCreated) {
    fs::remove(entry.path, ignored);
    files_.erase(entry.path);
  } else if (entry.change == Change::kRenamed) {
    fs::rename(entry.path, entry.from, ignored);
    files_[entry.from] = files_[entry.path];
    files_.erase(entry.path);
  }
  if (!entry.grave.empty()) {
    fs::rename(entry.grave, entry.path, ignored);
    files_[entry.path] = entry.buried;
  }
}

void LossyDisk::LoseBytes(const std::string& path, File& file) {
  std::error_code error;
  if (file.written <= file.synced || !fs::exists(path, error)) {
    return;
  }
  const std::uint64_t unsynced = file.written - file.synced;
  std::uint64_t kept = 0;
  switch (random_() % 4) {
    case 0:
      break;  // nothing came to disk
    case 1:
      kept = unsynced;  // all of it did
      break;
    default:
      kept = random_() % (unsynced + 1);
  }
  fs::resize_file(path, file.synced + kept);
  lost_bytes_ += unsynced - kept;
  if (kept > 0 && may_damage_(path) && random_() % 3 == 0) {  // of the kept bytes some came wrong
    std::fstream damaged(path, std::ios::in | std::ios::out | std::ios::binary);
    damaged.seekp(static_cast<std::streamoff>(file.synced + random_() % kept));
    damaged.put(static_cast<char>(random_()));
  }
  file.written = file.synced = file.synced + kept;
}

void LossyDisk::Restart() {
  const std::scoped_lock lock(mutex_);
  for (auto& [directory, entries] : journal_) {
    // Entries come to disk in order: what is undone is the end of the list.
    std::uint64_t undone = 0;
    switch (random_() % 3) {
      case 0:
        undone = entries.size();
        break;
      case 1:
        undone = random_() % (entries.size() + 1);
        break;
      default:
        break;
    }
    for (; undone > 0; --undone) {
      Undo(entries.back());
      entries.pop_back();
    }
    for (const Entry& entry : entries) {
      std::error_code ignored;
      fs::remove(entry.grave, ignored);
    }
    entries.clear();
  }
  for (auto& [path, file] : files_) {
    LoseBytes(path, file);
  }
  steps_left_.reset();
  powered_ = true;
}

void LossyDisk::SetFreeBytes(std::optional<std::uint64_t> bytes) {
  const std::scoped_lock lock(mutex_);
  free_bytes_ = bytes;
}

std::optional<std::uint64_t> LossyDisk::free_bytes() const {
  const std::scoped_lock lock(mutex_);
  return free_bytes_;
}

}  // namespace vitrine::crash
