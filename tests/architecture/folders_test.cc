// ARCHITECTURE.md's table of folders against the tree and against tools/layers.rules.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace vitrine {
namespace {

std::string Trim(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::vector<std::string> Cells(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream in(line);
  for (std::string cell; std::getline(in, cell, '|');) cells.push_back(Trim(cell));
  return cells;
}

std::set<std::string> Words(std::string text) {
  std::replace(text.begin(), text.end(), ',', ' ');
  std::istringstream in(text);
  std::set<std::string> words;
  for (std::string word; in >> word;) words.insert(word);
  return words;
}

struct Row {
  bool planned = false;
  std::set<std::string> may_include;  ///< empty where the cell is prose ("every stage")
};

/// The rows "| `data/` | ... | text |" of ARCHITECTURE.md, by folder; "(planned)" marks what is not there yet.
std::map<std::string, Row> DocumentedFolders() {
  std::map<std::string, Row> rows;
  std::ifstream in("ARCHITECTURE.md");
  for (std::string line; std::getline(in, line);) {
    const std::vector<std::string> cells = Cells(line);
    if (cells.size() < 4 || !cells[1].starts_with('`')) continue;
    const std::size_t end = cells[1].find("/`");
    if (end == std::string::npos) continue;
    rows[cells[1].substr(1, end - 1)] = {
        .planned = cells[1].find("(planned)") != std::string::npos,
        .may_include = Words(cells[3]),
    };
  }
  return rows;
}

/// The rows of tools/layers.rules for the stages (the folders directly under src/).
std::map<std::string, std::set<std::string>> RuledFolders() {
  std::map<std::string, std::set<std::string>> rows;
  std::ifstream in("tools/layers.rules");
  for (std::string line; std::getline(in, line);) {
    const std::vector<std::string> cells = Cells(line);
    if (cells.size() < 3 || cells[0] != "folder" || cells[1].find('/') != std::string::npos)
      continue;
    rows[cells[1]] = Words(cells[2]);
  }
  return rows;
}

std::set<std::string> FoldersInTree() {
  std::set<std::string> folders;
  for (const auto& entry : std::filesystem::directory_iterator("src")) {
    if (entry.is_directory()) folders.insert(entry.path().filename().string());
  }
  return folders;
}

TEST(Folders, EveryFolderIsInTheTable) {
  const std::map<std::string, Row> rows = DocumentedFolders();
  for (const std::string& folder : FoldersInTree()) {
    ASSERT_TRUE(rows.contains(folder)) << "ARCHITECTURE.md has no row for src/" << folder << "/";
    EXPECT_FALSE(rows.at(folder).planned)
        << "src/" << folder << "/ is there: take '(planned)' off its row in ARCHITECTURE.md";
  }
}

TEST(Folders, EveryRowIsInTheTree) {
  const std::set<std::string> tree = FoldersInTree();
  for (const auto& [folder, row] : DocumentedFolders()) {
    EXPECT_TRUE(row.planned || tree.contains(folder)) << "no src/" << folder << "/";
  }
}

TEST(Folders, TheTableSaysWhatTheLayersEnforce) {
  const std::map<std::string, Row> rows = DocumentedFolders();
  for (const auto& [folder, may_include] : RuledFolders()) {
    ASSERT_TRUE(rows.contains(folder)) << "ARCHITECTURE.md has no row for " << folder;
    if (may_include.contains("@stages") || folder == "core") continue;
    EXPECT_EQ(rows.at(folder).may_include, may_include) << folder;
  }
}

}  // namespace
}  // namespace vitrine
