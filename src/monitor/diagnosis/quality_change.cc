#include "monitor/diagnosis/quality_change.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

namespace vitrine::monitor {
namespace {

// A twentieth of the rate: less is within what days differ by.
constexpr double kLossPart = 0.05;
// Before nine of ten answers had their windows behind them, after fewer than half: purchases of the last
// day are not in yet, so rates after must be lower.
constexpr double kRipe = 0.9;
constexpr double kUnripe = 0.5;

using Rate = std::optional<MetricValue> SceneQuality::*;

std::optional<double> MatureShare(const SceneQuality& quality) {
  if (!quality.mature || quality.answers == 0) {
    return std::nullopt;
  }
  return static_cast<double>(*quality.mature) / static_cast<double>(quality.answers);
}

bool Enough(const SceneQuality& a, const SceneQuality& b) {
  return a.answers >= kLeastRows && b.answers >= kLeastRows;
}

// One rate of one scene on both sides.
void CompareRate(const SceneQuality& before, const SceneQuality& after, Rate rate,
                 Quantity quantity, bool young, QualityChange& change) {
  const std::optional<MetricValue>& was = before.*rate;
  const std::optional<MetricValue>& is = after.*rate;
  if (!was || !is) {
    return;
  }
  if (change.verdict == Verdict::kUnknown) {
    change.verdict = Verdict::kWell;
  }
  if (Fell(*was, *is, kLossPart) != Verdict::kBad) {
    return;
  }
  change.verdict = Verdict::kBad;
  change.loss_part = std::max(change.loss_part, (was->mean - is->mean) / was->mean);
  const EvidenceLine line{quantity, after.scene, was->mean, is->mean, ""};
  (young ? change.immature : change.drops).push_back(line);
}

// That the labels of a scene's drops are still to come.
void NoteYouth(const std::string& scene, const std::optional<double>& before,
               const std::optional<double>& after, QualityChange& change) {
  change.immature.push_back({Quantity::kMatureShare, scene, before, after, ""});
}

// The rate over all scenes that have it on both sides, weighted by answers.
std::optional<MetricValue> Pooled(const std::vector<std::pair<SceneQuality, SceneQuality>>& scenes,
                                  Rate rate, bool second) {
  double answers = 0;
  double sum = 0;
  double variance = 0;
  for (const auto& [before, after] : scenes) {
    const std::optional<MetricValue>& value = second ? after.*rate : before.*rate;
    const std::optional<MetricValue>& other = second ? before.*rate : after.*rate;
    if (!value || !other) {
      continue;
    }
    const auto n = static_cast<double>(second ? after.answers : before.answers);
    answers += n;
    sum += n * value->mean;
    variance += std::pow(n * (value->high - value->low) / 2, 2);
  }
  if (answers == 0) {
    return std::nullopt;
  }
  const double half = std::sqrt(variance) / answers;
  return MetricValue{sum / answers, sum / answers - half, sum / answers + half};
}

void ComparePooled(const std::vector<std::pair<SceneQuality, SceneQuality>>& scenes, Rate rate,
                   Quantity quantity, QualityChange& change) {
  const auto before = Pooled(scenes, rate, false);
  const auto after = Pooled(scenes, rate, true);
  if (before && after && Fell(*before, *after, kLossPart) == Verdict::kBad) {
    change.verdict = Verdict::kBad;
    change.loss_part = std::max(change.loss_part, (before->mean - after->mean) / before->mean);
    change.mixed.push_back({quantity, "", before->mean, after->mean, ""});
  }
}

void NoteMaturity(bool known, bool young, QualityChange& change) {
  if (young) {
    change.maturity = Verdict::kBad;
  } else if (known && change.maturity == Verdict::kUnknown) {
    change.maturity = Verdict::kWell;
  }
}

}  // namespace

QualityChange CompareQuality(const std::optional<std::vector<SceneQuality>>& before,
                             const std::optional<std::vector<SceneQuality>>& after) {
  QualityChange change;
  if (!before || !after) {
    return change;
  }
  // By name, so that the order in which scenes were gathered changes nothing.
  std::map<std::string, SceneQuality> old;
  for (const SceneQuality& quality : *before) {
    old.emplace(quality.scene, quality);
  }
  std::map<std::string, std::pair<SceneQuality, SceneQuality>> by_scene;
  for (const SceneQuality& quality : *after) {
    const auto found = old.find(quality.scene);
    if (found != old.end() && Enough(found->second, quality)) {
      by_scene.emplace(quality.scene, std::pair(found->second, quality));
    }
  }
  std::vector<std::pair<SceneQuality, SceneQuality>> scenes;
  for (const auto& [scene, pair] : by_scene) {
    const auto& [was, is] = pair;
    const auto ripe_before = MatureShare(was);
    const auto ripe_after = MatureShare(is);
    const bool young = ripe_before && ripe_after && *ripe_before >= kRipe && *ripe_after < kUnripe;
    const std::size_t lost = change.immature.size();
    CompareRate(was, is, &SceneQuality::click_rate, Quantity::kClickRate, young, change);
    CompareRate(was, is, &SceneQuality::conversion_rate, Quantity::kConversionRate, young, change);
    const bool lost_young = change.immature.size() > lost;
    NoteMaturity(ripe_before && ripe_after, lost_young, change);
    if (lost_young) {
      NoteYouth(scene, ripe_before, ripe_after, change);
    }
    scenes.push_back(pair);
  }
  change.scenes_judged = scenes.size();
  if (change.verdict == Verdict::kWell) {
    ComparePooled(scenes, &SceneQuality::click_rate, Quantity::kClickRate, change);
    ComparePooled(scenes, &SceneQuality::conversion_rate, Quantity::kConversionRate, change);
  }
  return change;
}

}  // namespace vitrine::monitor
