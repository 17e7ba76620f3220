/// Every op that a FeatureSpec knows, a function a file.
#pragma once

#include <span>

#include "data/features/transform.h"

namespace vitrine::data::features {

Maker HistoryItemsMaker();
Maker HistoryAgesMaker();
Maker HashMaker();
Maker BucketMaker();
Maker StandardiseMaker();
Maker LogStandardiseMaker();
Maker LevelMaker();
Maker TokensMaker();
Maker CountAsOfMaker();
Maker RateAsOfMaker();
Maker LiftAsOfMaker();
Maker ContextMaker();
Maker CandidateMaker();

/// All of them, in the order of the documentation.
std::span<const Maker> Makers();

}  // namespace vitrine::data::features
