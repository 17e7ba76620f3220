/// Explanations after the fact: of kept answers, and of what a version's answers rest on. A thread looks at the newest answers
/// now and then, for versions that a job of kind `explain` has made a report of.
/// Threads: any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "apps/vitrine/job_service.h"
#include "apps/vitrine/settings.h"
#include "core/guarded.h"
#include "data/event_log.h"
#include "explain/explain.h"
#include "explain/global_attributions.h"
#include "loop/steps.h"
#include "registry/registry.h"
#include "serve/model_set.h"
#include "serve/recommend.h"
#include "transport/http/services.h"

namespace vitrine::apps {

/// How well the live answers of a version agree with its report.
struct Stability {
  double ndcg = 1;
  std::uint64_t answers = 0;  ///< of the live window
};

/// explain.live_minutes; 0 where nothing is watched.
std::chrono::minutes LiveEvery(const Settings& settings);

class Explaining final : public http::AnswerExplainer, public http::ModelExplainer {
 public:
  /// What it works on; all outlive it.
  struct Parts {
    const data::EventLog* log = nullptr;
    const serve::ModelSet* models = nullptr;
    const serve::Recommender* recommender = nullptr;
    const explain::ScoreExplainer* explainer = nullptr;
    const registry::Registry* registry = nullptr;
    std::string folder;               ///< where reports are kept, VERSION.json each
    std::chrono::minutes live_every;  ///< 0: live answers are not looked at
  };
  explicit Explaining(Parts parts);
  ~Explaining() override;

  Result<Explained> Explain(std::string_view request_id, std::string_view language) const override;
  Result<serve::Examined> Examine(std::string_view request_id,
                                  const serve::AbsenceQuestion& question,
                                  std::string_view language) const override;
  Result<std::string> ExplainModel(std::string_view version, std::string_view against,
                                   std::string_view language) const override;

  /// By version, of the newest look.
  [[nodiscard]] std::map<std::string, Stability> Stabilities() const;
  /// One look at the newest answers. `stop` ends it early. What cannot be read is left for the next look.
  void LookAtAnswers(const std::stop_token& stop);

  /// A report of a version over held-out cases: {"version": NAME:NUMBER or alias, "cases": n}. The work is done by a child
  /// of this program. `data`: the data directory, whose newest cases are taken.
  [[nodiscard]] JobBody Job(std::string data, loop::Programs programs, const Settings& settings);

 private:
  struct Live {
    explain::GlobalReport report;
    Stability stability;
  };
  void Run(const std::stop_token& stop);
  bool Rest(std::chrono::steady_clock::duration time, const std::stop_token& stop);
  [[nodiscard]] std::string FileOf(std::string_view version) const;
  /// Errors: kNotFound (none was made: says how to), kDataLoss.
  [[nodiscard]] Result<explain::GlobalReport> ReferenceOf(const std::string& version) const;

  Parts parts_;
  Guarded<std::map<std::string, Live>> live_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: stops before the rest dies
};

}  // namespace vitrine::apps
