#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include "core/nearest_name.h"
#include "rollout/rollout.h"

namespace vitrine::rollout {
namespace {

using nlohmann::json;

constexpr std::array kStageKinds = {StageKind::kShadow, StageKind::kCanary, StageKind::kAb,
                                    StageKind::kInterleaving};
constexpr const char* kStageKindNames = "shadow, interleaving, canary or ab";

Status Wrong(const std::string& field, std::string_view what) {
  return InvalidArgument(fmt::format("policy: {} must be {}", field, what));
}

Status Read(const json& value, const std::string& field, double& to) {
  if (!value.is_number()) {
    return Wrong(field, "a number");
  }
  to = value.get<double>();
  return Status::Ok();
}

Status Read(const json& value, const std::string& field, bool& to) {
  if (!value.is_boolean()) {
    return Wrong(field, "true or false");
  }
  to = value.get<bool>();
  return Status::Ok();
}

template <typename Int>
Status ReadCount(const json& value, const std::string& field, Int& to) {
  // A year in seconds, a billion answers: larger ones are slips of the keyboard.
  constexpr std::uint64_t kMost = 1'000'000'000;
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > kMost) {
    return Wrong(field, fmt::format("a whole number from 0 to {}", kMost));
  }
  to = static_cast<Int>(value.get<std::uint64_t>());
  return Status::Ok();
}

Status Read(const json& value, const std::string& field, std::int64_t& to) {
  return ReadCount(value, field, to);
}
Status Read(const json& value, const std::string& field, std::uint64_t& to) {
  return ReadCount(value, field, to);
}

using Readers = std::map<std::string, std::function<Status(const json&, const std::string&)>>;

template <typename T>
auto Into(T& to) {
  return [&to](const json& value, const std::string& field) { return Read(value, field, to); };
}

Status ReadObject(const json& object, const std::string& field, const Readers& readers) {
  if (!object.is_object()) {
    return Wrong(field.empty() ? "it" : field, "an object");
  }
  for (const auto& [name, value] : object.items()) {
    const std::string inner = field.empty() ? name : field + "." + name;
    const auto reader = readers.find(name);
    if (reader == readers.end()) {
      std::string known;
      for (const auto& [one, unused] : readers) {
        known += (known.empty() ? "" : ", ") + one;
      }
      return InvalidArgument(
          fmt::format("policy: there is no field {}; there are: {}", inner, known));
    }
    RETURN_IF_ERROR(reader->second(value, inner));
  }
  return Status::Ok();
}

Status ReadKind(const json& value, const std::string& field, StageKind& to) {
  for (const StageKind kind : kStageKinds) {
    if (value == StageKindName(kind)) {
      to = kind;
      return Status::Ok();
    }
  }
  return Wrong(field, kStageKindNames);
}

Status ReadMetric(const json& value, const std::string& field, Metric& to) {
  std::string known;
  for (int i = 0; i < kMetrics; ++i) {
    const auto metric = static_cast<Metric>(i);
    known += (known.empty() ? "" : ", ") + std::string(MetricName(metric));
    if (value == MetricName(metric)) {
      to = metric;
      return Status::Ok();
    }
  }
  return Wrong(field, "one of " + known);
}

template <typename T, typename ReadOne>
Status ReadList(const json& list, const std::string& field, std::vector<T>& to, ReadOne read) {
  if (!list.is_array()) {
    return Wrong(field, "a list");
  }
  to.clear();
  for (std::size_t i = 0; i < list.size(); ++i) {
    RETURN_IF_ERROR(read(list[i], fmt::format("{}[{}]", field, i), to.emplace_back()));
  }
  return Status::Ok();
}

Status ReadStage(const json& object, const std::string& field, Stage& stage) {
  bool kind = false;
  RETURN_IF_ERROR(ReadObject(object, field,
                             {{"kind",
                               [&](const json& value, const std::string& inner) {
                                 kind = true;
                                 return ReadKind(value, inner, stage.kind);
                               }},
                              {"share", Into(stage.share)},
                              {"seconds", Into(stage.seconds)},
                              {"answers", Into(stage.answers)},
                              {"users", Into(stage.users)}}));
  return kind ? Status::Ok() : Wrong(field + ".kind", std::string("given: ") + kStageKindNames);
}

Status ReadRule(const json& object, const std::string& field, GuardrailRule& rule) {
  bool metric = false;
  RETURN_IF_ERROR(ReadObject(object, field,
                             {{"metric",
                               [&](const json& value, const std::string& inner) {
                                 metric = true;
                                 return ReadMetric(value, inner, rule.metric);
                               }},
                              {"loss", Into(rule.loss)}}));
  return metric ? Status::Ok() : Wrong(field + ".metric", "given");
}

}  // namespace

