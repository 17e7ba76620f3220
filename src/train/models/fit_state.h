/// What the fits of all networks have in common: seeds, threads, averaged weights, the checkpoint.
/// Includes LibTorch: for .cc files of networks only. Threads: one.
#pragma once

#include "train/models/torch_headers.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/status.h"
#include "train/models/row_adam.h"

namespace vitrine::train {

/// A stream of random numbers of its own for every epoch, so that a run continued from its checkpoint
/// ends bit for bit where an uninterrupted one does.
std::uint64_t EpochSeed(std::uint64_t seed, std::int64_t epoch);

/// Sets LibTorch's and OpenBLAS's threads; 0: one per core.
void SetThreads(std::int64_t threads);

std::vector<torch::Tensor> CopiesOf(const std::vector<torch::Tensor>& weights);

/// How far a fit is.
struct FitState {
  std::int64_t epoch = 0;  ///< whole ones that are done
  double loss = 0;         ///< of the newest one
  double first_loss = 0;   ///< of the first step; 0: none yet
  std::int64_t best_epoch = 0;
  double best_value = 0;                    ///< of validation
  std::vector<torch::Tensor> best_weights;  ///< empty: not judged yet
};

/// Writes and reads what an optimiser keeps.
using SaveParts = std::function<void(torch::serialize::OutputArchive&)>;
using LoadParts = std::function<void(torch::serialize::InputArchive&)>;

/// A file that appears whole or not at all (graph/whole_file.h); an empty path keeps nothing.
/// Errors: those of WholeFile::Keep.
Status SaveFit(const std::string& path, const std::string& fingerprint, const FitState& state,
               const torch::nn::Module& network, const SaveParts& optimiser);

/// False where there is none that was written under this fingerprint, or it cannot be read (another
/// build's, a torn one): the fit starts afresh then.
bool LoadFit(const std::string& path, const std::string& fingerprint, FitState& state,
             torch::nn::Module& network, const LoadParts& optimiser);

void SaveRows(torch::serialize::OutputArchive& archive, const RowAdam& rows);
/// Throws where the file's table has another size.
void LoadRows(torch::serialize::InputArchive& archive, RowAdam& rows);

/// Weights averaged over the steps, newer ones weighing more: average = keep * average + (1 - keep) *
/// weight, keep rising from 1/10 to `decay`, so that the first weights do not weigh on it.
class WeightAverage {
 public:
  /// `decay` 0: none is kept, and nothing below does anything.
  WeightAverage(double decay, const std::vector<torch::Tensor>& weights);
  /// After step number `step` (from 1 on).
  void Follow(std::int64_t step, const std::vector<torch::Tensor>& weights);
  /// Exchanges weights and averages; twice is nothing.
  void Exchange(std::vector<torch::Tensor> weights);

  void Save(torch::serialize::OutputArchive& archive) const;
  void Load(torch::serialize::InputArchive& archive);

 private:
  double decay_;
  std::vector<torch::Tensor> average_;
};

}  // namespace vitrine::train
