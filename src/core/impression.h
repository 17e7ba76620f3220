/// What was shown, where, by which version: the record that explains and monitors one answer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/event.h"
#include "core/time.h"

namespace vitrine {

/// One place of an answer.
struct ShownItem {
  std::string item_id;
  double score = 0;
  std::string source;  ///< "model:sasrec", "fallback:popularity", "rule:boost", "search:bm25"
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
  std::string arm;      ///< "control" or "treatment" of it; empty: none
  friend bool operator==(const Impression&, const Impression&) = default;
};

}  // namespace vitrine
