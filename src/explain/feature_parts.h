/// What the attributes of the user and of the request give a score: the part of it that is there without any history is
/// split further. Attributes come before the history: a part says what the attribute changes while nothing of the history is
/// there, and all parts add up.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/catalogue.h"
#include "core/history.h"
#include "core/scorer.h"
#include "core/status.h"
#include "data/feature_spec.h"
#include "explain/attribution.h"

namespace vitrine::explain {

/// Attributes as a FeatureSpec names them ("user.level", "context.hour") that are given.
std::vector<std::string> GivenFeatures(const data::FeatureSpec& spec, const User* user,
                                       const Attributes* context);

/// A scorer of the same version that sees these attributes alone; both outlive it.
using ScorerOf =
    std::function<std::unique_ptr<Scorer>(const User* user, const Attributes* context)>;

/// Splits the scores of `history` with every place removed: `base` is what is left without the attributes `names`,
/// `contributions` are [target][name].
/// Errors:  those of Attribute. Threads: any.
Result<Attribution> AttributeFeatures(const ScorerOf& scorer, const History& history,
                                      std::span<const ItemIndex> targets, const User* user,
                                      const Attributes* context,
                                      const std::vector<std::string>& names,
                                      const AttributionOptions& options);

}  // namespace vitrine::explain
