/// The fitting of every network that reads histories: epochs, early stopping, checkpoint. Includes
/// LibTorch: for .cc files of networks only.
#pragma once

#include "train/models/torch_headers.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/status.h"
#include "train/model.h"
#include "train/models/fit_state.h"
#include "train/models/sequence_batches.h"
#include "train/models/sequence_network.h"
#include "train/models/sequence_optimiser.h"
#include "train/models/sequence_options.h"

namespace vitrine::train {

/// One fit. Everything random in an epoch is drawn from (seed, epoch), so that a run continued from
/// its checkpoint ends bit for bit where an uninterrupted one does.
class SequenceTrainer {
 public:
  /// `algorithm` names the model in errors.
  SequenceTrainer(std::string algorithm, const SequenceOptions& options,
                  std::shared_ptr<SequenceNetwork> network, SequenceBatches batches,
                  const FitContext& context);

  /// Trains until the best epoch is found (or `chosen` epochs are done) and leaves its weights in
  /// the network. `validate` measures the network as it stands.
  /// Errors: kCancelled, kUnavailable and kResourceExhausted (cannot write the checkpoint), kDataLoss (the loss or its
  ///         gradient is no number, or the loss exploded: names epoch and step). After each of them
  ///         the checkpoint of the last whole epoch stands.
  Result<FitOutcome> Run(const std::function<Result<double>()>& validate);

  /// One step: forward, loss, backward, weights. Answers the loss; not finite where nothing was
  /// changed. The network must be in training mode.
  double Step(const SequenceBatch& batch);

 private:
  Result<double> Epoch();
  [[nodiscard]] Status Exploded(double loss, std::size_t step) const;
  [[nodiscard]] bool Finished(std::int64_t epochs) const;
  Status Validate(const std::function<Result<double>()>& validate);
  FitOutcome Outcome();
  void Report(double loss, std::int64_t epochs) const;
  /// Errors: those of graph::WholeFile::Keep; the checkpoint of before stands.
  [[nodiscard]] Status SaveCheckpoint() const;
  void LoadCheckpoint();

  std::string algorithm_;
  const SequenceOptions& options_;
  std::shared_ptr<SequenceNetwork> network_;
  SequenceBatches batches_;
  const FitContext& context_;
  SequenceOptimiser optimiser_;
  std::vector<std::int64_t> slots_;  // of an item among those of a step, -1: none; all -1 between
  FitState state_;
};

}  // namespace vitrine::train
