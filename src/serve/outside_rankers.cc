#include "serve/outside_rankers.h"

#include <utility>

namespace vitrine::serve {

Status OutsideRankers::Add(const std::string& name, ModelParts parts, data::EventLog& log,
                           const ItemStates& items) {
  parts.outside = true;
  parts.manifest.name = name;
  parts.manifest.kind = ModelKind::kRanker;
  std::string version = std::string(kPrefix) + name;
  ASSIGN_OR_RETURN(rankers_[version], ServedModel::Make(version, std::move(parts), log, items));
  return Status::Ok();
}

std::shared_ptr<const ServedModel> OutsideRankers::Find(std::string_view ranker) const {
  const auto found = rankers_.find(ranker);
  return found == rankers_.end() ? nullptr : found->second;
}

std::string OutsideRankers::Known() const {
  std::string known;
  for (const auto& [name, ranker] : rankers_) {
    known += (known.empty() ? "" : ", ") + name;
  }
  return known;
}

}  // namespace vitrine::serve
