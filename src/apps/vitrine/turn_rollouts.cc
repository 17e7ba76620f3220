#include "apps/vitrine/turn_rollouts.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace vitrine::apps {
namespace {

Result<std::string> PolicyOf(const std::string& file, const std::string& data) {
  if (file.empty()) {
    return rollout::PolicyToJson(rollout::DefaultPolicy());
  }
  const std::string path = (std::filesystem::path(data) / file).string();
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return NotFound(fmt::format("{} cannot be read", path));
  }
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const Result<rollout::RolloutPolicy> policy = rollout::PolicyFromJson(text);
  RETURN_IF_ERROR(policy.status().WithContext(path));
  return rollout::PolicyToJson(*policy);
}

/// Users meet what scenes retrieve by; anything else has no users to be tried on.
bool IsRetrievedBy(const serve::SceneBook& scenes, std::string_view alias) {
  const auto all = scenes.All();
  return alias == registry::kChampion ||
         std::any_of(all->begin(), all->end(),
                     [&](const auto& scene) { return scene.second->retriever == alias; });
}

}  // namespace

Result<TurnPromotion> TurnPromotionOf(const Settings& settings, const std::string& data) {
  TurnPromotion promotion;
  const std::string& how = settings.Text("retrain.promote");
  if (how != kDirectly && how != kByRollout) {
    return InvalidArgument(
        fmt::format("retrain.promote: '{}' is none; there are direct and rollout", how));
  }
  promotion.by_rollout = how == kByRollout;
  auto policy = PolicyOf(settings.Text("retrain.policy"), data);
  RETURN_IF_ERROR(policy.status().WithContext("retrain.policy"));
  promotion.policy = *std::move(policy);
  if (promotion.by_rollout && !settings.Flag("monitor.enabled")) {
    return FailedPrecondition(
        "retrain.promote=rollout needs monitor.enabled=true: without it nobody joins clicks and "
        "purchases to answers, and no rollout can begin");
  }
  return promotion;
}

Result<loop::HandOver> TurnRollouts::HandOver(const std::string& job, std::string_view alias,
                                              const registry::VersionRef& winner,
                                              const registry::Cause& cause) const {
  ASSIGN_OR_RETURN(const std::optional<rollout::Rollout> begun, store->RolloutOfJob(job));
  if (begun) {
    return loop::HandOver{.rollout = begun->id, .why_not = {}};
  }
  ASSIGN_OR_RETURN(const auto aliases, registry->Aliases());
  const auto at = aliases.find(std::string(alias));
  if (at == aliases.end() || at->second == winner || !IsRetrievedBy(*scenes, alias)) {
    return loop::HandOver{.rollout = {}, .why_not = {}, .direct = true};
  }
  nlohmann::json evidence = nlohmann::json::parse(cause.evidence, nullptr, false);
  evidence["job"] = job;
  evidence["trigger"] = cause.actor;
  const auto made = rollouts->Start({.candidate = winner.ToString(),
                                     .scene = {},
                                     .policy = promotion.policy,
                                     .alias = std::string(alias),
                                     .job = job},
                                    {cause.actor, evidence.dump()});
  if (made.status().code() == Code::kAlreadyExists) {
    return loop::HandOver{
        .rollout = {},
        .why_not = fmt::format("{}. Once that has ended, begin with: vitrine rollout start {}",
                               made.status().message(), winner.ToString())};
  }
  RETURN_IF_ERROR(made.status());
  return loop::HandOver{.rollout = made->rollout.id, .why_not = {}};
}

}  // namespace vitrine::apps
