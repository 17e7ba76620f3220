/// What was shown, where, by which version: the record that explains and monitors one answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "core/time.h"

namespace vitrine {

/// Whose list an interleaved answer took an item from. Numbers are kept in records.
enum class Team : std::uint8_t {
  kNone = 0,       ///< of no list: a rule's place, or an answer that is not interleaved
  kControl = 1,    ///< the version that serves
  kCandidate = 2,  ///< a rollout's
};
inline constexpr std::uint8_t kTeams = 3;
/// "", "control", "candidate".
constexpr std::string_view TeamName(Team team) {
  return team == Team::kNone ? "" : team == Team::kControl ? "control" : "candidate";
}

/// One place of an answer.
struct ShownItem {
  std::string item_id;
  double score = 0;
  std::string source;  ///< "model:sasrec", "fallback:popularity", "rule:boost", "search:bm25"
  Team team = Team::kNone;
  friend bool operator==(const ShownItem&, const ShownItem&) = default;
};

/// One history event as it was handed to the model; kept so that the answer can be replayed.
struct SeenEvent {
  std::string item_id;
  Micros ts;
  EventType type = EventType::kView;
  std::uint32_t basket = 0;
  friend bool operator==(const SeenEvent&, const SeenEvent&) = default;
};

struct Impression {
  std::string request_id;
  Micros ts;
  std::string subject;  ///< user_id or anonymous_id; empty where personalize=false
  std::string scene;
  std::string route;     ///< "recommend", "similar", "search", "rank", "external"
  std::string model;     ///< "name:number" of the version that ranked; empty for a fallback
  std::string fallback;  ///< why there was one: "unknown_user", "not_personalised", "no_model", ""
  std::string query;
  std::vector<ShownItem> items;
  std::vector<SeenEvent> history;
  bool personalised = false;
  double seconds = 0;   ///< time spent answering
  std::string rollout;  ///< the rollout that this answer counts in; empty: none
  std::string arm;      ///< "control", "treatment" or "interleaved" of it; empty: none
  /// "name:number" of the rollout's candidate where the lists of both were drafted into one; empty: `model` made it alone.
  std::string candidate;

  [[nodiscard]] bool interleaved() const { return !candidate.empty(); }
  friend bool operator==(const Impression&, const Impression&) = default;
};

/// What an answer counts under, by version: one of two versions is neither's.
inline constexpr std::string_view kInterleaved = "interleaved";
inline std::string_view CountedModel(const Impression& impression) {
  return impression.interleaved() ? kInterleaved : std::string_view(impression.model);
}

}  // namespace vitrine
