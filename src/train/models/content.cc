#include "train/models/content.h"

#include <fmt/format.h>

#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "train/models/incidence.h"
#include "train/models/row_sum.h"

namespace vitrine::train {
namespace {

/// Which items have a feature: of feature f, holders[begin[f]] .. holders[begin[f + 1] - 1].
struct Postings {
  std::vector<std::size_t> begin;
  std::vector<std::pair<ItemIndex, float>> holders;

  [[nodiscard]] std::span<const std::pair<ItemIndex, float>> Of(std::uint32_t feature) const {
    return std::span(holders).subspan(begin[feature], begin[feature + 1] - begin[feature]);
  }
};

Postings PostingsOf(const ItemFeatures& table) {
  Postings postings;
  postings.begin.assign(table.features + 1, 0);
  for (const ItemFeature& e : table.entries) {
    ++postings.begin[e.feature + 1];
  }
  for (std::size_t f = 0; f < table.features; ++f) {
    postings.begin[f + 1] += postings.begin[f];
  }
  postings.holders.resize(table.entries.size());
  std::vector<std::size_t> next(postings.begin.begin(), postings.begin.end() - 1);
  for (std::size_t i = 0; i + 1 < table.begin.size(); ++i) {
    for (std::size_t e = table.begin[i]; e < table.begin[i + 1]; ++e) {
      const ItemFeature& own = table.entries[e];
      postings.holders[next[own.feature]++] = {static_cast<ItemIndex>(i), own.weight};
    }
  }
  return postings;
}

class Content : public NeighbourModel {
 public:
  explicit Content(const ContentOptions& options)
      : NeighbourModel(options.places), options_(options) {}

  Result<FitOutcome> Fit(const TrainingSequences& sequences, const FitContext& context) override {
    RETURN_IF_ERROR(CheckPlaces());
    if (sequences.items.size() != sequences.width) {
      return FailedPrecondition(
          "content compares what the catalogue says of items, and no catalogue is given; import "
          "the items with titles, brands, categories or tags");
    }
    const ItemFeatures features =
        FeaturesOfItems(sequences.items, options_.fields, options_.widest);
    if (features.entries.empty()) {
      return FailedPrecondition(
          "no two items of the catalogue share a title word, brand, category or tag that the "
          "train spec weighs; map these fields in the import, or raise their weights");
    }
    ASSIGN_OR_RETURN(const Incidence incidence, IncidenceOf(sequences));
    RETURN_IF_ERROR(Compare(features, incidence, context.progress));
    FitOutcome outcome;
    outcome.notes["pairs"] = static_cast<double>(table_.entries());
    outcome.notes["features"] = static_cast<double>(features.features);
    return outcome;
  }

 private:
  Status Compare(const ItemFeatures& features, const Incidence& incidence,
                 const Progress& progress) {
    const std::size_t width = features.begin.size() - 1;
    const Postings postings = PostingsOf(features);
    RowSum sum(width);
    std::vector<WeightedEntry> row;
    table_ = {};
    for (std::size_t i = 0; i < width; ++i) {
      RETURN_IF_ERROR(ReportItem(progress, "compare items", i, width));
      for (std::size_t e = features.begin[i]; e < features.begin[i + 1]; ++e) {
        const ItemFeature& own = features.entries[e];
        for (const auto& [j, weight] : postings.Of(own.feature)) {
          if (j != i) {
            sum.Add(j, double{own.weight} * double{weight});
          }
        }
      }
      sum.Take(row);
      if (options_.popularity_power > 0) {
        for (WeightedEntry& e : row) {
          const auto j = static_cast<std::size_t>(e.column);
          const auto users = static_cast<double>(incidence.UsersOf(j).size());
          e.weight *= std::pow(1 + users, options_.popularity_power);
        }
      }
      RETURN_IF_ERROR(AppendRow(row, options_.neighbours, table_));
    }
    return Status::Ok();
  }

  ContentOptions options_;
};

ParameterDef FieldParameter(const std::string& name, double standard, const std::string& what) {
  return {.name = name,
          .standard = standard,
          .help = "How much " + what + " counts; 0: not at all.",
          .min = 0,
          .max = 100};
}

}  // namespace

std::unique_ptr<TrainableModel> MakeContent(const ContentOptions& options) {
  return std::make_unique<Content>(options);
}

ModelFactory ContentFactory() {
  const ContentOptions standard;
  std::vector<ParameterDef> parameters = {
      FieldParameter("title", standard.fields.title, "a shared word of the title"),
      FieldParameter("phrases", standard.fields.phrases, "a shared pair of title words"),
      FieldParameter("brand", standard.fields.brand, "a shared brand"),
      FieldParameter("categories", standard.fields.categories, "a shared level of a category"),
      FieldParameter("tags", standard.fields.tags, "a shared tag"),
      {.name = "widest",
       .standard = static_cast<std::int64_t>(standard.widest),
       .help = "Words, brands, levels and tags of more items than this are left out.",
       .min = 2,
       .max = 100'000},
      {.name = "popularity_power",
       .standard = standard.popularity_power,
       .help = "Similarity times (1 + the other item's users)^this.",
       .min = 0,
       .max = 1}};
  const auto shared =
      NeighbourParameters(standard.places, static_cast<std::int64_t>(standard.neighbours));
  parameters.insert(parameters.end(), shared.begin(), shared.end());
  return {.algorithm = "content",
          .summary = "Items that the catalogue describes alike; finds new items too.",
          .parameters = std::move(parameters),
          .create = [](const Parameters& p) -> Result<std::unique_ptr<TrainableModel>> {
            return MakeContent({.fields = {.title = p.Number("title"),
                                           .phrases = p.Number("phrases"),
                                           .brand = p.Number("brand"),
                                           .categories = p.Number("categories"),
                                           .tags = p.Number("tags")},
                                .widest = static_cast<std::size_t>(p.Int("widest")),
                                .neighbours = static_cast<std::size_t>(p.Int("neighbours")),
                                .popularity_power = p.Number("popularity_power"),
                                .places = PlacesOf(p)});
          }};
}

}  // namespace vitrine::train
