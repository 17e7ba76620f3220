// The disk of a running server fills up and is emptied again: clients are told, reads go on, nothing
// that was acknowledged is lost, and writing goes on without a restart.
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "e2e/programs.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr int kRows = 500;

/// The rows `kRows * call` and following.
std::string Rows(int call) {
  json rows = json::array();
  for (int row = kRows * call; row < kRows * (call + 1); ++row) {
    rows.push_back({{"event_id", "e" + std::to_string(row)},
                    {"event", "view"},
                    {"user_id", "u" + std::to_string(row)},
                    {"item_id", "i" + std::to_string(row % 50)},
                    {"ts", 1'700'000'000 + row}});
  }
  return rows.dump();
}

/// A disk of its own size, gone at the end.
class SmallDisk {
 public:
  SmallDisk() : mounted_(mount("none", path().c_str(), "tmpfs", 0, "size=256m") == 0) {}
  ~SmallDisk() {
    if (mounted_) {
      umount(path().c_str());
    }
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  [[nodiscard]] const std::string& path() const { return folder_.path(); }
  [[nodiscard]] bool mounted() const { return mounted_; }

  /// Leaves `bytes` free.
  void Fill(std::uint64_t bytes) const {
    std::ofstream file(filler(), std::ios::binary);
    const std::string piece(1 << 20, 'x');
    while (fs::space(path()).available > bytes + piece.size()) {
      file << piece << std::flush;
    }
  }
  void Empty() const { fs::remove(filler()); }

 private:
  [[nodiscard]] std::string filler() const { return path() + "/filler"; }
  Folder folder_;
  bool mounted_;
};

TEST(FullDisk, IsToldAndLeftWithoutARestart) {
  const SmallDisk disk;
  if (!disk.mounted()) {
    GTEST_SKIP() << "a small disk needs the right to mount one";
  }
  RunningServer server(disk.path() + "/data");
  ASSERT_TRUE(server.ok());
  http::Client client = server.Client();
  ASSERT_TRUE(client.Post("/v1/events", Rows(0))->ok());
  disk.Fill(2 << 20);
  int refused = 1;
  auto answer = client.Post("/v1/events", Rows(refused));
  for (; answer.ok() && answer->ok() && refused < 1000; ++refused) {
    answer = client.Post("/v1/events", Rows(refused + 1));
  }
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->status, 507) << answer->body;
  EXPECT_NE(answer->body.find(disk.path()), std::string::npos) << answer->body;
  for (const char* route : {"/readyz", "/v1/users/u0", "/metrics"}) {
    const auto read = client.Get(route);
    EXPECT_TRUE(read.ok() && read->ok()) << route;
  }
  EXPECT_TRUE(client.Post("/v1/recommend", R"({"user_id": "u0"})")->ok());
  disk.Empty();
  const Deadline deadline = After(std::chrono::seconds(60));
  do {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    answer = client.Post("/v1/events", Rows(refused));
  } while (answer.ok() && !answer->ok() && std::chrono::steady_clock::now() < deadline);
  ASSERT_TRUE(answer.ok() && answer->ok()) << answer->body;
  for (int call = 0; call <= refused; ++call) {
    const auto again = client.Post("/v1/events", Rows(call));
    ASSERT_TRUE(again.ok() && again->ok());
    EXPECT_EQ(json::parse(again->body)["duplicate"], kRows) << "call " << call;
  }
  EXPECT_EQ(server.Stop(), 0);
}

}  // namespace
}  // namespace vitrine::e2e
