#include <algorithm>
#include <charconv>

#include "data/features/field_transform.h"
#include "data/features/maker.h"

namespace vitrine::data::features {
namespace {
class Bucket final : public FieldTransform<std::int64_t> {
 public:
  Bucket(Source source, std::vector<double> edges)
      : FieldTransform(std::move(source)), edges_(std::move(edges)) {}

  [[nodiscard]] Json Fitted() const override {
    Json fitted = {{"edges", edges_}};
    SaveItems(fitted);
    return fitted;
  }

 protected:
  void Encode(const Fields& fields, std::span<std::int64_t> cells) const override {
    const std::optional<double> number = NumberOf(source(), fields);
    // Bin b holds (edges[b - 1], edges[b]]; 0 is kept for missing.
    cells[0] =
        number ? 1 + (std::lower_bound(edges_.begin(), edges_.end(), *number) - edges_.begin()) : 0;
  }

 private:
  std::vector<double> edges_;
};

/// Option `edges`, or the catalogue's quantiles.
Result<std::vector<double>> GivenEdges(const FeatureDef& def) {
  std::vector<double> edges;
  for (const std::string& part : ListOption(def, "edges")) {
    double edge = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), edge);
    if (error != std::errc() || end != part.data() + part.size() ||
        (!edges.empty() && edge <= edges.back())) {
      return FeatureError(def, fmt::format("option edges has '{}'; it must be rising numbers "
                                           "between '|'",
                                           part));
    }
    edges.push_back(edge);
  }
  return edges;
}

/// At most `bins` - 1 edges: the values at k/bins of the sorted ones, equal ones once; the largest
/// value is no edge, as nothing would lie beyond it.
std::vector<double> QuantileEdges(std::vector<double> values, std::size_t bins) {
  std::sort(values.begin(), values.end());
  std::vector<double> edges;
  for (std::size_t k = 1; k < bins && !values.empty(); ++k) {
    const std::size_t rank = (k * values.size() + bins - 1) / bins;
    const double edge = values[rank - 1];
    if (edge < values.back() && (edges.empty() || edge > edges.back())) {
      edges.push_back(edge);
    }
  }
  return edges;
}

Result<TransformPtr> FitBucket(const FeatureDef& def, const FitData& data) {
  ASSIGN_OR_RETURN(Source source, ParseSource(def));
  RETURN_IF_ERROR(CheckFieldExists(def, source, data));
  ASSIGN_OR_RETURN(std::vector<double> edges, GivenEdges(def));
  ASSIGN_OR_RETURN(const std::int64_t bins, IntOption(def, "bins", 10, 2, 10'000));
  if (edges.empty()) {
    if (source.owner != Owner::kItem) {
      return FeatureError(def,
                          fmt::format("'{}' is not in the training rows, so its bins cannot be "
                                      "fitted; give option edges (\"1|2|5\")",
                                      def.source));
    }
    edges = QuantileEdges(CatalogueNumbers(source, data), static_cast<std::size_t>(bins));
  }
  auto made = std::make_unique<Bucket>(std::move(source), std::move(edges));
  made->Freeze(data);
  return TransformPtr(std::move(made));
}

Result<TransformPtr> ParseBucket(const FeatureDef& def, const Json& fitted, std::size_t width) {
  ASSIGN_OR_RETURN(Source source, ParseSource(def));
  ASSIGN_OR_RETURN(std::vector<double> edges, FittedNumbers(def, fitted, "edges"));
  if (!std::is_sorted(edges.begin(), edges.end())) {
    return FeatureError(def, "fitted.edges do not rise");
  }
  auto made = std::make_unique<Bucket>(std::move(source), std::move(edges));
  RETURN_IF_ERROR(made->LoadItems(def, fitted, width));
  return TransformPtr(std::move(made));
}
}  // namespace

Maker BucketMaker() { return {"bucket", {"bins", "edges"}, FitBucket, ParseBucket}; }

}  // namespace vitrine::data::features
