/// The folder beside an artifact that is being made, OUT.partial: what a cancelled or crashed run
/// leaves, so that the next one with the same request goes on. It goes when the artifact stands.
///   run.json        fingerprint of the request, and what the selecting fit settled on
///   select.state, final.state   checkpoints of the two fits, in the model's own format
#pragma once

#include <optional>
#include <string>

#include "core/artifact.h"
#include "core/status.h"
#include "train/model.h"

namespace vitrine::train {

/// Outcome of the fit on the training part alone.
struct Selection {
  FitOutcome outcome;
  MetricValue validation;
};

/// Errors: kAlreadyExists: an artifact stands at `out` already.
Status CheckNothingStands(const std::string& out);

class PartialRun {
 public:
  /// Opens or makes `out` + ".partial". One of another fingerprint is emptied first.
  /// Errors: kUnavailable (cannot write: names the folder), kResourceExhausted (the disk is full).
  static Result<PartialRun> Open(const std::string& out, const std::string& fingerprint);

  [[nodiscard]] const std::string& fingerprint() const { return fingerprint_; }
  /// Path for a fit's checkpoint: "select" or "final".
  [[nodiscard]] std::string CheckpointOf(std::string_view fit) const;
  /// What an earlier run settled on, if it came that far.
  [[nodiscard]] const std::optional<Selection>& selection() const { return selection_; }
  /// True where an earlier run of this fingerprint left something to go on from.
  [[nodiscard]] bool resumed() const { return resumed_; }
  Status SaveSelection(const Selection& selection);
  /// Removes the folder. Errors are none: what is left is only in the way.
  void Remove() const;

 private:
  std::string folder_;
  std::string fingerprint_;
  std::optional<Selection> selection_;
  bool resumed_ = false;
};

}  // namespace vitrine::train
