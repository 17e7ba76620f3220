// Each setting of the table is read by a program, and stands in the operator's table.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

namespace vitrine {
namespace {

std::string Text(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

const std::string kTable = "src/apps/vitrine/setting_defs.cc";

std::set<std::string> Settings() {
  const std::string text = Text(kTable);
  const std::regex row(R"re(\{"([a-z_0-9]+\.[a-z_0-9]+)", SettingType::)re");
  std::set<std::string> names;
  for (std::sregex_iterator at(text.begin(), text.end(), row); at != std::sregex_iterator(); ++at) {
    names.insert((*at)[1]);
  }
  return names;
}

TEST(SettingsTable, EachSettingIsReadSomewhere) {
  std::string programs;
  for (const auto& entry : std::filesystem::recursive_directory_iterator("src/apps")) {
    const std::string path = entry.path().string();
    if (path.ends_with(".cc") && path != kTable && !path.ends_with("_test.cc")) {
      programs += Text(entry.path());
    }
  }
  const std::set<std::string> names = Settings();
  ASSERT_GT(names.size(), 20U);
  for (const std::string& name : names) {
    EXPECT_NE(programs.find('"' + name + '"'), std::string::npos)
        << name << " can be set, but no program reads it";
  }
}

TEST(SettingsTable, EachSettingIsInTheOperatorsTable) {
  const std::string operate = Text("docs/operate.md");
  for (const std::string& name : Settings()) {
    EXPECT_NE(operate.find("| `" + name + "` |"), std::string::npos)
        << name << " is not in docs/operate.md";
  }
}

}  // namespace
}  // namespace vitrine
