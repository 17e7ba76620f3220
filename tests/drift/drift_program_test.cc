// vitrine-lake drift as a program: its exit codes, what goes where, and that it leaves nothing behind.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Ran {
  int code = -1;
  std::string out;
};

class DriftProgramTest : public testing::Test {
 protected:
  DriftProgramTest()
      : folder_(fmt::format("{}drift-program-{}-{}", testing::TempDir(),
                            testing::UnitTest::GetInstance()->current_test_info()->name(),
                            getpid())) {
    fs::remove_all(folder_);
    fs::create_directories(folder_ + "/tmp");
    Frame("a.csv", 1, 0);
    Frame("b.csv", 2, 1);
  }
  ~DriftProgramTest() override { fs::remove_all(folder_); }

  void Frame(const std::string& name, unsigned seed, double shift) const {
    std::mt19937 random(seed);
    std::normal_distribution<double> normal(shift, 1);
    std::ofstream file(folder_ + "/" + name);
    file << "price,country,colour\n";
    for (int i = 0; i < 400; ++i) {
      file << fmt::format("{:.4f},{},c{}\n", normal(random), i % 2 == 0 ? "cn" : "de",
                          random() % 4);
    }
  }

  /// In the folder; what goes to stderr is in its file err.
  Ran Run(const std::string& arguments) const {
    const char* bin = std::getenv("VITRINE_BIN");
    const std::string command =
        fmt::format("cd {} && TMPDIR={}/tmp {}/vitrine-lake drift {} 2>err", folder_, folder_,
                    fs::absolute(bin != nullptr ? bin : ".").string(), arguments);
    Ran ran;
    FILE* pipe = popen(command.c_str(), "r");
    char piece[4096];
    while (const std::size_t got = fread(piece, 1, sizeof piece, pipe)) ran.out.append(piece, got);
    ran.code = WEXITSTATUS(pclose(pipe));
    return ran;
  }

  std::string Said() const {
    std::ifstream file(folder_ + "/err");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string folder_;
};

TEST_F(DriftProgramTest, TableAndJson) {
  const Ran text = Run("a.csv b.csv --slice country");
  EXPECT_EQ(text.code, 0) << Said();
  EXPECT_NE(text.out.find("1 of 3 judged columns drifted (400 -> 400 rows)"), std::string::npos)
      << text.out;
  EXPECT_NE(text.out.find("Segments of 'country'"), std::string::npos);
  std::ofstream(folder_ + "/weights.json") << R"({"colour": 0.5, "price": 2})";
  const Ran machine = Run("a.csv b.csv --json --importance weights.json");
  ASSERT_EQ(machine.code, 0) << Said();
  const json report = json::parse(machine.out);
  EXPECT_EQ(report.at("columns").at(0).at("column"), "price");
  EXPECT_EQ(report.at("columns").at(0).at("importance"), 2);
  EXPECT_EQ(report.at("drifted"), 1);
  EXPECT_NE(Said().find("{\"progress\""), std::string::npos) << "progress goes to stderr";
  EXPECT_TRUE(fs::is_empty(folder_ + "/tmp")) << "nothing is left behind";
}

TEST_F(DriftProgramTest, ExitCodes) {
  EXPECT_EQ(Run("a.csv").code, 2);
  EXPECT_EQ(Run("a.csv nowhere.csv").code, 3);
  EXPECT_NE(Said().find("there is no file nowhere.csv"), std::string::npos) << Said();
  EXPECT_EQ(Run("a.csv b.csv --columns prise").code, 2);
  EXPECT_NE(Said().find("price"), std::string::npos) << Said();
  EXPECT_EQ(Run("a.csv b.csv --alpha 2").code, 2);
  EXPECT_EQ(Run("a.csv b.csv --importance no.json").code, 3);
  std::ofstream(folder_ + "/bad.json") << "[1]";
  EXPECT_EQ(Run("a.csv b.csv --importance bad.json").code, 2);
  EXPECT_EQ(Run("lake: a.csv").code, 3) << "there is no lake";
  EXPECT_TRUE(fs::is_empty(folder_ + "/tmp"));
}

}  // namespace
}  // namespace vitrine
