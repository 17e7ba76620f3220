/// What the routes of rollouts call. Implemented by the program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "registry/registry.h"
#include "rollout/rollout.h"

namespace vitrine::http {

struct RolloutStart {
  std::string candidate;  ///< "name:number" or an alias
  std::string scene;      ///< empty: wherever the champion retrieves
  std::string policy;     ///< JSON; empty: the default one
  std::string
      alias;  ///< whose place it shall take; empty: the scene's, or champion. Not from requests
  std::string job;  ///< the turn of the loop that begins it. Not from requests
};

/// A rollout, and what its newest look saw: JSON, the audit entry's evidence.
struct RolloutView {
  rollout::Rollout rollout;
  std::string seen = "null";
  bool waits_for_approval = false;  ///< every stage is passed
};

enum class RolloutVerb : std::uint8_t { kPause, kResume, kPromote, kRollBack, kApprove };

/// Threads: any; methods may block on a load.
class RolloutService {
 public:
  virtual ~RolloutService() = default;
  /// Loads and warms the candidate, then begins. Errors: kInvalidArgument (policy: names the field), kNotFound,
  /// kAlreadyExists (a rollout of the alias goes on), kFailedPrecondition (it cannot be loaded, is a ranker, or
  /// serves already; nothing serves).
  virtual Result<RolloutView> Start(const RolloutStart& start, const registry::Cause& cause) = 0;
  virtual Result<RolloutView> Get(std::string_view id) const = 0;
  /// Newest first; `cursor` is the last id of the page before.
  virtual Result<std::vector<RolloutView>> List(std::string_view cursor,
                                                std::size_t limit) const = 0;
  /// Errors: kNotFound, kFailedPrecondition (it has ended, or is in that state already), kPermissionDenied (approve, and
  /// promote where an approval is missing: by who began it).
  virtual Result<RolloutView> Do(std::string_view id, RolloutVerb verb,
                                 const registry::Cause& cause) = 0;
};

}  // namespace vitrine::http
