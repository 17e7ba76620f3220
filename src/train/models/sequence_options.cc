#include "train/models/sequence_options.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <string_view>

namespace vitrine::train {
namespace {

/// In the order of Loss.
constexpr std::array<std::string_view, 5> kLossNames = {"sampled_softmax", "softmax", "bce", "gbce",
                                                        "bpr"};

Loss LossOf(std::string_view name) {
  for (std::size_t i = 0; i < kLossNames.size(); ++i) {
    if (kLossNames[i] == name) {
      return static_cast<Loss>(i);
    }
  }
  return Loss::kSampledSoftmax;  // Parameters let no other word through
}

}  // namespace

std::vector<ParameterDef> SequenceParameters(const SequenceOptions& d) {
  const std::vector<std::string> losses(kLossNames.begin(), kLossNames.end());
  return {{"length", d.length, "newest places of a history that are looked at", 2, 1000},
          {"width", d.width, "numbers an item's embedding has", 4, 2048},
          {"dropout", d.dropout, "share of activations left out while training", 0, 0.9},
          {.name = "loss",
           .standard = std::string(kLossNames[static_cast<std::size_t>(d.loss)]),
           .help = "what is minimised; all but softmax compare with sampled items",
           .choices = losses},
          {"negatives", d.negatives, "sampled items a step is compared with", 1, 1048576},
          {"calibration", d.calibration, "gbce: 0 as bce, 1 undoes the sampling's overconfidence",
           0, 1},
          {"label_smoothing", d.label_smoothing,
           "softmax losses: share of the target spread over all", 0, 0.9},
          {"learning_rate", d.learning_rate, "Adam's step size", 1e-6, 1},
          {"weight_decay", d.weight_decay, "decoupled decay of the weights", 0, 10},
          {"clip", d.clip, "longest gradient of a step; 0: any", 0, 1e6},
          {"warmup", d.warmup, "epochs over which the step size rises", 0, 1000},
          {.name = "schedule",
           .standard = d.schedule,
           .help = "step size after that: constant, or cosine down to 0 at `epochs`",
           .choices = {"constant", "cosine"}},
          {"average", d.average, "decay a step of averaged weights (0.999); 0: none are kept", 0,
           0.999999},
          {"batch", d.batch, "histories a step", 1, 65536},
          {"epochs", d.epochs, "passes over the data at most", 1, 100000},
          {"patience", d.patience, "validations without a better one before it stops", 1, 1000},
          {"validate_every", d.validate_every, "epochs between validations", 1, 1000},
          {"threads", d.threads, "0: one per core; 1: the same bits every time", 0, 256}};
}

Result<SequenceOptions> SequenceOptionsOf(const std::string& algorithm, const Parameters& p) {
  SequenceOptions options{.length = p.Int("length"),
                          .width = p.Int("width"),
                          .dropout = p.Number("dropout"),
                          .loss = LossOf(p.Word("loss")),
                          .negatives = p.Int("negatives"),
                          .calibration = p.Number("calibration"),
                          .label_smoothing = p.Number("label_smoothing"),
                          .learning_rate = p.Number("learning_rate"),
                          .weight_decay = p.Number("weight_decay"),
                          .clip = p.Number("clip"),
                          .warmup = p.Number("warmup"),
                          .schedule = p.Word("schedule"),
                          .average = p.Number("average"),
                          .batch = p.Int("batch"),
                          .epochs = p.Int("epochs"),
                          .patience = p.Int("patience"),
                          .validate_every = p.Int("validate_every"),
                          .threads = p.Int("threads")};
  if (options.label_smoothing > 0 && options.loss != Loss::kSoftmax) {
    return InvalidArgument(
        fmt::format("{}: label_smoothing ({}) is for loss = \"softmax\"; loss is \"{}\"", algorithm,
                    options.label_smoothing, p.Word("loss")));
  }
  return options;
}

}  // namespace vitrine::train
