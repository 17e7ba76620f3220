#include "e2e/programs.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it undeclared

namespace vitrine::e2e {

namespace fs = std::filesystem;

std::string Program(const std::string& name) {
  const char* bin = std::getenv("VITRINE_BIN");
  EXPECT_NE(bin, nullptr) << "VITRINE_BIN names the folder of the programs; ctest sets it";
  return bin == nullptr ? name : std::string(bin) + "/" + name;
}

std::string TestData(const std::string& folder) {
  const char* root = std::getenv("VITRINE_TEST_DATA");
  const fs::path path = fs::absolute(fs::path(root == nullptr ? "../shared" : root)) / folder;
  return fs::exists(path) ? path.string() : std::string();
}

Folder::Folder() {
  std::string name = (fs::temp_directory_path() / "vitrine-e2e-XXXXXX").string();
  path_ = ::mkdtemp(name.data());
}

Folder::~Folder() {
  std::error_code error;
  fs::remove_all(path_, error);
}

std::string WriteSmallShop(const std::string& folder) {
  std::ofstream log(folder + "/log.csv", std::ios::binary);
  log << "user,item,time\n";
  for (int user = 0; user < 40; ++user) {
    for (int i = 0; i < 6; ++i) {
      log << "u" << user << ",i" << (user + i * i) % 17 << "," << 1'700'000'000 + 3600 * i + user
          << "\n";
    }
  }
  WritePurchaseMapping(folder);
  return folder;
}

void WritePurchaseMapping(const std::string& folder) {
  std::ofstream(folder + "/shop.toml", std::ios::binary) << R"(name = "purchases"
[[events]]
files = ["log.csv"]
format = "csv"
[events.fields]
event = { value = "purchase" }
user_id = "user"
item_id = "item"
ts = "time"
)";
}

std::string StoredArtifact(const std::string& data, const std::string& model) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data + "/artifacts")) {
    if (entry.path().filename() == "manifest.json") {
      std::ifstream in(entry.path(), std::ios::binary);
      if (nlohmann::json::parse(in).at("name") == model) {
        return entry.path().parent_path().string();
      }
    }
  }
  ADD_FAILURE() << "no artifact of " << model << " in " << data;
  return "";
}

loop::ChildOutcome RunProgram(const std::string& program, std::vector<std::string> arguments) {
  const auto outcome =
      loop::RunChild({.program = Program(program), .arguments = std::move(arguments)}, {}, {});
  if (!outcome.ok()) {
    ADD_FAILURE() << outcome.status().ToString();
    return {.exit_code = -1};
  }
  return *outcome;
}

RunningServer::RunningServer(const std::string& data, std::vector<std::string> more) {
  Start(data, std::move(more));
}

void RunningServer::Start(const std::string& data, std::vector<std::string> more) {
  std::vector<std::string> arguments = {Program("vitrine"), "--data", data, "--json", "--set",
                                        "server.listen=127.0.0.1:0", "--set",
                                        "server.grpc_listen=127.0.0.1:0",
                                        // A test at half past three finds the jobs that it started.
                                        "--set", "gc.schedule="};
  arguments.insert(arguments.end(), more.begin(), more.end());
  arguments.emplace_back("up");
  std::vector<char*> argv;
  for (std::string& argument : arguments) {
    argv.push_back(argument.data());
  }
  argv.push_back(nullptr);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  const auto started = std::chrono::steady_clock::now();
  const int error = ::posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  out_ = ends[0];
  ASSERT_EQ(error, 0) << "cannot start " << argv[0];
  std::string line;
  pollfd wait{out_, POLLIN, 0};
  while (line.find('\n') == std::string::npos && ::poll(&wait, 1, 60'000) > 0) {
    std::array<char, 512> buffer{};
    const ssize_t n = ::read(out_, buffer.data(), buffer.size());
    if (n <= 0) {
      break;
    }
    line.append(buffer.data(), static_cast<std::size_t>(n));
  }
  ready_seconds_ =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  const auto said = nlohmann::json::parse(line, nullptr, false);
  ASSERT_TRUE(said.is_object()) << "the server did not come up; it said: " << line;
  url_ = said.value("url", "");
  grpc_url_ = said.value("grpc_url", "");
}

RunningServer::~RunningServer() {
  if (pid_ > 0) {
    Stop();
  }
  if (out_ >= 0) {
    ::close(out_);
  }
}

http::Client RunningServer::Client() const {
  const auto endpoint = http::ParseEndpoint(url_);
  EXPECT_TRUE(endpoint.ok()) << url_;
  return http::Client(endpoint.ok() ? *endpoint : http::Endpoint{});
}

int RunningServer::port() const {
  const auto endpoint = http::ParseEndpoint(url_);
  return endpoint.ok() ? endpoint->port : 0;
}

int RunningServer::Wait() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void RunningServer::Kill() {
  ::kill(pid_, SIGKILL);
  Wait();
}

int RunningServer::Stop() {
  ::kill(pid_, SIGTERM);
  return Wait();
}

}  // namespace vitrine::e2e
