#include "loop/steps.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace vitrine::loop {
namespace {

namespace fs = std::filesystem;

Status Keep(const std::string& path, const std::string& result) {
  const std::string part = path + ".part";
  std::error_code error;
  fs::create_directories(fs::path(path).parent_path(), error);
  std::ofstream out(part, std::ios::binary | std::ios::trunc);
  out << result;
  out.close();
  if (out) {
    fs::rename(part, path, error);
  }
  if (!out || error) {
    return Unavailable(fmt::format("cannot keep the result of a step in {}; check the disk", path));
  }
  return Status::Ok();
}

std::optional<std::string> Kept(const std::string& path) {
  std::ifstream done(path, std::ios::binary);
  return done ? std::optional(std::string(std::istreambuf_iterator<char>(done), {})) : std::nullopt;
}

}  // namespace

Programs ProgramsBeside(std::string_view running_program) {
  std::error_code error;
  fs::path self = fs::read_symlink("/proc/self/exe", error);
  if (error) {
    self = fs::path(running_program);
  }
  const fs::path folder = self.parent_path();
  return {.lake = (folder / "vitrine-lake").string(),
          .trainer = (folder / "vitrine-trainer").string(),
          .vitrine = self.string()};
}

Steps::Steps(std::string folder, Progress progress)
    : folder_(std::move(folder)), progress_(std::move(progress)) {}

std::string Steps::PathOf(std::string_view file) const {
  return (fs::path(folder_) / file).string();
}

Result<std::string> Steps::Run(std::string_view name, const ChildCommand& command) {
  const std::string path = PathOf(fmt::format("{}.json", name));
  if (std::optional<std::string> kept = Kept(path)) {
    return *std::move(kept);
  }
  progress_.report({.stage = std::string(name), .detail = "started"});
  const auto on_line = [this, name](std::string_view line) {
    ProgressReport report;
    if (ParseProgressLine(line, report)) {
      report.stage = fmt::format("{}: {}", name, report.stage);
      progress_.report(report);
    }
  };
  ASSIGN_OR_RETURN(const ChildOutcome outcome, RunChild(command, on_line, progress_.stop));
  RETURN_IF_ERROR(StatusOf(outcome, command.program).WithContext(name));
  RETURN_IF_ERROR(Keep(path, outcome.output));
  progress_.report({.stage = std::string(name),
                    .done = 1,
                    .total = 1,
                    .detail = fmt::format("done in {:.1f} s, at most {} MB", outcome.seconds,
                                          outcome.peak_memory_bytes >> 20)});
  return outcome.output;
}

Result<std::string> Steps::Once(std::string_view name,
                                const std::function<Result<std::string>()>& make) const {
  const std::string path = PathOf(fmt::format("{}.json", name));
  if (std::optional<std::string> kept = Kept(path)) {
    return *std::move(kept);
  }
  ASSIGN_OR_RETURN(std::string made, make());
  RETURN_IF_ERROR(Keep(path, made));
  return made;
}

bool ParseProgressLine(std::string_view line, ProgressReport& report) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("progress") || !json["progress"].is_string()) {
    return false;
  }
  report.stage = json["progress"].get<std::string>();
  const auto number = [&json](const char* key) {
    const auto it = json.find(key);
    return it != json.end() && it->is_number() ? it->get<double>() : 0.0;
  };
  const auto text = [&json](const char* key) {
    const auto it = json.find(key);
    return it != json.end() && it->is_string() ? it->get<std::string>() : std::string();
  };
  report.done = number("done");
  report.total = number("total");
  report.unit = text("unit");
  report.detail = text("detail");
  return true;
}

}  // namespace vitrine::loop
