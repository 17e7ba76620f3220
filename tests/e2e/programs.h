/// For end-to-end tests: our programs as a user starts them.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/status.h"
#include "loop/child_process.h"
#include "transport/http/client.h"

namespace vitrine::e2e {

/// Path of one of this build's programs.
std::string Program(const std::string& name);

/// Folder of the data or reference cases; empty where this machine has none.
std::string TestData(const std::string& folder);

/// A folder that is removed with its contents.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// A log of purchases by 40 shoppers of 17 goods, log.csv, and its mapping, shop.toml: enough to train a counting model.
/// Returns the folder.
std::string WriteSmallShop(const std::string& folder);

/// shop.toml in `folder`: the mapping of a log.csv of purchases with columns user,item,time.
void WritePurchaseMapping(const std::string& folder);

/// Folder of the store's artifact of a model of this name; one that has a single version. Fails the test where there is none.
std::string StoredArtifact(const std::string& data, const std::string& model);

/// Runs a program to its end. A program that cannot be started fails the test.
loop::ChildOutcome RunProgram(const std::string& program, std::vector<std::string> arguments);

/// `vitrine up` on a data directory, on a free port, until it dies.
class RunningServer {
 public:
  /// Waits until it answers; `more` goes before the verb.
  explicit RunningServer(const std::string& data, std::vector<std::string> more = {});
  ~RunningServer();
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;

  [[nodiscard]] http::Client Client() const;
  [[nodiscard]] bool ok() const { return !url_.empty(); }
  [[nodiscard]] double ready_seconds() const { return ready_seconds_; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] int port() const;
  [[nodiscard]] const std::string& url() const { return url_; }
  /// "127.0.0.1:41234"
  [[nodiscard]] const std::string& grpc_url() const { return grpc_url_; }
  /// SIGKILL, and waits for its end.
  void Kill();
  /// SIGTERM, and waits; its exit code.
  int Stop();

 private:
  void Start(const std::string& data, std::vector<std::string> more);
  int Wait();
  pid_t pid_ = -1;
  int out_ = -1;
  std::string url_;
  std::string grpc_url_;
  double ready_seconds_ = 0;
};

}  // namespace vitrine::e2e
