/// How turns of the loop bring their winners to users: at once, or by rollouts (settings retrain.promote and
/// retrain.policy).
#pragma once

#include <string>
#include <string_view>

#include "apps/vitrine/settings.h"
#include "loop/retrain.h"
#include "registry/registry.h"
#include "rollout/store.h"
#include "serve/scene.h"
#include "transport/http/rollout_service.h"

namespace vitrine::apps {

/// retrain.promote.
inline constexpr std::string_view kDirectly = "direct";
inline constexpr std::string_view kByRollout = "rollout";

struct TurnPromotion {
  bool by_rollout = false;
  std::string policy;  ///< of the rollouts, JSON
};

/// Errors: kInvalidArgument (names the setting, and the field of a policy), kNotFound (its file cannot be read),
/// kFailedPrecondition (monitor.enabled is false).
Result<TurnPromotion> TurnPromotionOf(const Settings& settings, const std::string& data);

/// All outlive it.
struct TurnRollouts {
  TurnPromotion promotion;
  http::RolloutService* rollouts = nullptr;
  const rollout::RolloutStore* store = nullptr;
  const registry::Registry* registry = nullptr;
  const serve::SceneBook* scenes = nullptr;

  /// Begins the rollout of what the turn `job` deploys, or finds the one that it began before it was interrupted. An
  /// alias that nothing has yet, or that no scene retrieves by, moves at once.
  /// Errors: those of RolloutService::Start but kAlreadyExists, which is an outcome with its reason.
  [[nodiscard]] Result<loop::HandOver> HandOver(const std::string& job, std::string_view alias,
                                                const registry::VersionRef& winner,
                                                const registry::Cause& cause) const;
};

}  // namespace vitrine::apps
