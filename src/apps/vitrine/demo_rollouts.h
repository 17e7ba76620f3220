/// The demo's rollouts: shoppers come as long as one goes on, and what became of it is told.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>

#include "apps/vitrine/api_session.h"
#include "apps/vitrine/simulation.h"
#include "core/status.h"

namespace vitrine::apps {

/// Short stages, for a shop that has a few thousand visits: a shadow, a quarter of the shoppers, half of them.
extern const char* const kDemoPolicy;
/// The same without the shadow: what it would have kept from shoppers meets some of them.
extern const char* const kDemoPolicyWithoutShadow;

struct DemoRollout {
  std::string id;
  std::string state;  ///< "promoted", "rolled_back", or "running" where the visits did not decide
  std::string reason;
  std::string kind;  ///< of the stage in which it ended: "shadow", "canary"
  double seconds = 0;
  double users = 0;  ///< share of those who came that the candidate answered, in the largest stage
  std::uint64_t visits = 0;
};

/// Of users who came to the stages with arms, the share whom the candidate answered in the largest; by the evidence of an
/// audit entry.
double UsersWhoSaw(const nlohmann::json& evidence);

/// Lets shoppers visit until the rollout has ended, `most` at most.
/// Errors: those of the API; kCancelled.
Result<DemoRollout> FollowRollout(ApiSession& session, Simulation& simulation,
                                  const std::string& id, std::uint64_t most,
                                  const std::stop_token& stop);

/// Begins one by hand; its id.
Result<std::string> BeginRollout(ApiSession& session, const std::string& candidate,
                                 const char* policy, const std::string& reason);

}  // namespace vitrine::apps
