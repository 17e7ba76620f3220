/// The owner of rollouts: it looks once a second at what the arms did, has rollout/decide.h decide, and does it.
/// Every change of a rollout, by a person or by itself, goes through one function: the registry's file first, in
/// one transaction with aliases and audit entry, then the pointer that requests read. A roll back swaps the
/// pointer first, so that no user waits for a disk.
/// Threads: any; one of its own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "apps/vitrine/model_service.h"
#include "apps/vitrine/rollout_counts.h"
#include "core/metrics.h"
#include "rollout/decide.h"
#include "rollout/store.h"
#include "serve/recommend.h"
#include "serve/scene.h"
#include "serve/shadow.h"
#include "serve/traffic.h"
#include "transport/http/rollout_service.h"

namespace vitrine::apps {

/// Who acts where no person does.
inline constexpr std::string_view kRolloutActor = "rollout";

/// All outlive it.
struct RolloutParts {
  rollout::RolloutStore* store = nullptr;
  registry::Registry* registry = nullptr;
  VersionService* versions = nullptr;
  serve::ModelSet* models = nullptr;
  serve::Traffic* traffic = nullptr;
  serve::RecommenderParts serving;  ///< what answers are made of, for the shadow
  MetricRegistry* metrics = nullptr;
  std::function<void(std::string_view id)> on_change;  ///< after each change
  std::chrono::milliseconds every{1000};
  bool joins =
      true;  ///< somebody brings the log's records; without them no stage with users can be passed
  std::function<std::string(Micros now)> frozen;  ///< Evidence::frozen; null: never
  bool approval = false;  ///< of every rollout that begins, whatever its policy says
  bool acts = true;  ///< false: a command that borrows the directory, nothing happens by itself
};

class RolloutOwner final : public http::RolloutService {
 public:
  /// Goes on with rollouts that the store holds as active: their candidates are loaded with the rest.
  /// Errors: those of the store.
  static Result<std::unique_ptr<RolloutOwner>> Open(RolloutParts parts);
  ~RolloutOwner() override;

  Result<http::RolloutView> Start(const http::RolloutStart& start,
                                  const registry::Cause& cause) override;
  Result<http::RolloutView> Get(std::string_view id) const override;
  Result<std::vector<http::RolloutView>> List(std::string_view cursor,
                                              std::size_t limit) const override;
  Result<http::RolloutView> Do(std::string_view id, http::RolloutVerb verb,
                               const registry::Cause& cause) override;

  /// A record of the log, once it is on disk.
  void OnRecord(const data::LogRecord& record);

 private:
  /// A rollout that goes on, and what is counted of its stage.
  struct Live {
    rollout::Rollout rollout;
    std::shared_ptr<const serve::ServedModel> candidate;  ///< null: not loaded yet
    std::shared_ptr<serve::SplitCounters> counters;
    std::shared_ptr<serve::ShadowRunner> shadow;
    std::shared_ptr<RolloutCounts> users;
    std::vector<rollout::Stretch> ended;  ///< of stages before
    Micros since;
    double slow_bound = 0;
    serve::ArmCounts control_then;  ///< when the bound was set
    serve::ArmCounts treatment_then;
    serve::ArmCounts control_told;  ///< to the metrics
    serve::ArmCounts treatment_told;
    serve::ShadowCounts shadow_told;
    rollout::Decision last;
    bool halted = false;  ///< rolled back for requests, not yet in the store
    std::string halted_for;
    registry::Cause halted_by;
  };

  explicit RolloutOwner(RolloutParts parts) : parts_(std::move(parts)) {}
  void Run(const std::stop_token& stop);
  void Look();
  void LookAt(Live& live);
  [[nodiscard]] rollout::Evidence Gather(Live& live);
  void GatherStretch(Live& live, rollout::Stretch& stretch);
  void TakeCandidate(Live& live, rollout::Evidence& evidence);
  void TellMetrics(Live& live);
  void TellShare(const std::string& alias, double users);
  void TellWaiting(const std::string& alias, bool waits);
  /// The one way by which a rollout changes. With mutex_ held; `live` is gone where it ends.
  Status Apply(Live& live, rollout::Act act, const std::string& reason,
               const registry::Cause& cause);
  Status Resume(Live& live, const registry::Cause& cause);
  Status Approve(Live& live, const registry::Cause& cause);
  /// Who promotes gives their word with it.
  Status PromoteByHand(Live& live, const registry::Cause& cause, const registry::Cause& seen);
  Status Commit(Live& live, rollout::RolloutChange change);
  void BeginStage(Live& live);
  void EndStretch(Live& live);
  void Finish(const std::string& id);
  void ReleaseEnded();
  Result<http::RolloutView> Begin(rollout::Rollout draft, const registry::Cause& cause);
  /// Makes what requests see of what is live. With mutex_ held.
  void Publish();
  Result<rollout::Rollout> Draft(const http::RolloutStart& start) const;
  [[nodiscard]] http::RolloutView View(rollout::Rollout rollout) const;

  RolloutParts parts_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
  mutable std::mutex mutex_;          // of changes, and of all below
  std::map<std::string, Live> live_;  // by id
  std::vector<registry::VersionRef> released_;
  std::vector<std::shared_ptr<serve::ShadowRunner>> leaving_;  // requests may still hold them
  mutable std::mutex counting_;  // of what follows; never held for long
  std::vector<std::shared_ptr<RolloutCounts>> counts_;

  std::mutex waiting_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last
};

}  // namespace vitrine::apps
