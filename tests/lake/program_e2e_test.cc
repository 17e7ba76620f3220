// vitrine-lake as a program: what it prints, its exit codes, and that bad input leaves the earlier
// state usable.
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace vitrine {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Ran {
  int code = -1;
  std::string out;
  std::string err;
  double cpu_seconds = 0;
  std::int64_t peak_bytes = 0;
};

std::string ReadFile(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

class LakeProgram : public testing::Test {
 protected:
  LakeProgram()
      : folder_(fmt::format("{}lake-program-{}-{}", testing::TempDir(),
                            testing::UnitTest::GetInstance()->current_test_info()->name(),
                            getpid())),
        data_(folder_ + "/data") {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    Write("shop.toml", R"(
name = "shop"
[[events]]
files = ["*.csv", "*.csv.gz"]
default_event = "purchase"
[events.fields]
user_id = "user"
item_id = "item"
ts = { column = "ts", format = "iso8601" }
price = { column = "price", optional = true }
)");
    Write("good.csv",
          "user,item,ts,price\nu1,a,2026-01-01 10:00:00,3\nu2,b,2026-01-01 11:00:00,4\n");
  }
  ~LakeProgram() override { fs::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) const {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  /// Starts the program; its outputs go through files.
  pid_t Start(std::vector<std::string> arguments) const {
    const char* bin = std::getenv("VITRINE_BIN");
    const std::string program =
        std::string(bin == nullptr ? "build/release/bin" : bin) + "/vitrine-lake";
    const std::string out = folder_ + "/stdout", err = folder_ + "/stderr";
    const pid_t child = fork();
    if (child == 0) {
      if (freopen(out.c_str(), "wb", stdout) == nullptr ||
          freopen(err.c_str(), "wb", stderr) == nullptr) {
        _exit(99);
      }
      std::vector<char*> argv = {const_cast<char*>(program.c_str())};
      for (std::string& argument : arguments) {
        argv.push_back(argument.data());
      }
      argv.push_back(nullptr);
      execv(program.c_str(), argv.data());
      _exit(98);
    }
    return child;
  }

  Ran Wait(pid_t child) const {
    const std::string out = folder_ + "/stdout", err = folder_ + "/stderr";
    Ran ran;
    int status = 0;
    rusage usage{};
    wait4(child, &status, 0, &usage);
    ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    ran.out = ReadFile(out);
    ran.err = ReadFile(err);
    const auto seconds = [](const timeval& time) {
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    ran.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    ran.peak_bytes = usage.ru_maxrss * 1024;
    return ran;
  }

  Ran Run(std::vector<std::string> arguments) const { return Wait(Start(std::move(arguments))); }

  Ran Import(const std::string& path, const std::string& mapping = "") const {
    return Run({"import", path, "--mapping", mapping.empty() ? folder_ + "/shop.toml" : mapping,
                "--data", data_});
  }
  Ran Clean() const { return Run({"clean", "--data", data_, "--json"}); }

  /// A first snapshot, which whatever goes wrong later must leave usable.
  void MakeGoodState() const {
    const Ran imported = Import(folder_ + "/good.csv");
    ASSERT_EQ(imported.code, 0) << imported.err;
    const Ran cleaned = Clean();
    ASSERT_EQ(cleaned.code, 0) << cleaned.err;
  }
  void ExpectUsable() const {
    const Ran states =
        Run({"states", "--data", data_, "--out", folder_ + "/states.jsonl", "--json"});
    ASSERT_EQ(states.code, 0) << states.err;
    EXPECT_EQ(json::parse(states.out)["lines"], 2);
  }

  std::string folder_;
  std::string data_;
};

TEST_F(LakeProgram, ImportsCleansAndWritesStates) {
  MakeGoodState();
  ExpectUsable();
  std::ifstream states(folder_ + "/states.jsonl");
  std::string line;
  ASSERT_TRUE(std::getline(states, line));
  const json first = json::parse(line);
  EXPECT_EQ(first["subject"], "u1");
  EXPECT_EQ(first["events"], json::parse(R"([["a",1767261600000000,6,0]])"));
  EXPECT_EQ(first["bought"], json::parse(R"(["a"])"));
  EXPECT_EQ(first["hidden"], json::array());
  const Ran again = Clean();
  EXPECT_TRUE(json::parse(again.out)["unchanged"]);
  EXPECT_TRUE(fs::exists(json::parse(again.out)["dir"].get<std::string>() + "/manifest.json"));
  const Ran report = Run({"report", "--data", data_});
  EXPECT_NE(report.out.find("kept 2"), std::string::npos) << report.out;
}

TEST_F(LakeProgram, ProgressIsJsonLinesOnStderr) {
  const Ran ran = Run({"import", folder_ + "/good.csv", "--mapping", folder_ + "/shop.toml",
                       "--data", data_, "--json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(json::parse(ran.out)["files"][0]["accepted"], 2);
  std::istringstream lines(ran.err);
  int reports = 0;
  for (std::string line; std::getline(lines, line); ++reports) {
    EXPECT_TRUE(json::parse(line).contains("progress")) << line;
  }
  EXPECT_GT(reports, 0);
}

TEST_F(LakeProgram, UsageAndMissingThings) {
  EXPECT_EQ(Run({}).code, 2);
  EXPECT_EQ(Run({"import"}).code, 2);
  EXPECT_EQ(Run({"imprt"}).code, 2);
  EXPECT_EQ(Run({"--help"}).code, 0);
  EXPECT_EQ(Run({"report", "--data", data_}).code, 3);
  EXPECT_EQ(Run({"log", "--data", data_}).code, 3);
  EXPECT_EQ(Import(folder_ + "/nothing.csv").code, 3);
  const Ran mapping = Import(folder_ + "/good.csv", "onlin-retail");
  EXPECT_EQ(mapping.code, 3);
  EXPECT_NE(mapping.err.find("did you mean 'online-retail'?"), std::string::npos) << mapping.err;
}

TEST_F(LakeProgram, BrokenCsv) {
  MakeGoodState();
  const Ran some =
      Import(Write("some.csv", "user,item,ts,price\nu1,a\nu3,c,2026-01-01 12:00:00,4\n"));
  EXPECT_EQ(some.code, 0) << some.err;
  EXPECT_NE(some.out.find("rejected 1"), std::string::npos) << some.out;
  EXPECT_NE(some.out.find("line 2: u1,a"), std::string::npos) << some.out;
  const Ran all = Import(Write("all.csv", "user,item,ts,price\nu1\nu2\n"));
  EXPECT_EQ(all.code, 1);
  EXPECT_NE(all.err.find("none of the 2 rows"), std::string::npos) << all.err;
  ExpectUsable();
}

TEST_F(LakeProgram, ALineOfOneGigabyte) {
  MakeGoodState();
  const std::string path = folder_ + "/long.csv.gz";
  gzFile file = gzopen(path.c_str(), "wb1");
  const std::string header = "user,item,ts,price\nu1,";
  gzwrite(file, header.data(), static_cast<unsigned>(header.size()));
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 1024; ++i) {
    gzwrite(file, piece.data(), static_cast<unsigned>(piece.size()));
  }
  gzclose(file);
  const Ran ran = Import(path);
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.err.find("line 2"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("max_line_bytes"), std::string::npos) << ran.err;
  EXPECT_LT(ran.peak_bytes, std::int64_t{256} << 20);
  ExpectUsable();
}

TEST_F(LakeProgram, WrongMapping) {
  MakeGoodState();
  const Ran key = Import(folder_ + "/good.csv", Write("key.toml", "name = \"x\"\nevnts = 1\n"));
  EXPECT_EQ(key.code, 2);
  EXPECT_NE(key.err.find("key.toml:2:1"), std::string::npos) << key.err;
  EXPECT_NE(key.err.find("did you mean 'events'?"), std::string::npos) << key.err;
  const Ran column = Import(Write("other.csv", "usr,item,ts\nu1,a,2026-01-01\n"));
  EXPECT_EQ(column.code, 2);
  EXPECT_NE(column.err.find("no column 'user'"), std::string::npos) << column.err;
  EXPECT_NE(column.err.find("usr, item, ts"), std::string::npos) << column.err;
  ExpectUsable();
}

TEST_F(LakeProgram, EmptyFileAndZeroAcceptedRows) {
  MakeGoodState();
  const Ran empty = Import(Write("empty.csv", ""));
  EXPECT_EQ(empty.code, 1);
  EXPECT_NE(empty.err.find("is empty"), std::string::npos) << empty.err;
  const Ran none = Import(Write("none.csv", "user,item,ts\nu1,a,tomorrow\n"));
  EXPECT_EQ(none.code, 1);
  EXPECT_NE(none.err.find("\"tomorrow\" is not a time"), std::string::npos) << none.err;
  ExpectUsable();
}

TEST_F(LakeProgram, ACorruptSnapshotIsNamedAndCanBeMadeAgain) {
  MakeGoodState();
  std::string part;
  for (const auto& entry : fs::directory_iterator(data_ + "/lake/parts")) {
    if (entry.path().filename().string().starts_with("clean-")) {
      part = entry.path().string();
    }
  }
  ASSERT_FALSE(part.empty());
  {
    std::fstream file(part, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(60);
    file.put('#');
  }
  const Ran ran = Run({"states", "--data", data_, "--json"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.err.find(part), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("clean --full"), std::string::npos) << ran.err;
  EXPECT_EQ(Run({"clean", "--full", "--data", data_}).code, 0);
  ExpectUsable();
}

TEST_F(LakeProgram, ADamagedManifestIsNamed) {
  MakeGoodState();
  const std::string dir = json::parse(Clean().out)["dir"];
  std::string text = ReadFile(dir + "/manifest.json");
  text.replace(text.find("\"rows\": 2"), 9, "\"rows\": 3");
  std::ofstream(dir + "/manifest.json") << text;
  const Ran ran = Run({"states", "--data", data_});
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.err.find("manifest.json is damaged"), std::string::npos) << ran.err;
}

TEST_F(LakeProgram, AFullDisk) {
  const std::string disk = folder_ + "/disk";
  fs::create_directories(disk);
  if (mount("none", disk.c_str(), "tmpfs", 0, "size=2m") != 0) {
    GTEST_SKIP() << "a small disk needs the right to mount one";
  }
  data_ = disk + "/data";
  MakeGoodState();
  std::ostringstream rows;
  rows << "user,item,ts,price\n";
  for (std::uint64_t i = 0; i < 200'000; ++i) {
    // Ids that do not compress.
    rows << 'u' << i * 0x9E3779B97F4A7C15ULL << ",i" << i * 0xC2B2AE3D27D4EB4FULL
         << ",2026-01-01 10:00:00," << i << "\n";
  }
  const Ran ran = Import(Write("large.csv", rows.str()));
  EXPECT_EQ(ran.code, 6);
  EXPECT_NE(ran.err.find("the disk is full"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("Free space"), std::string::npos) << ran.err;
  ExpectUsable();
  const Ran small = Import(Write("small.csv", "user,item,ts,price\nu9,a,2026-01-01 10:00:00,3\n"));
  EXPECT_EQ(small.code, 0) << small.err;  // what the failed import wrote is gone
  umount(disk.c_str());
}

TEST_F(LakeProgram, AKillLeavesTheEarlierStateAndTheNextRunGoesOn) {
  MakeGoodState();
  constexpr std::uint64_t kRows = 100'000;
  std::string rows = "user,item,ts,price\n";
  for (std::uint64_t i = 0; i < kRows; ++i) {
    rows += fmt::format("u{},i{},2026-02-01 10:{:02}:{:02},3\n", i % 20'000, i % 977, i / 60 % 60,
                        i % 60);
  }
  const std::string large = Write("large.csv", rows);
  const std::vector<std::string> import = {"import", large, "--mapping", folder_ + "/shop.toml",
                                           "--data", data_};
  const auto kill_after = [this](const std::vector<std::string>& arguments, int milliseconds) {
    const pid_t child = Start(arguments);
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    kill(child, SIGKILL);
    return Wait(child).code == -1;
  };
  // Ever later until one import is through before the kill.
  int killed = 0;
  for (int wait = 10; wait < 60'000 && kill_after(import, wait); wait += 10 + wait / 2) {
    ++killed;
    ExpectUsable();
  }
  EXPECT_GT(killed, 0);
  const Ran imported = Run(import);  // the same file again: nothing of it may count twice
  ASSERT_EQ(imported.code, 0) << imported.err;
  killed = 0;
  for (int wait = 10; wait < 60'000 && kill_after({"clean", "--data", data_}, wait);
       wait += 10 + wait / 2) {
    ++killed;
  }
  EXPECT_GT(killed, 0);
  const Ran cleaned = Clean();
  ASSERT_EQ(cleaned.code, 0) << cleaned.err;
  EXPECT_EQ(json::parse(cleaned.out)["rows"], kRows + 2);
}

TEST_F(LakeProgram, TwoWritersDoNotMeet) {
  MakeGoodState();
  // The shell holds the lock as another writer would.
  const std::string command = fmt::format(
      "flock -n {0}/lake/lock {1}/vitrine-lake clean --data {0} 2>{2}/locked", data_,
      std::getenv("VITRINE_BIN") == nullptr ? "build/release/bin" : std::getenv("VITRINE_BIN"),
      folder_);
  const int status = std::system(command.c_str());
  EXPECT_EQ(WEXITSTATUS(status), 6);
  EXPECT_NE(ReadFile(folder_ + "/locked").find("another vitrine-lake"), std::string::npos);
}

TEST_F(LakeProgram, OnlineRetailInBounds) {
  const char* shared = std::getenv("VITRINE_TEST_DATA");
  const std::string path =
      std::string(shared == nullptr ? "../shared" : shared) + "/data/online-retail";
  if (!fs::exists(path)) {
    GTEST_SKIP() << "no " << path;
  }
  const Ran imported = Import(path, "online-retail");
  ASSERT_EQ(imported.code, 0) << imported.err;
  const Ran cleaned = Clean();
  ASSERT_EQ(cleaned.code, 0) << cleaned.err;
  EXPECT_EQ(json::parse(cleaned.out)["kept"], 396'337);
  // CPU time, so that a busy machine does not decide: two cores have 40 s of it in 20 s.
  EXPECT_LT(imported.cpu_seconds + cleaned.cpu_seconds, 20);
  EXPECT_LT(std::max(imported.peak_bytes, cleaned.peak_bytes), std::int64_t{1} << 30);
}

}  // namespace
}  // namespace vitrine
