/// Evidence for the diagnosis, gathered while the server runs: what the monitors count is held per stretch between two
/// deploys, and what nobody else keeps (where the time of answers went, how busy the cores were, the clocks of the
/// sources, where the log stood) is kept here, in bounded memory. It begins anew with the process.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "core/metrics.h"
#include "core/time.h"
#include "data/event_log.h"
#include "monitor/diagnosis/answer_times.h"
#include "monitor/diagnosis/evidence.h"
#include "monitor/diagnosis/totals.h"
#include "monitor/online_monitor.h"
#include "registry/registry.h"
#include "serve/inference.h"
#include "serve/model_set.h"
#include "serve/observer.h"
#include "serve/scene.h"

namespace vitrine::apps {

/// All outlive it.
struct EvidenceSources {
  const monitor::OnlineMonitor* monitor = nullptr;
  const data::EventLog* log = nullptr;
  const registry::Registry* registry = nullptr;
  const serve::ModelSet* models = nullptr;
  const serve::SceneBook* scenes = nullptr;
  const serve::Inference* inference = nullptr;
  const MetricRegistry* metrics = nullptr;
  bool joins = true;  ///< somebody counts what the log holds
};

/// Stands between serving and its observer. Threads: any; its own thread looks once a second.
class LiveEvidence final : public serve::ServeObserver {
 public:
  /// `next` outlives it.
  LiveEvidence(const EvidenceSources& sources, serve::ServeObserver& next);
  ~LiveEvidence() override;

  void OnServed(const serve::ServedRun& run) override;
  void OnImpression(const Impression& impression, bool kept) override;
  void OnDegraded(std::string_view scene, std::string_view rung) override;
  void OnModelFailure(const serve::ServedModel& model, std::string_view message) override;

  /// A record of the log, once it is on disk.
  void OnRecord(const data::LogRecord& record);
  /// Aliases may have moved, or other versions may be loaded.
  void OnModelsChanged();

  /// Where the time of answers goes now, for the service monitor.
  [[nodiscard]] monitor::ServiceLoad Load();
  /// Everything that is known now, but for who reaches the server.
  [[nodiscard]] monitor::Evidence Gather();

 private:
  /// The version that took another's place, last.
  struct Deploy {
    std::string from;  ///< empty: there was none
    std::string to;
    bool by_tensors = false;  ///< below /v2, no scene uses it
  };
  /// A number as answers met it: each second counts as often as it had answers.
  struct Weighed {
    double sum = 0;
    double weight = 0;
    void Add(double value, double by) {
      sum += value * by;
      weight += by;
    }
  };
  /// From one deploy to the next.
  struct Stretch {
    monitor::AnswerTimes times;
    monitor::Totals begin;
    Weighed cpu;
    Weighed rate;
  };
  /// What is left of a stretch that has ended.
  struct Ended {
    monitor::Totals difference;
    monitor::VersionEvidence version;
  };
  /// What a version did by its tensors.
  struct Tensors {
    monitor::BatchMeans stages;
    serve::InferenceCounts last;
  };
  using Names = std::map<std::string, std::string>;  ///< alias or name -> version

  void Run(const std::stop_token& stop);
  void LookAtCores();
  void LookAtTensors();
  void LookAtLog();
  [[nodiscard]] monitor::Totals TotalsNow() const;
  [[nodiscard]] Names Serving() const;
  [[nodiscard]] Names Loaded() const;
  [[nodiscard]] std::optional<Deploy> DeployOfRegistry() const;
  static std::optional<Deploy> Changed(const Names& before, const Names& after);
  static monitor::VersionEvidence Of(const Stretch& stretch, const monitor::Totals& difference);

  void AddTensors(const std::string& version, monitor::VersionEvidence& evidence) const;
  void AddVersion(const std::string& version, const monitor::QualityReport& quality,
                  const monitor::SkewReport& skew, monitor::VersionEvidence& evidence) const;
  void AddData(const monitor::Totals& now, const monitor::QualityReport& quality,
               monitor::Evidence& evidence) const;
  [[nodiscard]] std::uint64_t Behind(std::uint64_t counted) const;
  [[nodiscard]] monitor::StartEvidence Loads() const;

  EvidenceSources sources_;
  serve::ServeObserver& next_;

  std::mutex changing_;  // one change of models at a time; taken before mutex_
  Names serving_;        // with changing_ held
  Names loaded_;

  mutable std::mutex mutex_;  // of all below
  Stretch stretch_;
  std::optional<Ended> ended_;
  std::optional<Deploy> deploy_;  // that this process saw
  std::map<std::string, Tensors> tensors_;
  std::deque<std::pair<Micros, monitor::Totals>> minutes_;  // of the last hour
  std::deque<std::pair<std::chrono::steady_clock::time_point, std::uint64_t>> ends_;  // of the log
  std::vector<double> clocks_;  // reception less the event's time, a ring
  std::size_t clock_at_ = 0;
  std::uint64_t answers_ = 0;
  std::uint64_t answers_before_ = 0;
  double cpu_seconds_ = 0;
  std::chrono::steady_clock::time_point looked_;

  std::mutex waiting_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last
};

}  // namespace vitrine::apps
