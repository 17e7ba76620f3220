// What a turn of the loop came to, for programs and for people.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "evaluate/compare.h"
#include "loop/retrain.h"

namespace vitrine::loop {

using nlohmann::json;

std::string ToJson(const RetrainOutcome& outcome) {
  json candidates = json::array();
  for (const Candidate& candidate : outcome.candidates) {
    json metrics = json::object();
    for (const auto& [name, value] : evaluate::ManifestMetrics(candidate.report)) {
      metrics[name] = {{"mean", value.mean}, {"low", value.low}, {"high", value.high}};
    }
    candidates.push_back({{"spec", candidate.spec},
                          {"version", candidate.ref.ToString()},
                          {"warm_start", !candidate.warm_start.empty()},
                          {"metrics", std::move(metrics)}});
  }
  json failed = json::array();
  for (const FailedCandidate& one : outcome.failed) {
    failed.push_back({{"spec", one.spec}, {"reason", one.reason.message()}});
  }
  const json out = {
      {"snapshot", outcome.snapshot},
      {"log_taken", outcome.log_taken ? json(*outcome.log_taken) : json()},
      {"alias", outcome.alias},
      {"metric", outcome.metric},
      {"candidates", std::move(candidates)},
      {"failed", std::move(failed)},
      {"champion_before",
       outcome.champion_before ? json(outcome.champion_before->ToString()) : json()},
      {"judged",
       outcome.candidates.empty() ? json() : json(outcome.candidates[outcome.best].ref.ToString())},
      {"verdict", json::parse(evaluate::ToJson(outcome.verdict))},
      {"promoted", outcome.promoted ? json(outcome.promoted->ToString()) : json()},
      {"handed_over", outcome.handed_over ? json(outcome.handed_over->ToString()) : json()},
      {"rollout", outcome.hand_over.rollout.empty() ? json() : json(outcome.hand_over.rollout)},
      {"no_rollout", outcome.hand_over.why_not.empty() ? json() : json(outcome.hand_over.why_not)}};
  return out.dump(2);
}

std::string ToText(const RetrainOutcome& outcome, const evaluate::BootstrapOptions& bootstrap) {
  std::vector<const evaluate::EvalReport*> reports;
  std::vector<evaluate::EvalReport> named;
  named.reserve(outcome.candidates.size() + 1);
  if (outcome.champion_report && outcome.champion_before) {
    named.push_back(*outcome.champion_report);
    named.back().model = fmt::format("{} {}", outcome.alias, outcome.champion_before->ToString());
  }
  for (const Candidate& candidate : outcome.candidates) {
    named.push_back(candidate.report);
    named.back().model = candidate.ref.ToString();
  }
  for (const evaluate::EvalReport& report : named) {
    reports.push_back(&report);
  }
  std::string text = evaluate::ComparisonTable(
      reports, {.metrics = {}, .primary = outcome.metric, .bootstrap = bootstrap});
  for (const FailedCandidate& one : outcome.failed) {
    text += fmt::format("\n{} gave no candidate: {}\n", one.spec, one.reason.message());
  }
  text += fmt::format("\n{} {}\n", outcome.candidates[outcome.best].ref.ToString(),
                      outcome.verdict.pass ? "passes the gate:" : "is held by the gate:");
  for (const std::string& reason : outcome.verdict.reasons) {
    text += fmt::format("  - {}\n", reason);
  }
  if (outcome.handed_over) {
    const HandOver& hand_over = outcome.hand_over;
    return text +
           (hand_over.rollout.empty()
                ? fmt::format("{} did not begin its way to '{}': {}\n",
                              outcome.handed_over->ToString(), outcome.alias, hand_over.why_not)
                : fmt::format("{} is on its way to '{}': {}; follow it: vitrine rollout "
                              "watch {}\n",
                              outcome.handed_over->ToString(), outcome.alias, hand_over.rollout,
                              hand_over.rollout));
  }
  if (!outcome.promoted) {
    return text + fmt::format("'{}' stays as it was\n", outcome.alias);
  }
  const bool again = *outcome.promoted != outcome.candidates[outcome.best].ref;
  const bool champion = outcome.alias == registry::kChampion;
  text +=
      fmt::format("{} is '{}' now{}; {}\n", outcome.promoted->ToString(), outcome.alias,
                  again ? " (the same spec, fitted on all data)" : "",
                  champion ? "back: vitrine model rollback"
                           : fmt::format("scenes whose ranker is '{}' order by it", outcome.alias));
  return text;
}

}  // namespace vitrine::loop
