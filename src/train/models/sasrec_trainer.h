/// The fitting of SASRec: epochs, early stopping, checkpoint. Included by sasrec*.cc only.
#pragma once

#include "train/models/torch_headers.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/status.h"
#include "train/model.h"
#include "train/models/sasrec_batches.h"
#include "train/models/sasrec_network.h"

namespace vitrine::train {

/// One fit. Everything random in an epoch is drawn from (seed, epoch), so that a run continued from
/// its checkpoint ends bit for bit where an uninterrupted one does.
class SasrecTrainer {
 public:
  SasrecTrainer(const SasrecOptions& options, SasrecNetwork network, SequenceBatches batches,
                const FitContext& context);

  /// Trains until the best epoch is found (or `chosen` epochs are done) and leaves its weights in
  /// the network. `validate` measures the network as it stands.
  Result<FitOutcome> Run(const std::function<Result<double>()>& validate);

 private:
  struct Best {
    std::int64_t epoch = 0;
    double value = -1;
    std::vector<torch::Tensor> weights;
  };
  Result<double> Epoch();
  torch::Tensor Loss(const SequenceBatch& batch);
  [[nodiscard]] bool Finished(std::int64_t epochs) const;
  Status Validate(const std::function<Result<double>()>& validate);
  void Report(double loss, std::int64_t epochs) const;
  /// Errors: kUnavailable (cannot write).
  [[nodiscard]] Status SaveCheckpoint() const;
  /// True where there was one of this fit.
  bool LoadCheckpoint();

  const SasrecOptions& options_;
  SasrecNetwork network_;
  SequenceBatches batches_;
  const FitContext& context_;
  torch::optim::Adam adam_;
  std::int64_t epoch_ = 0;
  double loss_ = 0;
  Best best_;
};

/// Sets LibTorch's and OpenBLAS's threads; 0: one per core.
void SetThreads(std::int64_t threads);

}  // namespace vitrine::train
