/// What the tests of imports share: a folder, the program, and a model that scores items.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "e2e/programs.h"
#include "graph/builder.h"

namespace vitrine::e2e {

/// scores[b, item] = how often the history holds the item.
inline std::string Counter(std::int64_t width) {
  graph::Builder b("counter");
  const graph::Value history = b.Input("history", DType::kInt64, {"batch", "length"});
  std::vector<float> identity(static_cast<std::size_t>(width * width));
  for (std::int64_t i = 0; i < width; ++i) {
    identity[static_cast<std::size_t>(i * width + i)] = 1;
  }
  const graph::Value rows = b.Gather(b.Initializer("identity", {width, width}, identity), history);
  b.Output("scores", b.Op("ReduceSum", {rows, b.Constants({1})}, {{"keepdims", 0}}),
           DType::kFloat32, {"batch", width});
  return *b.Finish();
}

class Import : public testing::Test {
 protected:
  [[nodiscard]] std::string Write(const std::string& name, const std::string& bytes) const {
    const std::filesystem::path path = folder_.path() + "/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }
  [[nodiscard]] std::string data() const { return folder_.path() + "/data"; }
  loop::ChildOutcome Vitrine(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--data", data(), "--json"});
    return RunProgram("vitrine", std::move(arguments));
  }
  /// The version that an import made.
  std::string Imported(const std::vector<std::string>& arguments) const {
    std::vector<std::string> all = {"model", "import"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const loop::ChildOutcome outcome = Vitrine(all);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.last_error_lines;
    return nlohmann::json::parse(outcome.output, nullptr, false).value("version", "");
  }
  Folder folder_;
};

}  // namespace vitrine::e2e
