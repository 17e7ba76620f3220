// A retraining that starts a network from the champion's weights, where the champion has not seen what is held out.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "core/exit_code.h"
#include "e2e/programs.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;

/// Shoppers who buy once a day, the next of twenty goods each day.
std::string WriteDays(const std::string& folder, int first, int last, int shoppers = 80) {
  std::filesystem::create_directories(folder);
  std::ofstream log(folder + "/log.csv", std::ios::binary);
  log << "user,item,time\n";
  for (int day = first; day <= last; ++day) {
    for (int user = 0; user < shoppers; ++user) {
      log << "u" << user << ",i" << (user + day) % 20 << ","
          << 1'700'000'000 + 86'400 * day + 60 * user << "\n";
    }
  }
  WritePurchaseMapping(folder);
  return folder;
}

class WarmStart : public testing::Test {
 protected:
  /// One turn over more files, and what it says of its only candidate.
  [[nodiscard]] json Turn(const std::string& files, const std::string& protocol) const {
    const auto run = RunProgram(
        "vitrine", {"--data", folder_.path() + "/data", "--json", "run", files, "--mapping",
                    files + "/shop.toml", "--protocol", protocol, "--spec",
                    folder_.path() + "/tiny.toml", "--no-serve", "--set", "gate.min_cases=10",
                    "--set", "gate.margin=1", "--set", "train.warm_start=true"});
    EXPECT_EQ(run.exit_code, kExitOk) << run.last_error_lines;
    const json outcome = json::parse(run.output.substr(run.output.find('{')), nullptr, false);
    EXPECT_EQ(outcome["candidates"].size(), 1U) << run.output;
    return outcome["candidates"].empty() ? json::object() : outcome["candidates"][0];
  }

  Folder folder_;
};

TEST_F(WarmStart, ARetrainingStartsFromTheChampionUnlessItHasSeenWhatIsHeldOut) {
  std::ofstream(folder_.path() + "/tiny.toml", std::ios::binary) << R"(algorithm = "sasrec"
name = "tiny"
[parameters]
width = 16
length = 8
epochs = 2
)";
  const json first = Turn(WriteDays(folder_.path() + "/week", 0, 7), "newest-days");
  EXPECT_EQ(first["version"], "tiny:1") << first;
  EXPECT_EQ(first["warm_start"], false) << first;
  // Days that the champion's fit did not have are held out.
  const json second = Turn(WriteDays(folder_.path() + "/later", 8, 10), "newest-days");
  EXPECT_EQ(second["version"], "tiny:2") << second;
  EXPECT_EQ(second["warm_start"], true) << second;
  // Of half of them the purchase before the last is of a day that it has had: from nothing then, and no failure.
  const json third = Turn(WriteDays(folder_.path() + "/last", 11, 11, 40), "leave-one-out");
  EXPECT_EQ(third["version"], "tiny:3") << third;
  EXPECT_EQ(third["warm_start"], false) << third;
}

}  // namespace
}  // namespace vitrine::e2e
