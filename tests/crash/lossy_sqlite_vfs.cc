#include "crash/lossy_sqlite_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace vitrine::crash {
namespace {

void Apply(const LossySqliteVfs::Write& write, std::string& bytes) {
  if (write.size >= 0) {
    bytes.resize(static_cast<std::size_t>(write.size));
    return;
  }
  const auto end = static_cast<std::size_t>(write.offset) + write.bytes.size();
  if (bytes.size() < end) {
    bytes.resize(end);
  }
  std::copy(write.bytes.begin(), write.bytes.end(),
            bytes.begin() + static_cast<std::ptrdiff_t>(write.offset));
}

/// What SQLite holds of an open file: its own header first, as its interface wants.
struct Handle {
  sqlite3_file base;
  LossySqliteVfs* disk;
  std::shared_ptr<LossySqliteVfs::File>* file;
};

Handle& Of(sqlite3_file* file) { return *reinterpret_cast<Handle*>(file); }

int Close(sqlite3_file* file) {
  delete Of(file).file;
  return SQLITE_OK;
}

int Read(sqlite3_file* file, void* out, int amount, sqlite3_int64 offset) {
  if (Of(file).disk->dead()) {
    return SQLITE_IOERR_READ;
  }
  const std::string& bytes = (*Of(file).file)->now;
  const auto begin = std::min(bytes.size(), static_cast<std::size_t>(offset));
  const auto have = std::min(bytes.size() - begin, static_cast<std::size_t>(amount));
  std::memcpy(out, bytes.data() + begin, have);
  std::memset(static_cast<char*>(out) + have, 0, static_cast<std::size_t>(amount) - have);
  return have == static_cast<std::size_t>(amount) ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int Write(sqlite3_file* file, const void* bytes, int amount, sqlite3_int64 offset) {
  if (!Of(file).disk->Step()) {
    return SQLITE_IOERR_WRITE;
  }
  LossySqliteVfs::File& target = **Of(file).file;
  target.unsynced.push_back(
      {offset, std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(amount)), -1});
  Apply(target.unsynced.back(), target.now);
  return SQLITE_OK;
}

int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (!Of(file).disk->Step()) {
    return SQLITE_IOERR_TRUNCATE;
  }
  LossySqliteVfs::File& target = **Of(file).file;
  target.unsynced.push_back({0, {}, size});
  Apply(target.unsynced.back(), target.now);
  return SQLITE_OK;
}

int Sync(sqlite3_file* file, int /*flags*/) {
  if (!Of(file).disk->Step()) {
    return SQLITE_IOERR_FSYNC;
  }
  Of(file).disk->Sync(**Of(file).file);
  return SQLITE_OK;
}

int Size(sqlite3_file* file, sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>((*Of(file).file)->now.size());
  return SQLITE_OK;
}

int Lock(sqlite3_file* /*file*/, int /*level*/) { return SQLITE_OK; }

int CheckLock(sqlite3_file* /*file*/, int* held) {
  *held = 0;
  return SQLITE_OK;
}

int Control(sqlite3_file* /*file*/, int /*operation*/, void* /*argument*/) {
  return SQLITE_NOTFOUND;
}

int SectorSize(sqlite3_file* /*file*/) { return 512; }
int Characteristics(sqlite3_file* /*file*/) { return 0; }

const sqlite3_io_methods kMethods = {
    1,       Close,     Read,    Write,      Truncate,        Sync,    Size,    Lock,
    Lock,    CheckLock, Control, SectorSize, Characteristics, nullptr, nullptr, nullptr,
    nullptr, nullptr,   nullptr};

LossySqliteVfs& Disk(sqlite3_vfs* vfs) { return *static_cast<LossySqliteVfs*>(vfs->pAppData); }

int OpenFile(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  file->pMethods = nullptr;
  LossySqliteVfs& disk = Disk(vfs);
  if (disk.dead()) {
    return SQLITE_CANTOPEN;
  }
  auto opened = disk.Open(path == nullptr ? "temporary" : path, (flags & SQLITE_OPEN_CREATE) != 0);
  if (!opened) {
    return SQLITE_CANTOPEN;
  }
  Of(file).disk = &disk;
  Of(file).file = new std::shared_ptr<LossySqliteVfs::File>(std::move(opened));
  file->pMethods = &kMethods;
  if (out_flags != nullptr) {
    *out_flags = flags;
  }
  return SQLITE_OK;
}

int Delete(sqlite3_vfs* vfs, const char* path, int /*sync*/) {
  if (!Disk(vfs).Step()) {
    return SQLITE_IOERR_DELETE;
  }
  Disk(vfs).Remove(path);
  return SQLITE_OK;
}

int Access(sqlite3_vfs* vfs, const char* path, int /*flags*/, int* found) {
  *found = Disk(vfs).Exists(path) ? 1 : 0;
  return SQLITE_OK;
}

int FullPath(sqlite3_vfs* /*vfs*/, const char* path, int size, char* out) {
  sqlite3_snprintf(size, out, "%s", path);
  return SQLITE_OK;
}

sqlite3_vfs& Vfs() {
  static sqlite3_vfs vfs = [] {
    // Time and randomness are the system's.
    sqlite3_vfs made = *sqlite3_vfs_find(nullptr);
    made.iVersion = 1;
    made.szOsFile = sizeof(Handle);
    made.pNext = nullptr;
    made.zName = "vitrine-lossy";
    made.xOpen = OpenFile;
    made.xDelete = Delete;
    made.xAccess = Access;
    made.xFullPathname = FullPath;
    return made;
  }();
  return vfs;
}

}  // namespace

LossySqliteVfs::LossySqliteVfs(std::uint64_t seed) : random_(seed) {
  Vfs().pAppData = this;
  sqlite3_vfs_register(&Vfs(), 0);
}

LossySqliteVfs::~LossySqliteVfs() { sqlite3_vfs_unregister(&Vfs()); }

std::shared_ptr<LossySqliteVfs::File> LossySqliteVfs::Open(const std::string& path, bool create) {
  const auto found = files_.find(path);
  if (found != files_.end()) {
    return found->second;
  }
  return create ? files_[path] = std::make_shared<File>() : nullptr;
}

bool LossySqliteVfs::Step() {
  if (left_ == 0) {
    return false;
  }
  ++operations_;
  left_ -= left_ > 0 ? 1 : 0;
  return true;
}

void LossySqliteVfs::Sync(File& file) const {
  if (honest_) {
    file.durable = file.now;
    file.unsynced.clear();
  }
}

void LossySqliteVfs::LosePower() {
  for (auto& [path, file] : files_) {
    std::string left = file->durable;
    // The disk may have taken any of the writes that nobody asked it to keep, each whole or torn.
    for (Write& write : file->unsynced) {
      if (random_() % 3 != 0) {
        continue;
      }
      if (write.size < 0 && random_() % 4 == 0) {
        write.bytes.resize(write.bytes.size() / 2);
      }
      Apply(write, left);
    }
    file = std::make_shared<File>(File{left, left, {}});
  }
  left_ = -1;
}

}  // namespace vitrine::crash
