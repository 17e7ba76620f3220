/// A file system under SQLite that forgets, at a power loss, what was not synced; and that dies at a
/// chosen operation. Files live in memory.
/// Threads: one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace vitrine::crash {

class LossySqliteVfs {
 public:
  /// Registered with SQLite under name() for as long as it lives.
  explicit LossySqliteVfs(std::uint64_t seed);
  ~LossySqliteVfs();
  LossySqliteVfs(const LossySqliteVfs&) = delete;
  LossySqliteVfs& operator=(const LossySqliteVfs&) = delete;

  [[nodiscard]] const char* name() const { return "vitrine-lossy"; }
  /// The operation (write, sync, truncate, delete) after which everything fails; -1: never.
  void DieAfter(std::int64_t operations) { left_ = operations; }
  [[nodiscard]] bool dead() const { return left_ == 0; }
  [[nodiscard]] std::uint64_t operations() const { return operations_; }
  /// What was not synced is lost, but for a random part that reached the disk by itself; then the
  /// disk works again.
  void LosePower();
  /// False: syncs do nothing. For the proof that the test can fail.
  void set_honest(bool honest) { honest_ = honest; }

  struct Write {
    std::int64_t offset = 0;
    std::string bytes;       ///< of a truncation: empty
    std::int64_t size = -1;  ///< of the file after a truncation; -1: a write
  };
  struct File {
    std::string now;              ///< as readers see it
    std::string durable;          ///< as of the last sync
    std::vector<Write> unsynced;  ///< since then, in order
  };

  /// For the VFS's functions. Null where there is none and `create` is false.
  std::shared_ptr<File> Open(const std::string& path, bool create);
  bool Exists(const std::string& path) const { return files_.contains(path); }
  void Remove(const std::string& path) { files_.erase(path); }
  /// Counts an operation; false where the disk is dead.
  bool Step();
  void Sync(File& file) const;

 private:
  std::map<std::string, std::shared_ptr<File>> files_;
  std::mt19937_64 random_;
  std::int64_t left_ = -1;
  std::uint64_t operations_ = 0;
  bool honest_ = true;
};

}  // namespace vitrine::crash
