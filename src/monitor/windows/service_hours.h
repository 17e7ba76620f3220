/// Answers by the hour in which they were given: how many, how long they took, how many were fallbacks.
/// Threads: one caller at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/impression.h"
#include "monitor/latency_counts.h"

namespace vitrine::monitor {

struct AnswerCounts {
  std::uint64_t answers = 0;
  std::uint64_t fallbacks = 0;
  LatencyCounts seconds;
};

nlohmann::json AnswerCountsToJson(const AnswerCounts& counts);
/// Throws nlohmann::json::exception where it is none.
template <typename Json>  // nlohmann::json, JsonView
AnswerCounts AnswerCountsFromJson(const Json& json);

class ServiceHours {
 public:
  using Key = std::pair<std::int64_t, std::string>;  ///< hour; model and scene joined by '\n'

  /// `ts`: when it was given, for this counting.
  void Add(const Impression& impression, Micros ts);
  /// Hours before it are final: answers that come for them are left out.
  void Finish(std::int64_t before);
  [[nodiscard]] const std::map<Key, AnswerCounts>& hours() const { return hours_; }
  [[nodiscard]] const std::map<Key, AnswerCounts>& final_hours() const { return final_hours_; }
  void DropFinalHours(const std::vector<Key>& hours);

  [[nodiscard]] nlohmann::json Save() const;
  /// Replaces everything; throws nlohmann::json::exception where it is none.
  void Load(const nlohmann::json& saved);

 private:
  static constexpr std::size_t kMostRows = 8192;
  static constexpr std::size_t kMostFinalRows =
      32'768;  ///< that nobody takes away; the oldest leave
  std::map<Key, AnswerCounts> hours_;
  std::map<Key, AnswerCounts> final_hours_;
  std::int64_t final_before_ = INT64_MIN;
};

}  // namespace vitrine::monitor
