#include "monitor/diagnosis/diagnosis_json.h"

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "monitor/diagnosis/diagnosis_text.h"

namespace vitrine::monitor {
namespace {

using nlohmann::json;

json Of(const std::optional<double>& value) { return value ? json(*value) : json(nullptr); }

json Of(const EvidenceLine& line, Language language) {
  return {{"name", QuantityName(line.quantity)},
          {"text", QuantityText(line.quantity, language)},
          {"subject", line.subject},
          {"before", Of(line.before)},
          {"after", Of(line.after)},
          {"unit", QuantityUnit(line.quantity)},
          {"detail", line.detail}};
}

json Healthy(const std::vector<Look>& looks, Language language) {
  json out = json::array();
  for (const Look look : looks) {
    out.push_back({{"name", LookName(look)}, {"text", LookText(look, language)}});
  }
  return out;
}

json NotLookedAt(const std::vector<Look>& looks, Language language) {
  json out = json::array();
  for (const Look look : looks) {
    out.push_back({{"name", LookName(look)}, {"text", NotLookedAtText(look, language)}});
  }
  return out;
}

json Of(Step step, Language language) {
  const std::string_view command = StepCommand(step);
  return {{"command", command.empty() ? json(nullptr) : json(command)},
          {"text", StepText(step, language)}};
}

json Of(const Cause& cause, Language language) {
  json evidence = json::array();
  for (const EvidenceLine& line : cause.evidence) {
    evidence.push_back(Of(line, language));
  }
  json next = json::array();
  for (const Step step : cause.next) {
    next.push_back(Of(step, language));
  }
  return {{"code", CauseName(cause.code)},
          {"text", CauseSentence(cause.code, language)},
          {"confidence", cause.confidence},
          {"evidence", std::move(evidence)},
          {"healthy", Healthy(cause.healthy, language)},
          {"not_looked_at", NotLookedAt(cause.not_looked_at, language)},
          {"next", std::move(next)}};
}

}  // namespace

std::string ToJson(const Diagnosis& diagnosis, Language language) {
  json causes = json::array();
  for (const Cause& cause : diagnosis.causes) {
    causes.push_back(Of(cause, language));
  }
  const json out = {{"question", QuestionName(diagnosis.question)},
                    {"text", QuestionText(diagnosis.question, language)},
                    {"causes", std::move(causes)},
                    {"healthy", Healthy(diagnosis.healthy, language)},
                    {"not_looked_at", NotLookedAt(diagnosis.not_looked_at, language)}};
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace vitrine::monitor
