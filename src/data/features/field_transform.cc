#include "data/features/field_transform.h"

#include <set>
#include <string>

#include "core/nearest_name.h"

namespace vitrine::data::features {

Status CheckFieldExists(const FeatureDef& def, const Source& source, const FitData& data) {
  if (source.owner != Owner::kItem || IsItemColumn(source.field)) {
    return Status::Ok();
  }
  std::set<std::string> known;
  for (const Item* item : data.catalogue) {
    if (item == nullptr) {
      continue;
    }
    if (item->attributes.contains(source.field)) {
      return Status::Ok();
    }
    for (const auto& [name, value] : item->attributes) {
      known.insert(name);
    }
  }
  const std::vector<std::string> names(known.begin(), known.end());
  return FeatureError(def, fmt::format("no item of the catalogue has '{}'{}", def.source,
                                       DidYouMean(source.field, names)));
}

std::vector<double> CatalogueNumbers(const Source& source, const FitData& data) {
  std::vector<double> numbers;
  for (const Item* item : data.catalogue) {
    if (const std::optional<double> number = NumberOf(source, {item, nullptr, nullptr})) {
      numbers.push_back(*number);
    }
  }
  return numbers;
}

}  // namespace vitrine::data::features
