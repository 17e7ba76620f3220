#include "bench/kept_results.h"

#include <filesystem>
#include <fstream>
#include <utility>

namespace vitrine::bench {

using nlohmann::json;

KeptResults::KeptResults(std::string path) : path_(std::move(path)) {
  std::filesystem::create_directories(std::filesystem::path(path_).parent_path());
  std::ifstream in(path_);
  for (std::string line; std::getline(in, line);) {
    const json row = json::parse(line, nullptr, false);
    if (row.is_object() && row.contains("of")) {
      rows_[row["of"]] = row;
    }
  }
}

const json* KeptResults::Find(const std::string& of) const {
  const auto found = rows_.find(of);
  return found == rows_.end() ? nullptr : &found->second;
}

void KeptResults::Keep(const std::string& of, json row) {
  row["of"] = of;
  std::ofstream(path_, std::ios::app) << row.dump() << "\n";
  rows_[of] = std::move(row);
}

}  // namespace vitrine::bench
