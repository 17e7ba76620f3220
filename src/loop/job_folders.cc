#include "loop/job_folders.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <vector>

namespace vitrine::loop {
namespace {

namespace fs = std::filesystem;

bool Ended(const Job& job) {
  return job.state != JobState::kQueued && job.state != JobState::kRunning;
}

/// Folders of ended jobs, the newest first.
Result<std::vector<fs::path>> FoldersOfEnded(const std::string& folder, const JobStore& store) {
  std::error_code error;
  std::vector<fs::path> found;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (!at->is_directory(error)) {
      continue;
    }
    const Result<Job> job = store.GetJob(at->path().filename().string());
    if (job.status().code() == Code::kNotFound) {
      continue;
    }
    RETURN_IF_ERROR(job.status());
    if (Ended(*job)) {
      found.push_back(at->path());
    }
  }
  if (error) {
    return Unavailable(fmt::format("cannot read {}: {}", folder, error.message()));
  }
  std::sort(found.begin(), found.end(), std::greater<>());
  return found;
}

void RemoveFoldersIn(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> inner;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->is_directory(error) && !at->is_symlink(error)) {
      inner.push_back(at->path());
    }
  }
  for (const fs::path& path : inner) {
    fs::remove_all(path, error);
  }
}

}  // namespace

Status TidyJobFolders(const std::string& folder, const JobStore& store, std::size_t kept) {
  std::error_code error;
  if (!fs::exists(folder, error)) {
    return Status::Ok();
  }
  ASSIGN_OR_RETURN(const std::vector<fs::path> ended, FoldersOfEnded(folder, store));
  for (std::size_t i = 0; i < ended.size(); ++i) {
    if (i < kept) {
      RemoveFoldersIn(ended[i]);
    } else {
      fs::remove_all(ended[i], error);
    }
  }
  return Status::Ok();
}

}  // namespace vitrine::loop
