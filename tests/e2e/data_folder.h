/// A folder for a test's files and its data directory, and what programs say of it as JSON.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/exit_code.h"
#include "core/time.h"
#include "e2e/programs.h"

namespace vitrine::e2e {

class DataFolder : public testing::Test {
 protected:
  [[nodiscard]] std::string data() const { return folder_.path() + "/data"; }
  /// The path of a file with this text.
  [[nodiscard]] std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.path() + "/" + name, std::ios::binary) << text;
    return folder_.path() + "/" + name;
  }
  /// The JSON that a program prints; it must end well.
  static nlohmann::json Said(const std::string& program,
                             const std::vector<std::string>& arguments) {
    const loop::ChildOutcome outcome = RunProgram(program, arguments);
    EXPECT_EQ(outcome.exit_code, kExitOk) << outcome.last_error_lines;
    return nlohmann::json::parse(outcome.output, nullptr, false);
  }

  Folder folder_;
};

/// Until a sale ends that begins now, nothing of the loop changes by itself. Its id.
inline std::string DeclareSale(http::Client& client, const std::string& why) {
  const auto answer =
      client.Post("/v1/quiet-times",
                  nlohmann::json({{"kind", "sale"},
                                  {"rule", ""},
                                  {"where", nlohmann::json::object()},
                                  {"until", FormatIso({Now().value + 3600 * kMicrosPerSecond})},
                                  {"why", why}})
                      .dump());
  EXPECT_TRUE(answer.ok() && answer->ok()) << answer->body;
  return nlohmann::json::parse(answer->body, nullptr, false).value("id", "");
}

}  // namespace vitrine::e2e
