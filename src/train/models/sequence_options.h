/// What every network that reads histories is trained by: one set of settings for the family.
/// No LibTorch. Threads: values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/status.h"
#include "train/parameters.h"

namespace vitrine::train {

/// What a step learns of a window of a history.
enum class Learn : std::uint8_t {
  kNext,  ///< every place what follows it
  kNewest,  ///< the newest place alone, from every beginning (for networks whose places see what follows them)
  kMasked,  ///< what stood at places that are hidden
};

enum class Loss : std::uint8_t {
  kSampledSoftmax,  ///< the target against items that all places of a step share
  kSoftmax,         ///< the target against every item
  kBce,             ///< yes for the target, no for each sampled item
  kGbce,            ///< the same with the target's probability to a power
  kBpr,             ///< the target above each sampled item
};

struct SequenceOptions {
  std::int64_t length = 50;  ///< newest places kept
  std::int64_t width = 64;   ///< of the embeddings, d
  double dropout = 0.3;
  Loss loss = Loss::kSampledSoftmax;
  std::int64_t negatives = 512;  ///< sampled items that all places of a step share
  double calibration = 0.75;     ///< gBCE's t: 0 is BCE, 1 corrects for the sampling fully
  double label_smoothing = 0;    ///< softmax losses: share of the target that all items get
  double learning_rate = 0.001;
  double weight_decay = 0;            ///< decoupled (AdamW); of matrices and item vectors
  double clip = 5;                    ///< gradients longer than this are shortened to it; 0: never
  double warmup = 0;                  ///< epochs over which the learning rate rises from 0
  std::string schedule = "constant";  ///< or "cosine": down to 0 at `epochs`
  double average = 0;               ///< decay a step of the averaged weights; 0: the newest weights
  std::int64_t batch = 128;         ///< histories a step, of like length
  std::int64_t epochs = 120;        ///< at most
  std::int64_t patience = 4;        ///< validations without a better one before it stops
  std::int64_t validate_every = 4;  ///< epochs
  std::int64_t threads = 0;         ///< 0: one per core; bit-for-bit reproducible with 1
  Learn learn = Learn::kNext;
  double mask = 0.4;         ///< kMasked: share of a window's places that are hidden
  double mask_newest = 0.1;  ///< kMasked: share of windows whose newest place alone is hidden
};

/// The parameters of a train spec that fill SequenceOptions (all but learn, mask and mask_newest), with
/// `standard` as defaults.
std::vector<ParameterDef> SequenceParameters(const SequenceOptions& standard);

/// Errors: kInvalidArgument (label_smoothing with a loss that has no softmax).
Result<SequenceOptions> SequenceOptionsOf(const std::string& algorithm,
                                          const Parameters& parameters);

}  // namespace vitrine::train
