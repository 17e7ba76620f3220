// tools/layers on this tree, and on small trees that each break one rule.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "shell.h"

namespace vitrine {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(Layers, ThisTreeIsInOrder) {
  const CommandResult result = RunCommand("tools/layers");
  EXPECT_EQ(result.exit_code, 0) << result.output;
}

class LayersOnATree : public testing::Test {
 protected:
  void SetUp() override {
    root_ = std::filesystem::temp_directory_path() / ("layers-" + std::to_string(getpid()));
    std::filesystem::remove_all(root_);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_ / "src" / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  CommandResult Run() { return RunCommand("tools/layers '" + root_.string() + "'"); }

  void ExpectInOrder() {
    const CommandResult result = Run();
    EXPECT_EQ(result.exit_code, 0) << result.output;
  }
  /// One violation, reported at `where` ("src/data/x.cc:2") with `why` in its words.
  void ExpectOutOfPlace(const std::string& where, const std::string& why) {
    const CommandResult result = Run();
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_THAT(result.output, AllOf(HasSubstr(where + ": "), HasSubstr(why),
                                     HasSubstr("layers: 1 out of place")));
  }

 private:
  std::filesystem::path root_;
};

TEST_F(LayersOnATree, TakesWhatTheTableAllows) {
  Write("core/status.h", "#include <fmt/format.h>\n#include <string>\n");
  Write("data/x.h", "#include \"core/status.h\"\n#include \"data/y.h\"\n#include \"text/z.h\"\n");
  Write("data/x_test.cc", "#include <gtest/gtest.h>\n#include \"data/x.h\"\n");
  Write("apps/vitrine/main.cc",
        "#include <CLI/CLI.hpp>\n#include \"adapters/sqlite/db.h\"\n#include \"serve/a.h\"\n"
        "char* home = getenv(\"HOME\");\n");
  ExpectInOrder();
}

TEST_F(LayersOnATree, AnEdgeAgainstTheLoop) {
  Write("data/x.cc", "#include \"core/status.h\"\n#include \"serve/recommend.h\"\n");
  ExpectOutOfPlace("src/data/x.cc:2", "data may not include serve/recommend.h");
}

TEST_F(LayersOnATree, CoreKnowsNoStage) {
  Write("core/x.h", "#include \"text/tokens.h\"\n");
  ExpectOutOfPlace("src/core/x.h:1", "beside core it may include: nothing");
}

TEST_F(LayersOnATree, NoStageKnowsAnAdapter) {
  Write("registry/x.cc", "#include \"adapters/sqlite/db.h\"\n");
  ExpectOutOfPlace("src/registry/x.cc:1", "registry may not include adapters/sqlite/db.h");
}

TEST_F(LayersOnATree, AdaptersDoNotKnowEachOther) {
  Write("adapters/sqlite/x.cc", "#include \"adapters/rocksdb/log.h\"\n");
  ExpectOutOfPlace("src/adapters/sqlite/x.cc:1", "may not include adapters/rocksdb/log.h");
}

TEST_F(LayersOnATree, TestsObeyTheSameEdges) {
  Write("data/x_test.cc", "#include \"serve/recommend.h\"\n");
  ExpectOutOfPlace("src/data/x_test.cc:1", "data may not include serve/recommend.h");
}

TEST_F(LayersOnATree, AnEdgeOfTestsIsForTests) {
  Write("train/models/x_test.cc", "#include \"adapters/onnxruntime/runtime.h\"\n");
  ExpectInOrder();
  Write("train/models/x.cc", "#include \"adapters/onnxruntime/runtime.h\"\n");
  ExpectOutOfPlace("src/train/models/x.cc:1", "train may not include adapters/onnxruntime/");
}

TEST_F(LayersOnATree, AnOutsideSystemStaysInItsAdapter) {
  Write("data/x.cc", "#include <duckdb.h>\n");
  ExpectOutOfPlace("src/data/x.cc:1", "duckdb belongs in adapters/duckdb/");
}

TEST_F(LayersOnATree, AndIsNotSeenThroughItsHeaders) {
  Write("adapters/duckdb/connection.h", "#include \"duckdb.h\"\n");
  Write("adapters/duckdb/reader.cc", "#include \"adapters/duckdb/connection.h\"\n");
  ExpectInOrder();
  Write("apps/lake/main.cc", "#include \"adapters/duckdb/connection.h\"\n");
  ExpectOutOfPlace("src/apps/lake/main.cc:1", "brings in duckdb");
}

TEST_F(LayersOnATree, SomeLibrariesStandOnlyInSources) {
  Write("text/x.h", "#include <unicode/unistr.h>\n");
  ExpectOutOfPlace("src/text/x.h:1", "only in a .cc");
}

TEST_F(LayersOnATree, TestingHeadersStayInTests) {
  Write("data/events_testing.h", "#include <gtest/gtest.h>\n");
  Write("data/x_test.cc", "#include \"data/events_testing.h\"\n");
  ExpectInOrder();
  Write("data/x.cc", "#include \"data/events_testing.h\"\n");
  ExpectOutOfPlace("src/data/x.cc:1", "only in a test");
}

TEST_F(LayersOnATree, GoogleTestStaysInTests) {
  Write("data/x.h", "#include <gtest/gtest.h>\n");
  ExpectOutOfPlace("src/data/x.h:1", "only in a test");
}

TEST_F(LayersOnATree, OpenSslInCoreIsOneFile) {
  Write("core/sha256.cc", "#include <openssl/evp.h>\n");
  ExpectInOrder();
  Write("core/other.cc", "#include <openssl/evp.h>\n");
  ExpectOutOfPlace("src/core/other.cc:1", "openssl belongs in core/sha256.cc");
}

TEST_F(LayersOnATree, CoreStaysFreeOfJson) {
  Write("core/x.cc", "#include <nlohmann/json.hpp>\n");
  ExpectOutOfPlace("src/core/x.cc:1", "nlohmann belongs in");
}

TEST_F(LayersOnATree, TorchIsNotSeenThroughAHeader) {
  Write("train/models/network.h", "#include <torch/nn.h>\n");
  Write("train/models/between.h", "#include \"train/models/network.h\"\n");
  Write("train/models/network.cc", "#include \"train/models/between.h\"\n");
  ExpectInOrder();
  Write("apps/trainer/main.cc", "#include <string>\n#include \"train/models/between.h\"\n");
  ExpectOutOfPlace("src/apps/trainer/main.cc:2", "brings in torch");
}

TEST_F(LayersOnATree, TheServerNeverHoldsTheTrainer) {
  Write("apps/vitrine/main.cc", "#include \"train/models/sasrec.h\"\n");
  ExpectOutOfPlace("src/apps/vitrine/main.cc:1", "may not include train/models/sasrec.h");
}

TEST_F(LayersOnATree, ALibraryWithoutARow) {
  Write("data/x.cc", "#include <absl/strings/str_cat.h>\n");
  ExpectOutOfPlace("src/data/x.cc:1", "no library of tools/layers.rules has this header");
}

TEST_F(LayersOnATree, ARelativePath) {
  Write("data/x.cc", "#include \"x.h\"\n");
  ExpectOutOfPlace("src/data/x.cc:1", "write paths from src/");
}

TEST_F(LayersOnATree, AFolderWithoutARow) {
  Write("util/x.cc", "#include <string>\n");
  ExpectOutOfPlace("src/util/x.cc:1", "no row in tools/layers.rules");
}

TEST_F(LayersOnATree, TheEnvironmentIsReadInPrograms) {
  Write("data/x.cc",
        "// getenv(\"HOME\") is for apps\nconst char* home = std::getenv(\"HOME\");\n");
  ExpectOutOfPlace("src/data/x.cc:2", "data may not call getenv");
}

TEST_F(LayersOnATree, NoCommentSwitchesItOff) {
  Write("data/x.cc", "#include <duckdb.h>  // NOLINT layers:allow\n");
  ExpectOutOfPlace("src/data/x.cc:1", "duckdb belongs in");
}

}  // namespace
}  // namespace vitrine
