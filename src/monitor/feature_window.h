/// Served features and scores of one version on the fixed grid of its manifest: what came lately (a
/// ring of slots), and what came first (the baseline), each as O(1) counters.
/// Threads: one caller at a time.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/artifact.h"
#include "core/status.h"
#include "core/tensor.h"
#include "core/time.h"
#include "data/reference_histograms.h"
#include "monitor/reports.h"
#include "monitor/windows/feature_hours.h"

namespace vitrine::monitor {

struct WindowOptions {
  /// A slot is closed once it holds this many requests and is this old.
  std::uint64_t slot_requests = 200;
  Micros slot_time{10 * kMicrosPerSecond};
  std::size_t slots = 12;
  /// The first requests of a version make its baseline.
  std::uint64_t baseline_requests = 1000;
};

class FeatureWindow {
 public:
  /// `references`: the manifest's; series without one are not judged.
  FeatureWindow(data::ServedValues values, std::vector<ReferenceHistogram> references,
                WindowOptions options);

  /// One request. Features as FeatureSpec::Apply made them, a batch of one.
  void Add(std::span<const Tensor> features, std::span<const double> shown_scores, Micros ts);

  /// The verdicts of every series with a reference, decided together, over the closed slots. Each
  /// slot that closes is one look, judged at its part of options.stream_alpha (SpentAlpha): asking
  /// more often asks about the same data and costs nothing.
  [[nodiscard]] DriftModel Report(const DriftOptions& options) const;

  struct KeptHour {
    std::int64_t hour = 0;  ///< since 1970
    bool final = false;     ///< it changes no more
    FeatureHours counts;
  };
  /// Hours that were not dropped, oldest first; the newest may be counted still.
  [[nodiscard]] std::vector<KeptHour> Hours(const DriftOptions& options, Micros now) const;
  /// Forgets this hour and those before: they are final and kept elsewhere. What still comes for them counts in the next.
  void DropHours(std::int64_t through);

  [[nodiscard]] nlohmann::json Save() const;
  /// Replaces the counters. Errors: kInvalidArgument (broken, or of other references: then it stays
  /// as it was).
  Status Load(const nlohmann::json& saved);

 private:
  struct Series {
    ReferenceHistogram reference;
    std::size_t begin = 0;  ///< of its bins in a slot's counts
    bool known = false;
  };
  struct Slot {
    std::vector<std::uint64_t> counts;
    std::uint64_t requests = 0;
    Micros opened;
    bool after_baseline = false;
    bool closed = false;
  };

  struct Hour {
    std::int64_t hour = 0;
    Slot slot;
  };
  /// Hours that ended and nobody took away: the oldest leave.
  static constexpr std::size_t kMostEndedHours = 48;

  [[nodiscard]] Slot EmptySlot() const;
  Slot& OpenHour(Micros ts);
  Slot& Open(Micros ts);
  /// Closes the newest slot where it is full by then.
  void CloseFull(Micros ts);
  void Close(Slot& slot);
  void Count(Slot& slot, std::size_t series, double value) const;
  [[nodiscard]] Slot Sum(bool after_baseline) const;
  [[nodiscard]] std::vector<DriftVerdict> Judge(const Slot& current, const Slot* baseline,
                                                const DriftOptions& options) const;
  [[nodiscard]] bool baseline_ready() const {
    return baseline_.requests >= options_.baseline_requests;
  }

  data::ServedValues values_;
  WindowOptions options_;
  std::vector<Series> series_;  ///< by ServedValues' numbers, scores last
  std::size_t bins_ = 0;
  std::vector<Slot> ring_;  ///< oldest first, the open one last
  Slot baseline_;
  std::vector<Hour> ended_;  ///< oldest first
  std::optional<Hour> hour_;
  std::int64_t dropped_through_ = std::numeric_limits<std::int64_t>::min();
  std::uint64_t requests_ = 0;
  std::uint64_t looks_ = 0;  ///< slots that were closed since the version was first served
};

}  // namespace vitrine::monitor
