#include "train/models/torch_headers.h"

#include "train/models/two_tower.h"

#include <utility>
#include <vector>

#include "train/models/sequence_model.h"
#include "train/models/two_tower_network.h"
#include "train/sequences.h"

namespace vitrine::train {
namespace {

Result<std::shared_ptr<SequenceNetwork>> MakeNetworkFor(const TwoTowerOptions& options,
                                                        const TrainingSequences& sequences) {
  if (sequences.items.size() != sequences.width) {
    return FailedPrecondition(
        "two_tower reads what the catalogue says of items, and there is no catalogue; add one to "
        "the "
        "snapshot, or use bsarec or bpr");
  }
  const ItemFeatures features = FeaturesOfItems(sequences.items, options.fields, options.widest);
  return std::shared_ptr<SequenceNetwork>(
      std::make_shared<TwoTowerNetwork>(options, sequences, features));
}

}  // namespace

std::unique_ptr<TrainableModel> MakeTwoTower(const TwoTowerOptions& options) {
  return MakeSequenceModelOf(
      "two_tower", options.train,
      [options](const TrainingSequences& sequences) { return MakeNetworkFor(options, sequences); });
}

ModelFactory TwoTowerFactory() {
  const TwoTowerOptions d;
  std::vector<ParameterDef> parameters = SequenceParameters(d.train);
  parameters.push_back({.name = "pool",
                        .standard = d.pool,
                        .help = "how places make one vector: attention (by place and age) or mean",
                        .choices = {"attention", "mean"}});
  parameters.push_back({"hidden", d.hidden, "width of either tower's hidden layer", 1, 4096});
  parameters.push_back({"own_dropout", d.own_dropout,
                        "share of items that a step knows by the catalogue alone", 0, 1});
  parameters.push_back({"title", d.fields.title, "weight of a title's words", 0, 100});
  parameters.push_back(
      {"phrases", d.fields.phrases, "weight of pairs of title words that stand together", 0, 100});
  parameters.push_back({"brand", d.fields.brand, "weight of the brand", 0, 100});
  parameters.push_back(
      {"categories", d.fields.categories, "weight of each category level", 0, 100});
  parameters.push_back({"tags", d.fields.tags, "weight of each tag", 0, 100});
  parameters.push_back({"widest", static_cast<std::int64_t>(d.widest),
                        "words and categories of more items are left out", 2, 1e6});
  return {.algorithm = "two_tower",
          .summary = "A query of the history, and item vectors that the catalogue is a part of.",
          .parameters = std::move(parameters),
          .create = [](const Parameters& p) -> Result<std::unique_ptr<TrainableModel>> {
            TwoTowerOptions options{.train = {},
                                    .pool = p.Word("pool"),
                                    .hidden = p.Int("hidden"),
                                    .own_dropout = p.Number("own_dropout"),
                                    .fields = {.title = p.Number("title"),
                                               .phrases = p.Number("phrases"),
                                               .brand = p.Number("brand"),
                                               .categories = p.Number("categories"),
                                               .tags = p.Number("tags")},
                                    .widest = static_cast<std::size_t>(p.Int("widest"))};
            ASSIGN_OR_RETURN(options.train, SequenceOptionsOf("two_tower", p));
            if (options.train.loss == Loss::kSoftmax) {
              return InvalidArgument(
                  "two_tower: loss = \"softmax\" compares with every item, whose vectors it would "
                  "make anew every step; use sampled_softmax with many negatives");
            }
            return MakeTwoTower(options);
          }};
}

}  // namespace vitrine::train
