/// Every algorithm that this program can fit.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/status.h"
#include "train/model.h"
#include "train/ranker.h"

namespace vitrine::apps {

std::span<const train::ModelFactory> Algorithms();

/// Those that learn from labelled rows; no name is in both lists.
std::span<const train::RankerFactory> Rankers();

/// Null where no ranker has that name.
const train::RankerFactory* FindRanker(std::string_view name);

/// Errors: kInvalidArgument, with the nearest name or all of them.
Result<const train::ModelFactory*> FindAlgorithm(std::string_view name);

/// For people: a paragraph each, with parameters, defaults and bounds.
std::string DescribeAlgorithms();
/// [{"algorithm", "kind": "retriever"|"ranker", "summary", "parameters": [{"name", "default", "help", ...}]}]
std::string AlgorithmsToJson();

}  // namespace vitrine::apps
