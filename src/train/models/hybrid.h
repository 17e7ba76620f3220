/// Several models as one: their best items are joined and put in order by a ranker that was fitted on
/// what users did next, out of fold. One graph, so that whatever serves, judges or explains a model does
/// so with this one.
///   hold out each user's newest basket -> fit the members on the rest -> their candidates for that
///   basket with what is known of each -> the same one basket earlier, where there are folds
///   -> fit the ranker -> fit the members again on everything
/// Source: candidates and a re-ranker as in Covington et al. (RecSys 2016); LambdaMART (Burges 2010).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "train/model.h"
#include "train/models/boosted_ranker.h"
#include "train/models/hybrid_members.h"

namespace vitrine::train {

struct HybridOptions {
  std::string ranker = "trees";  ///< "trees", "blend"
  /// Whether what the shopper had can be a candidate: "yes", "no", "auto": where many take it again, "needed": yes, and
  /// no fit where few do.
  std::string again = "auto";
  std::size_t candidates = 60;  ///< of each member
  std::size_t length = 512;     ///< newest places of a history
  std::size_t users = 10'000;   ///< lists to learn the order from, at most, a fold
  std::size_t folds = 1;        ///< baskets of each user that are held out, one after another
  double penalty = 1;           ///< of the blend's weights
  BoostOptions trees;
};

std::unique_ptr<TrainableModel> MakeHybrid(const HybridOptions& options,
                                           std::vector<HybridMember> members);

using FindFactory = std::function<Result<const ModelFactory*>(std::string_view)>;

/// `find`: factories by algorithm, from which members are made.
ModelFactory HybridFactory(const FindFactory& find);

}  // namespace vitrine::train
