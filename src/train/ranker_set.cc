#include "train/ranker_set.h"

#include <algorithm>
#include <set>
#include <utility>

#include "train/ranker_rows.h"
#include "train/training_set.h"

namespace vitrine::train {
namespace {
using evaluate::FitFor;
using evaluate::Part;

bool IsFitted(Part part, FitFor purpose, const evaluate::Protocol& protocol) {
  switch (purpose) {
    case FitFor::kRefit:
      return part != Part::kUnused;
    case FitFor::kTest:
      return part == Part::kTraining ||
             (part == Part::kValidation && protocol.fit_validation_for_test);
    case FitFor::kValidation:
      break;
  }
  return part == Part::kTraining;
}

std::vector<bool> FittedPlaces(const RankerMaterial& material, FitFor purpose) {
  std::vector<bool> fitted;
  for (const evaluate::LabelledRow& row : material.set.rows) {
    fitted.push_back(IsFitted(row.part, purpose, material.protocol));
  }
  return fitted;
}

/// Events from before the first answer that is not fitted.
std::vector<bool> RowsBeforeHeldOut(const RankerMaterial& material,
                                    const std::vector<bool>& fitted) {
  const std::vector<Micros>& ts = material.interactions.ts;
  std::vector<bool> rows(ts.size(), true);
  const auto held_out = std::find(fitted.begin(), fitted.end(), false);
  if (held_out != fitted.end()) {
    const auto place = static_cast<std::size_t>(held_out - fitted.begin());
    const Micros until = material.set.rows[place].ts;
    std::transform(ts.begin(), ts.end(), rows.begin(), [until](Micros at) { return at < until; });
  }
  return rows;
}

/// The same by row of the interactions.
std::vector<bool> FittedRowsOf(const RankerMaterial& material, const std::vector<bool>& fitted) {
  if (material.protocol.rows == evaluate::RowSource::kShown) {
    return RowsBeforeHeldOut(material, fitted);
  }
  std::vector<bool> rows(material.interactions.rows());
  const std::vector<std::size_t> order = evaluate::RowOrder(material.interactions);
  for (std::size_t place = 0; place < order.size(); ++place) {
    rows[order[place]] = fitted[place];
  }
  return rows;
}

/// Features of the named places, their labels and weights.
Result<LabelledRows> RowsAt(const RankerMaterial& material, const RankerSet& set,
                            const std::vector<RankerColumn>& columns,
                            const std::vector<std::size_t>& places) {
  LabelledRows rows;
  rows.columns = columns;
  const evaluate::RowInputs inputs(material.set, set.vocabulary);
  std::vector<data::FeatureInput> batch;
  batch.reserve(places.size());
  std::uint32_t alone = static_cast<std::uint32_t>(material.set.users.size());
  for (const std::size_t place : places) {
    const evaluate::LabelledRow& row = material.set.rows[place];
    batch.push_back(inputs.Of(place));
    rows.labels.push_back(row.label);
    if (!material.weights.empty()) {
      rows.weights.push_back(material.weights[place]);
    }
    rows.group.push_back(row.user == evaluate::kNobody ? alone++ : row.user);
  }
  RETURN_IF_ERROR(set.features.Apply(batch, rows.features));
  return rows;
}

void FillWindow(const RankerMaterial& material, RankerSet& set) {
  std::set<std::uint32_t> users;
  for (std::size_t i = 0; i < set.places.size(); ++i) {
    const evaluate::LabelledRow& row = material.set.rows[set.places[i]];
    set.from = i == 0 ? row.ts : std::min(set.from, row.ts);
    set.to = i == 0 ? row.ts : std::max(set.to, row.ts);
    users.insert(set.rows.group[i]);
  }
  set.users = users.size();
}

Status FitFeatures(const RankerMaterial& material, std::vector<data::FeatureDef> defs,
                   const std::vector<bool>& fitted, RankerSet& set) {
  if (!material.has_items()) {
    ASSIGN_OR_RETURN(set.features, data::FeatureSpec::Fit(std::move(defs), data::Interactions{},
                                                          data::ItemTable{}, set.vocabulary, {}));
    return Status::Ok();
  }
  const std::vector<bool> rows = FittedRowsOf(material, fitted);
  set.vocabulary = VocabularyOf(material.interactions, material.protocol, rows);
  // What counts over rows sees the fitted ones; nothing else exists for it.
  const data::Interactions kept = KeepRows(material.interactions, rows);
  Micros until;
  for (const Micros ts : kept.ts) {
    until = std::max(until, Micros{ts.value + 1});
  }
  ASSIGN_OR_RETURN(set.features, data::FeatureSpec::Fit(std::move(defs), kept, material.items,
                                                        set.vocabulary, until));
  return Status::Ok();
}

}  // namespace

Result<RankerSet> MakeRankerSet(const RankerMaterial& material, const TrainSpec& spec,
                                FitFor purpose) {
  const std::vector<bool> fitted = FittedPlaces(material, purpose);
  ASSIGN_OR_RETURN(std::vector<data::FeatureDef> defs, RankerFeatures(material, spec, fitted));
  RankerSet set;
  RETURN_IF_ERROR(FitFeatures(material, std::move(defs), fitted, set));
  ASSIGN_OR_RETURN(const std::vector<RankerColumn> columns, ColumnsOf(set.features));
  std::vector<std::size_t> watched;
  for (std::size_t place = 0; place < fitted.size(); ++place) {
    if (fitted[place]) {
      set.places.push_back(place);
    } else if (material.set.rows[place].part == Part::kValidation) {
      watched.push_back(place);
    }
  }
  ASSIGN_OR_RETURN(set.rows, RowsAt(material, set, columns, set.places));
  RETURN_IF_ERROR(CheckRows(set.rows));
  if (purpose == FitFor::kValidation && !watched.empty()) {
    ASSIGN_OR_RETURN(set.watched, RowsAt(material, set, columns, watched));
    RETURN_IF_ERROR(CheckRows(*set.watched));
  }
  FillWindow(material, set);
  return set;
}

}  // namespace vitrine::train