Result<RolloutPolicy> PolicyFromJson(std::string_view text) {
  const json object = json::parse(text, nullptr, false);
  if (object.is_discarded()) {
    return InvalidArgument("policy: this is not JSON");
  }
  RolloutPolicy policy = DefaultPolicy();
  ShadowLimits& shadow = policy.shadow;
  RETURN_IF_ERROR(ReadObject(object, "",
                             {{"stages",
                               [&](const json& value, const std::string& field) {
                                 return ReadList(value, field, policy.stages, ReadStage);
                               }},
                              {"guardrails",
                               [&](const json& value, const std::string& field) {
                                 return ReadList(value, field, policy.guardrails, ReadRule);
                               }},
                              {"shadow",
                               [&](const json& value, const std::string& field) {
                                 return ReadObject(value, field,
                                                   {{"errors", Into(shadow.errors)},
                                                    {"latency", Into(shadow.latency)},
                                                    {"overlap", Into(shadow.overlap)},
                                                    {"coverage", Into(shadow.coverage)}});
                               }},
                              {"alpha", Into(policy.alpha)},
                              {"minimum_users", Into(policy.minimum_users)},
                              {"minimum_answers", Into(policy.minimum_answers)},
                              {"attribution_seconds", Into(policy.attribution_seconds)},
                              {"purchase_seconds", Into(policy.purchase_seconds)},
                              {"promote", Into(policy.promote)},
                              {"approval", Into(policy.approval)}}));
  RETURN_IF_ERROR(Validate(policy));
  return policy;
}

std::string PolicyToJson(const RolloutPolicy& policy) {
  nlohmann::ordered_json stages = nlohmann::ordered_json::array();
  for (const Stage& stage : policy.stages) {
    stages.push_back({{"kind", StageKindName(stage.kind)},
                      {"share", stage.share},
                      {"seconds", stage.seconds},
                      {"answers", stage.answers},
                      {"users", stage.users}});
  }
  nlohmann::ordered_json guardrails = nlohmann::ordered_json::array();
  for (const GuardrailRule& rule : policy.guardrails) {
    guardrails.push_back({{"metric", MetricName(rule.metric)}, {"loss", rule.loss}});
  }
  const nlohmann::ordered_json out = {{"stages", stages},
                                      {"guardrails", guardrails},
                                      {"shadow",
                                       {{"errors", policy.shadow.errors},
                                        {"latency", policy.shadow.latency},
                                        {"overlap", policy.shadow.overlap},
                                        {"coverage", policy.shadow.coverage}}},
                                      {"alpha", policy.alpha},
                                      {"minimum_users", policy.minimum_users},
                                      {"minimum_answers", policy.minimum_answers},
                                      {"attribution_seconds", policy.attribution_seconds},
                                      {"purchase_seconds", policy.purchase_seconds},
                                      {"promote", policy.promote},
                                      {"approval", policy.approval}};
  return out.dump();
}

std::string ApprovalsToJson(const std::vector<Approval>& approvals) {
  json out = json::array();
  for (const Approval& one : approvals) {
    out.push_back({{"actor", one.actor}, {"reason", one.reason}, {"time", one.time.value}});
  }
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<std::vector<Approval>> ApprovalsFromJson(std::string_view text) {
  const json list = json::parse(text, nullptr, false);
  std::vector<Approval> approvals;
  bool good = list.is_array();
  for (std::size_t i = 0; good && i < list.size(); ++i) {
    const json& one = list[i];
    good = one.is_object() && one.contains("actor") && one["actor"].is_string() &&
           one.contains("reason") && one["reason"].is_string() && one.contains("time") &&
           one["time"].is_number_integer();
    if (good) {
      approvals.push_back({one["actor"].get<std::string>(), one["reason"].get<std::string>(),
                           Micros{one["time"].get<std::int64_t>()}});
    }
  }
  return good ? Result<std::vector<Approval>>(std::move(approvals))
              : Result<std::vector<Approval>>(DataLoss("its approvals"));
}

}  // namespace vitrine::rollout
