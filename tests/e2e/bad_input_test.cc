// What users get wrong gets a message that names cause and cure, an exit code of the table, and
// leaves the earlier state usable. The lake's own cases are in tests/lake.
#include <gtest/gtest.h>

#include <filesystem>

#include "core/exit_code.h"
#include "e2e/programs.h"

namespace vitrine::e2e {
namespace {

namespace fs = std::filesystem;

void ExpectSays(const loop::ChildOutcome& outcome, int code, const std::string& words) {
  EXPECT_EQ(outcome.exit_code, code) << outcome.last_error_lines;
  EXPECT_NE(outcome.last_error_lines.find(words), std::string::npos) << outcome.last_error_lines;
}

TEST(BadInput, ABusyPortIsNamed) {
  const Folder one;
  const Folder two;
  RunningServer server(one.path());
  ASSERT_TRUE(server.ok());
  const std::string port = std::to_string(server.port());
  ExpectSays(RunProgram("vitrine",
                        {"--data", two.path(), "--set", "server.listen=127.0.0.1:" + port, "up"}),
             kExitConflict, port);
  const std::string& grpc = server.grpc_url();
  const std::vector<std::string> busy = {"--data", two.path(),
                                         "--set",  "server.listen=127.0.0.1:0",
                                         "--set",  "server.grpc_listen=" + grpc,
                                         "up"};
  ExpectSays(RunProgram("vitrine", busy), kExitConflict, grpc.substr(grpc.rfind(':') + 1));
  ExpectSays(RunProgram("vitrine", busy), kExitConflict, "server.grpc_listen");
}

TEST(BadInput, GrpcCanBeOff) {
  const Folder folder;
  RunningServer server(folder.path(), {"--set", "server.grpc_listen="});
  ASSERT_TRUE(server.ok());
  EXPECT_EQ(server.grpc_url(), "");
  EXPECT_EQ(server.Client().Get("/readyz")->body, R"({"status":"ready"})");
}

TEST(BadInput, ADirectoryInUseIsNamed) {
  const Folder folder;
  RunningServer server(folder.path());
  ASSERT_TRUE(server.ok());
  ExpectSays(RunProgram("vitrine", {"--data", folder.path(), "up"}), kExitUnavailable,
             std::to_string(server.pid()));
}

TEST(BadInput, AListenerForOthersNeedsKeys) {
  const Folder folder;
  ExpectSays(
      RunProgram("vitrine", {"--data", folder.path(), "--set", "server.listen=0.0.0.0:0", "up"}),
      kExitFailure, "key create");
  ExpectSays(RunProgram("vitrine", {"--data", folder.path(), "--set", "server.listen=127.0.0.1:0",
                                    "--set", "server.grpc_listen=0.0.0.0:0", "up"}),
             kExitFailure, "server.grpc_listen");
}

TEST(BadInput, UnknownSettingsCommandsAndDirectories) {
  const Folder folder;
  ExpectSays(RunProgram("vitrine", {"--data", folder.path(), "--set", "server.lissten=x", "up"}),
             kExitUsage, "did you mean 'server.listen'");
  EXPECT_EQ(RunProgram("vitrine", {"fly"}).exit_code, kExitUsage);
  ExpectSays(RunProgram("vitrine", {"--data", folder.path() + "/absent", "model", "list"}),
             kExitNotFound, "vitrine up");
  ExpectSays(RunProgram("vitrine", {"model", "probe", folder.path()}), kExitNotFound,
             "manifest.json");
}

TEST(BadInput, AModelFileThatWasCutIsRefusedAndTheChampionStays) {
  const Folder folder;
  const std::string data = folder.path() + "/data";
  WriteSmallShop(folder.path());
  const auto made =
      RunProgram("vitrine", {"--data", data, "run", folder.path(), "--mapping",
                             folder.path() + "/shop.toml", "--protocol", "leave-one-out", "--spec",
                             "popularity", "--no-serve", "--set", "gate.min_cases=10"});
  ASSERT_EQ(made.exit_code, 0) << made.last_error_lines;
  const std::string artifact = StoredArtifact(data, "popularity");
  const std::string broken = folder.path() + "/broken";
  fs::copy(artifact, broken);
  fs::resize_file(broken + "/model.onnx", fs::file_size(broken + "/model.onnx") / 2);
  ExpectSays(RunProgram("vitrine", {"--data", data, "model", "import", broken}), kExitUsage,
             "model.onnx");
  const auto listed = RunProgram("vitrine", {"--data", data, "model", "list"});
  EXPECT_EQ(listed.exit_code, 0);
  EXPECT_NE(listed.output.find("popularity:1"), std::string::npos) << listed.output;
  EXPECT_EQ(listed.output.find("popularity:2"), std::string::npos) << listed.output;
}

}  // namespace
}  // namespace vitrine::e2e
