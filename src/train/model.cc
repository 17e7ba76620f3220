#include "train/model.h"

#include <fmt/format.h>

#include "train/network_weights.h"

namespace vitrine::train {

std::vector<NetworkWeight> TrainableModel::Weights() const { return {}; }

Result<std::vector<MemberSpec>> CompleteMembers(const ModelFactory& factory,
                                                const std::vector<MemberSpec>& members) {
  if (factory.complete) {
    return factory.complete(members);
  }
  if (!members.empty()) {
    return InvalidArgument(fmt::format(
        "the train spec has members, and {} is one model; take the [[member]] tables out, or set "
        "algorithm = \"hybrid\"",
        factory.algorithm));
  }
  return members;
}

Result<std::unique_ptr<TrainableModel>> MakeModel(const ModelFactory& factory,
                                                  const Parameters& parameters,
                                                  const std::vector<MemberSpec>& members) {
  return factory.compose ? factory.compose(parameters, members) : factory.create(parameters);
}

}  // namespace vitrine::train
