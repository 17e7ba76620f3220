#include "train/models/torch_headers.h"

#include "train/models/bsarec.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "train/models/bsarec_network.h"
#include "train/models/sequence_model.h"

namespace vitrine::train {

std::unique_ptr<TrainableModel> MakeBsarec(const BsarecOptions& options) {
  SequenceOptions train = options.train;
  train.learn = options.sees == "all" ? Learn::kNewest : Learn::kNext;
  return MakeSequenceModel("bsarec", train, [options](std::int64_t items) {
    return std::make_shared<BsarecNetwork>(options, items);
  });
}

ModelFactory BsarecFactory() {
  const BsarecOptions d;
  std::vector<ParameterDef> parameters = SequenceParameters(d.train);
  parameters.push_back({"blocks", d.blocks, "blocks of filter and attention", 1, 16});
  parameters.push_back({"heads", d.heads, "attention heads; divides width", 1, 64});
  parameters.push_back({"filter", d.filter, "share of the filter, attention has the rest", 0, 1});
  parameters.push_back({"cutoff", d.cutoff,
                        "the lowest cutoff / 2 + 1 frequencies are the filter's low part", 0,
                        1000});
  parameters.push_back({.name = "sees",
                        .standard = d.sees,
                        .help = "what a place's filter sees: past, or all (as published, slower)",
                        .choices = {"past", "all"}});
  return {
      .algorithm = "bsarec",
      .summary = "Self-attention mixed with a low-pass filter over the history.",
      .parameters = std::move(parameters),
      .create = [](const Parameters& p) -> Result<std::unique_ptr<TrainableModel>> {
        BsarecOptions options{.train = {},
                              .blocks = p.Int("blocks"),
                              .heads = p.Int("heads"),
                              .filter = p.Number("filter"),
                              .cutoff = p.Int("cutoff"),
                              .sees = p.Word("sees")};
        ASSIGN_OR_RETURN(options.train, SequenceOptionsOf("bsarec", p));
        if (options.train.width % options.heads != 0) {
          return InvalidArgument(fmt::format("bsarec: width ({}) must be a multiple of heads ({})",
                                             options.train.width, options.heads));
        }
        if (options.cutoff > options.train.length) {
          return InvalidArgument(fmt::format("bsarec: cutoff ({}) must be at most length ({})",
                                             options.cutoff, options.train.length));
        }
        return MakeBsarec(options);
      },
      .weighs_examples = true};
}

}  // namespace vitrine::train
