#include "data/features/maker.h"

#include <vector>

namespace vitrine::data::features {

std::span<const Maker> Makers() {
  static const std::vector<Maker> makers = {
      HistoryItemsMaker(), HistoryAgesMaker(),    HashMaker(),     BucketMaker(),
      StandardiseMaker(),  LogStandardiseMaker(), LevelMaker(),    TokensMaker(),
      CountAsOfMaker(),    RateAsOfMaker(),       LiftAsOfMaker(), ContextMaker(),
      CandidateMaker()};
  return makers;
}

}  // namespace vitrine::data::features
