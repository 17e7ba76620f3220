/// The fitting of every network over labelled rows: epochs, early stopping, checkpoint. Includes
/// LibTorch: for .cc files of networks only.
#pragma once

#include "train/models/torch_headers.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/status.h"
#include "train/models/fit_state.h"
#include "train/models/row_network.h"
#include "train/models/row_optimiser.h"
#include "train/models/row_options.h"
#include "train/ranker.h"

namespace vitrine::train {

/// One fit. An epoch is made in `checks` rounds, after each of which the watched rows are judged and
/// the checkpoint is written. Everything random is drawn from (seed, epoch) and (seed, round), so that
/// a run continued from its checkpoint ends bit for bit where an uninterrupted one does.
class RowTrainer {
 public:
  /// `algorithm` names the model in errors. The rows were checked (train/ranker_rows.h), and
  /// outlive the trainer, as options and context do.
  RowTrainer(std::string algorithm, const RowOptions& options, std::shared_ptr<RowNetwork> network,
             const LabelledRows& rows, const LabelledRows* watched, const RankerContext& context);

  /// Trains until the watched rows' log-loss no longer falls (or `chosen` epochs are done) and leaves
  /// the best weights in the network. FitOutcome::best is that log-loss.
  /// Errors: kCancelled, kUnavailable (cannot write the checkpoint), kInternal (the loss or its
  ///         gradient is no number, or the loss exploded: names epoch and step). After each of them
  ///         the checkpoint of the last whole round stands.
  Result<FitOutcome> Run();

 private:
  Result<double> Round();
  /// The loss; not finite where nothing was changed.
  double Step(const torch::Tensor& rows);
  void Judge();
  void Shuffle(std::int64_t epoch);
  [[nodiscard]] double Epochs(std::int64_t rounds) const;
  [[nodiscard]] bool Finished(std::int64_t rounds) const;
  [[nodiscard]] Status Failed(double loss, std::int64_t step) const;
  FitOutcome Outcome();
  void Report(std::int64_t rounds) const;

  std::string algorithm_;
  const RowOptions& options_;
  std::shared_ptr<RowNetwork> network_;
  const LabelledRows& rows_;
  const LabelledRows* watched_;
  const RankerContext& context_;
  torch::Tensor labels_;   // [n] float32
  torch::Tensor weights_;  // [n] float32, their mean is 1; undefined: all 1
  double share_loss_;      // of the labels' share alone, with which the network begins
  RowOptimiser optimiser_;
  std::int64_t steps_;  // of an epoch
  std::int64_t checks_;
  std::vector<std::int64_t> order_;  // of the rows in `shuffled_`
  std::int64_t shuffled_ = -1;
  FitState state_;  // its epochs are rounds
};

/// Mean log-loss of rows by their bounded logits [n], by weight where there are weights.
double LogLossOf(const torch::Tensor& logits, const LabelledRows& rows);

}  // namespace vitrine::train
