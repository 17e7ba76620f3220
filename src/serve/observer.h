/// Port: who watches serving. Implemented by monitor/. Calls happen on the serving thread, after the
/// answer is ready and before it is returned: an implementation must be quick and must not block.
#pragma once

#include <span>
#include <string_view>

#include "core/impression.h"
#include "core/tensor.h"

namespace vitrine::serve {

class ServedModel;

/// One run of a version for one request. Views are valid during the call only.
struct ServedRun {
  const ServedModel& model;
  std::string_view request_id;
  std::string_view scene;
  /// What FeatureSpec made: a batch of one; of a ranker a row for each item shown, in order.
  std::span<const Tensor> features;
  std::span<const double> shown_scores;  ///< of the items shown, in order, before rules and bids
  double model_seconds = 0;              ///< features + graph of the version that was asked first
  double seconds = 0;                    ///< the whole answer so far
  double features_seconds = 0;           ///< of every version that was asked
  double graph_seconds = 0;              ///< the same
  bool ready = false;                    ///< a list that lay ready: nothing was asked
};

/// Threads: any, several at once.
class ServeObserver {
 public:
  virtual ~ServeObserver() = default;
  /// A version ranked an answer.
  virtual void OnServed(const ServedRun& run) = 0;
  /// An answer was given, by a version or by a fallback. `kept`: the log has taken it.
  virtual void OnImpression(const Impression& impression, bool kept) = 0;
  /// An answer came down from its scene's whole pipeline; `rung` by its name.
  virtual void OnDegraded(std::string_view scene, std::string_view rung) = 0;
  /// A version's features or graph failed; the answer was a fallback.
  virtual void OnModelFailure(const ServedModel& model, std::string_view message) = 0;
};

}  // namespace vitrine::serve
