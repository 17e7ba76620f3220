#include "loop/job_folders.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace vitrine::loop {
namespace {

namespace fs = std::filesystem;

class Jobs final : public JobStore {
 public:
  Result<Job> CreateJob(Job job) override { return jobs_[job.id] = job; }
  Status UpdateJob(const Job& job) override {
    jobs_[job.id] = job;
    return Status::Ok();
  }
  Result<Job> GetJob(std::string_view id) const override {
    const auto found = jobs_.find(std::string(id));
    return found == jobs_.end() ? Result<Job>(NotFound("no such job")) : found->second;
  }
  Result<std::vector<Job>> ListJobs(std::string_view, std::size_t) const override {
    return Unimplemented("not asked for");
  }

 private:
  std::map<std::string, Job> jobs_;
};

class JobFoldersTest : public testing::Test {
 protected:
  JobFoldersTest() {
    std::string path = (fs::temp_directory_path() / "vitrine-jobs-XXXXXX").string();
    EXPECT_NE(::mkdtemp(path.data()), nullptr);
    folder_ = path;
  }
  ~JobFoldersTest() override { fs::remove_all(folder_); }
  void Write(const std::string& path) const {
    fs::create_directories((folder_ / path).parent_path());
    std::ofstream(folder_ / path) << "x";
  }
  void Add(const std::string& id, JobState state) {
    ASSERT_TRUE(jobs_.CreateJob({.id = id, .kind = "retrain", .spec = "{}", .state = state}).ok());
    Write(id + "/holdout.jsonl");
    Write(id + "/als/model.onnx");
    Write(id + "/sasrec.partial/select.state");
  }
  [[nodiscard]] bool Has(const std::string& path) const { return fs::exists(folder_ / path); }

  fs::path folder_;
  Jobs jobs_;
};

TEST_F(JobFoldersTest, ArtifactsOfEndedJobsGoAndTheNewestResultsStay) {
  Add("job-000001", JobState::kSucceeded);
  Add("job-000002", JobState::kFailed);
  Add("job-000003", JobState::kRunning);
  Add("job-000004", JobState::kSucceeded);
  Add("job-000005", JobState::kQueued);  // goes on with what it has
  Write("job-000009/als/model.onnx");    // of no job that is known
  Write("notes/als/model.onnx");
  ASSERT_TRUE(TidyJobFolders(folder_.string(), jobs_, 2).ok());
  EXPECT_FALSE(Has("job-000001"));
  for (const char* ended : {"job-000002", "job-000004"}) {
    EXPECT_TRUE(Has(std::string(ended) + "/holdout.jsonl")) << ended;
    EXPECT_FALSE(Has(std::string(ended) + "/als")) << ended;
    EXPECT_FALSE(Has(std::string(ended) + "/sasrec.partial")) << ended;
  }
  for (const char* open : {"job-000003", "job-000005"}) {
    EXPECT_TRUE(Has(std::string(open) + "/als/model.onnx")) << open;
    EXPECT_TRUE(Has(std::string(open) + "/sasrec.partial/select.state")) << open;
  }
  EXPECT_TRUE(Has("job-000009/als/model.onnx"));
  EXPECT_TRUE(Has("notes/als/model.onnx"));
}

TEST_F(JobFoldersTest, ALinkIsNotFollowed) {
  Add("job-000001", JobState::kSucceeded);
  Write("elsewhere/kept");
  fs::create_directory_symlink(folder_ / "elsewhere", folder_ / "job-000001/link");
  ASSERT_TRUE(TidyJobFolders(folder_.string(), jobs_, 1).ok());
  ASSERT_TRUE(TidyJobFolders(folder_.string(), jobs_, 0).ok());
  EXPECT_TRUE(Has("elsewhere/kept"));
  EXPECT_FALSE(Has("job-000001"));
}

TEST_F(JobFoldersTest, WhereNothingRanYetNothingIsWrong) {
  EXPECT_TRUE(TidyJobFolders((folder_ / "none").string(), jobs_, 1).ok());
}

}  // namespace
}  // namespace vitrine::loop
