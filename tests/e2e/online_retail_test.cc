// The same command on a shop's order lines: what cleaning counts, the floors, memory.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "e2e/programs.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

TEST(OnlineRetail, CountsFloorsAndMemory) {
  const std::string data = TestData("data/online-retail");
  const std::string reference = TestData("reference/floors");
  if (data.empty() || reference.empty()) {
    GTEST_SKIP() << "the data set online-retail is not on this machine (VITRINE_TEST_DATA)";
  }
  const Folder folder;
  const auto imported = RunProgram("vitrine-lake", {"import", data, "--mapping", "online-retail",
                                                    "--data", folder.path(), "--json"});
  ASSERT_EQ(imported.exit_code, 0) << imported.last_error_lines;
  const auto cleaned = RunProgram("vitrine-lake", {"clean", "--data", folder.path(), "--json"});
  ASSERT_EQ(cleaned.exit_code, 0) << cleaned.last_error_lines;
  EXPECT_LT(imported.peak_memory_bytes, kGiB);
  EXPECT_LT(cleaned.peak_memory_bytes, kGiB);
  RecordProperty("import_and_clean_milliseconds",
                 static_cast<int>((imported.seconds + cleaned.seconds) * 1000));

  std::ifstream in(reference + "/expected.json");
  const json floors = json::parse(in)["online-retail"];
  const json report = json::parse(cleaned.output);
  EXPECT_EQ(report["rows_read"], floors["rows"]);
  EXPECT_EQ(report["kept"], floors["rows_matching_each_rule_independently"]["kept"]);
  std::map<std::string, std::uint64_t> matched;
  for (const json& rule : report["rules"]) {
    matched[rule["name"]] = rule["matched"];
  }
  const json& expected = floors["rows_matching_each_rule_independently"];
  for (const auto& [rule, floor] :
       std::map<std::string, std::string>{{"missing_users", "no_customer"},
                                          {"cancellation", "cancellation"},
                                          {"quantity_not_positive", "quantity_not_positive"},
                                          {"price_not_positive", "price_not_positive"},
                                          {"code_not_five_digits", "code_not_five_digits"}}) {
    EXPECT_EQ(matched[rule], expected[floor]) << rule;
  }

  const auto trained =
      RunProgram("vitrine", {"--data", folder.path(), "--json", "retrain", "--protocol",
                             "last-basket", "--spec", "popularity-baskets", "--spec", "personal",
                             "--spec", "personal-decay"});
  ASSERT_EQ(trained.exit_code, 0) << trained.last_error_lines;
  const json outcome = json::parse(trained.output);
  const std::map<std::string, std::string> names = {{"popularity-baskets", "global_top"},
                                                    {"personal", "personal_top"},
                                                    {"personal-decay", "personal_decay"}};
  std::size_t compared = 0;
  for (const json& candidate : outcome["candidates"]) {
    for (const auto& [metric, value] : floors[names.at(candidate["spec"])].items()) {
      const std::string ours = metric.starts_with("hr@") ? "hit_rate@" + metric.substr(3) : metric;
      EXPECT_NEAR(candidate["metrics"][ours]["mean"].get<double>(), value.get<double>(), 1e-4)
          << candidate["spec"] << " " << metric;
      ++compared;
    }
  }
  EXPECT_EQ(compared, 18U);
}

}  // namespace
}  // namespace vitrine::e2e
