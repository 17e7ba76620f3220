#include "explain/feature_parts.h"

#include <algorithm>
#include <numeric>

namespace vitrine::explain {
namespace {

constexpr std::string_view kUser = "user.";
constexpr std::string_view kContext = "context.";

bool Given(const std::string& name, const User* user, const Attributes* context) {
  if (name.starts_with(kUser)) {
    return user != nullptr && user->attributes.contains(name.substr(kUser.size()));
  }
  return name.starts_with(kContext) && context != nullptr &&
         context->contains(name.substr(kContext.size()));
}

// To Attribute, an attribute is a place of a history: there, or removed.
class AttributeScorer final : public Scorer {
 public:
  AttributeScorer(const ScorerOf& scorer, const History& history,
                  std::span<const ItemIndex> targets, const User* user, const Attributes* context,
                  const std::vector<std::string>& names)
      : scorer_(scorer),
        history_(history),
        targets_(targets),
        user_(user),
        context_(context),
        names_(names) {
    for (HistoryEvent& event : history_) {
      event.item = kPaddingItem;
    }
  }

  [[nodiscard]] std::size_t width() const override { return targets_.size(); }

  Status Score(std::span<const History> subsets, std::vector<double>& scores) const override {
    scores.clear();
    std::vector<double> all;
    for (const History& subset : subsets) {
      User user = user_ == nullptr ? User{} : *user_;
      Attributes context = context_ == nullptr ? Attributes{} : *context_;
      for (std::size_t n = 0; n < names_.size(); ++n) {
        if (subset[n].item != kPaddingItem) {
          continue;
        }
        if (names_[n].starts_with(kUser)) {
          user.attributes.erase(names_[n].substr(kUser.size()));
        } else {
          context.erase(names_[n].substr(kContext.size()));
        }
      }
      const std::unique_ptr<Scorer> scorer =
          scorer_(user_ == nullptr ? nullptr : &user, context_ == nullptr ? nullptr : &context);
      RETURN_IF_ERROR(scorer->Score(std::span(&history_, 1), all));
      for (const ItemIndex target : targets_) {
        scores.push_back(all[target]);
      }
    }
    return Status::Ok();
  }

 private:
  const ScorerOf& scorer_;
  History history_;
  std::span<const ItemIndex> targets_;
  const User* user_;
  const Attributes* context_;
  const std::vector<std::string>& names_;
};

}  // namespace

std::vector<std::string> GivenFeatures(const data::FeatureSpec& spec, const User* user,
                                       const Attributes* context) {
  std::vector<std::string> names;
  for (const data::FeatureDef& def : spec.defs()) {
    if (Given(def.source, user, context)) {
      names.push_back(def.source);
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

Result<Attribution> AttributeFeatures(const ScorerOf& scorer, const History& history,
                                      std::span<const ItemIndex> targets, const User* user,
                                      const Attributes* context,
                                      const std::vector<std::string>& names,
                                      const AttributionOptions& options) {
  const AttributeScorer attributes(scorer, history, targets, user, context, names);
  const History all(names.size(), {.item = kFirstItem});
  std::vector<ItemIndex> places(targets.size());
  std::iota(places.begin(), places.end(), ItemIndex{0});
  return Attribute(attributes, all, places, options);
}

}  // namespace vitrine::explain
