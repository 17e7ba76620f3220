// vitrine-lake drift: two frames of rows compared.
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "adapters/duckdb/duck_frame_pair.h"
#include "apps/lake/commands.h"
#include "monitor/offline/frame_drift.h"

namespace vitrine::apps {
namespace {

/// What the process needs beside DuckDB's own limit: the sorted values of one column of both sides.
constexpr std::size_t kOutsideMb = 256;
constexpr std::size_t kLeastMb = 128;

/// {"column": weight, ...}
Result<std::map<std::string, double>> ReadImportance(const std::string& path) {
  std::map<std::string, double> out;
  if (path.empty()) {
    return out;
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return NotFound(fmt::format("--importance: {} cannot be read", path));
  }
  const auto json = nlohmann::json::parse(file, nullptr, false);
  const std::string shape = fmt::format(
      "--importance: {} is not a JSON object of columns and weights of 0 or more, such "
      "as {{\"price\": 0.4}}",
      path);
  if (!json.is_object() || json.empty()) {
    return InvalidArgument(shape);
  }
  for (const auto& [column, weight] : json.items()) {
    if (!weight.is_number() || !(weight.get<double>() >= 0) ||
        !std::isfinite(weight.get<double>())) {
      return InvalidArgument(fmt::format("{}; '{}' has {}", shape, column, weight.dump()));
    }
    out[column] = weight.get<double>();
  }
  return out;
}

}  // namespace

Result<std::string> RunDrift(const LakeArguments& arguments, const Progress& progress) {
  const DriftArguments& drift = arguments.drift;
  if (!(drift.alpha > 0 && drift.alpha < 1)) {
    return InvalidArgument(
        fmt::format("--alpha is {}; it is a chance between 0 and 1", drift.alpha));
  }
  monitor::FrameDriftOptions options;
  options.drift.alpha = drift.alpha;
  options.slice = drift.slice;
  options.label = drift.label;
  options.score = drift.score;
  ASSIGN_OR_RETURN(options.importance, ReadImportance(drift.importance));
  duckdb::FramePairOptions frames;
  frames.memory_limit_mb = std::max(arguments.memory_limit_mb, kOutsideMb + kLeastMb) - kOutsideMb;
  frames.threads = arguments.threads;
  frames.data_dir = arguments.data;
  frames.columns = drift.columns;
  frames.words = drift.words;
  frames.texts = drift.texts;
  ASSIGN_OR_RETURN(const auto pair,
                   duckdb::OpenFramePair(drift.reference, drift.current, frames, progress));
  ASSIGN_OR_RETURN(const monitor::FrameDriftReport report,
                   monitor::CompareFrames(*pair, options, progress));
  return arguments.json ? monitor::ToJson(report) : monitor::ToText(report);
}

}  // namespace vitrine::apps
