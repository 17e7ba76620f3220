#include "train/models/torch_headers.h"

#include "train/models/sasrec.h"

#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "train/models/sasrec_network.h"
#include "train/models/sequence_model.h"

namespace vitrine::train {

std::unique_ptr<TrainableModel> MakeSasrec(const SasrecOptions& options) {
  return MakeSequenceModel("sasrec", options.train, [options](std::int64_t items) {
    return std::make_shared<SasrecNetwork>(options, items);
  });
}

ModelFactory SasrecFactory() {
  const SasrecOptions d;
  std::vector<ParameterDef> parameters = SequenceParameters(d.train);
  parameters.push_back({"blocks", d.blocks, "attention blocks", 1, 16});
  parameters.push_back({"heads", d.heads, "attention heads; divides width", 1, 64});
  parameters.push_back({.name = "block",
                        .standard = d.block,
                        .help = "sasrec: as published; ligr: gated parts and SwiGLU (eSASRec)",
                        .choices = {"sasrec", "ligr"}});
  return {
      .algorithm = "sasrec",
      .summary = "Self-attention over the newest items of the history.",
      .parameters = std::move(parameters),
      .create = [](const Parameters& p) -> Result<std::unique_ptr<TrainableModel>> {
        SasrecOptions options{.train = {},
                              .blocks = p.Int("blocks"),
                              .heads = p.Int("heads"),
                              .block = p.Word("block")};
        ASSIGN_OR_RETURN(options.train, SequenceOptionsOf("sasrec", p));
        if (options.train.width % options.heads != 0) {
          return InvalidArgument(fmt::format("sasrec: width ({}) must be a multiple of heads ({})",
                                             options.train.width, options.heads));
        }
        return MakeSasrec(options);
      },
      .weighs_examples = true};
}

}  // namespace vitrine::train
