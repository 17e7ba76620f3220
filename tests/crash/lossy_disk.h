/// What a file system keeps when the power goes: only what was synced, and, of the rest, what luck
/// leaves. Works on real files, whose real sync is left out: durability is what this book says.
/// Bytes appended since the last sync may be cut off or damaged; entries of a directory (created,
/// renamed, deleted) since its last sync may be undone, newest first.
/// Independent of who writes the files, so that every store can be put on it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace vitrine::crash {

/// Threads: every method from any thread.
class LossyDisk {
 public:
  enum class Outcome : std::uint8_t { kDone, kPowerOff, kNoSpace, kFailed };

  /// `graveyard` is a directory of its own on the same file system, for what may come back.
  /// `may_damage` names the files whose unsynced bytes may come back wrong; of the others they come
  /// back right or not at all, as journaling file systems do it.
  LossyDisk(std::string graveyard, std::uint64_t seed,
            std::function<bool(const std::string&)> may_damage);

  // What the store does. kPowerOff: nothing was done, nothing will be until Restart.
  Outcome Create(const std::string& path);
  /// Room for `bytes` at the end; Appended says that they were written.
  Outcome BeginAppend(std::uint64_t bytes);
  void Appended(const std::string& path, std::uint64_t bytes);
  Outcome Truncate(const std::string& path, std::uint64_t size);
  Outcome Sync(const std::string& path);
  Outcome Rename(const std::string& from, const std::string& to);
  Outcome Delete(const std::string& path);
  Outcome SyncDirectory(const std::string& directory);

  /// The power goes before the `operations`-th of the calls above from now on.
  void PowerOffAfter(std::uint64_t operations);
  void PowerOff();
  [[nodiscard]] bool powered() const;
  /// Loses what was not synced and starts again. Nobody may hold a file open for writing.
  void Restart();

  /// Full after this many more bytes; none: never.
  void SetFreeBytes(std::optional<std::uint64_t> bytes);
  [[nodiscard]] std::optional<std::uint64_t> free_bytes() const;
  /// Directories then never come to disk (their syncs lie).
  void IgnoreDirectorySyncs() { ignore_directory_syncs_ = true; }

  /// How much was lost so far, to see that there was anything to lose.
  [[nodiscard]] std::uint64_t lost_bytes() const { return lost_bytes_; }
  [[nodiscard]] std::uint64_t undone_entries() const { return undone_entries_; }

 private:
  struct File {
    std::uint64_t written = 0;
    std::uint64_t synced = 0;
  };
  enum class Change : std::uint8_t { kCreated, kRenamed, kDeleted };
  struct Entry {
    Change change = Change::kCreated;
    std::string path;
    std::string from;   ///< of a rename
    std::string grave;  ///< where the file that was there before waits; may be empty
    File buried;
  };

  // With mutex_ held.
  bool Step();
  std::string Bury(const std::string& path, File& file);
  void Undo(const Entry& entry);
  void LoseBytes(const std::string& path, File& file);
  static std::string DirectoryOf(const std::string& path);

  mutable std::mutex mutex_;
  std::string graveyard_;
  std::mt19937_64 random_;
  std::function<bool(const std::string&)> may_damage_;
  std::map<std::string, File> files_;
  std::map<std::string, std::vector<Entry>> journal_;  // by directory, since its last sync
  std::optional<std::uint64_t> steps_left_;
  std::optional<std::uint64_t> free_bytes_;
  bool powered_ = true;
  bool ignore_directory_syncs_ = false;
  std::uint64_t graves_ = 0;
  std::uint64_t lost_bytes_ = 0;
  std::uint64_t undone_entries_ = 0;
};

}  // namespace vitrine::crash
