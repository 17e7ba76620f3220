#include "serve/candidate_scorer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <string_view>
#include <utility>

namespace vitrine::serve {
namespace {

// Kernels may add up a row otherwise in a batch of another size: that much is not a difference.
constexpr double kSameScore = 1e-4;

bool DiffersBetweenCandidates(const data::FeatureDef& def) {
  return def.op == "candidate" || def.source == "item" || def.source.starts_with("item.") ||
         def.options.contains("same");
}

Status WrongShape(const TensorSpec& made, const TensorSpec& input, std::string_view why) {
  return InvalidArgument(fmt::format("the model's input '{}' is [{}], its feature gives [{}]: {}",
                                     input.name, fmt::join(input.shape, ", "),
                                     fmt::join(made.shape, ", "), why));
}

template <typename T>
Status TakeScores(std::span<const T> values, std::vector<double>& scores) {
  scores.assign(values.begin(), values.end());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (!std::isfinite(scores[i])) {
      return Internal(fmt::format("the model's score of candidate {} is not finite", i));
    }
  }
  return Status::Ok();
}

}  // namespace

Result<CandidateLayout::Place> CandidateLayout::PlaceOf(const data::FeatureDef& def,
                                                        const TensorSpec& made,
                                                        const TensorSpec& input) {
  const Shape& shape = input.shape;
  const auto columns_fit = [&](std::size_t before) {
    return std::equal(
        made.shape.begin() + 1, made.shape.end(),
        shape.begin() + static_cast<std::ptrdiff_t>(before), shape.end(),
        [](std::int64_t made_size, std::int64_t size) { return size < 0 || size == made_size; });
  };
  if (shape.size() == made.shape.size()) {
    if (!columns_fit(1)) {
      return WrongShape(made, input, "the sizes behind the first differ");
    }
    if (shape[0] < 0) {
      return Place::kRows;
    }
    if (shape[0] != 1) {
      return WrongShape(made, input,
                        "a fixed number of rows; export it with a free first size, one row a "
                        "candidate");
    }
    if (DiffersBetweenCandidates(def)) {
      return WrongShape(made, input,
                        "one row, but the feature differs between candidates; export it with a "
                        "free first size");
    }
    return Place::kOnce;
  }
  if (shape.size() == made.shape.size() + 1) {
    if (shape[0] == 1 && shape[1] < 0 && columns_fit(2)) {
      return Place::kRow;
    }
    if (made.shape.size() == 1 && shape[0] < 0 && shape[1] == 1) {
      return Place::kColumn;
    }
  }
  return WrongShape(made, input,
                    "say which size counts candidates by fixing the other to 1, as [-1, 1] or [1, "
                    "-1] of a plain value");
}

Result<CandidateLayout> CandidateLayout::Of(const data::FeatureSpec& spec,
                                            const std::vector<TensorSpec>& inputs) {
  const std::vector<TensorSpec> made = spec.Outputs();
  CandidateLayout layout;
  layout.places_.assign(made.size(), Place::kRows);
  for (const TensorSpec& input : inputs) {
    const auto found = std::find_if(made.begin(), made.end(), [&input](const TensorSpec& output) {
      return output.name == input.name;
    });
    if (found == made.end()) {
      return InvalidArgument(fmt::format(
          "the model asks for input '{}', which its featurespec.json does not make", input.name));
    }
    if (found->dtype != input.dtype) {
      return InvalidArgument(fmt::format("the model's input '{}' is {}, featurespec.json makes {}",
                                         input.name, DTypeName(input.dtype),
                                         DTypeName(found->dtype)));
    }
    const auto at = static_cast<std::size_t>(found - made.begin());
    ASSIGN_OR_RETURN(layout.places_[at], PlaceOf(spec.defs()[at], *found, input));
    layout.as_made_ = layout.as_made_ && layout.places_[at] == Place::kRows;
  }
  return layout;
}

std::span<const Tensor> CandidateLayout::Arrange(std::span<const Tensor> features,
                                                 std::size_t candidates,
                                                 std::vector<Tensor>& arranged) const {
  if (as_made_) {
    return features;
  }
  arranged.resize(features.size());
  for (std::size_t i = 0; i < features.size(); ++i) {
    const Tensor& from = features[i];
    Tensor& to = arranged[i];
    if (to.name() != from.name()) {
      to.set_name(from.name());
    }
    const auto rows = static_cast<std::int64_t>(candidates);
    const bool columns = from.shape().size() > 1;
    std::array<std::int64_t, 3> shape = {rows, columns ? from.shape()[1] : 0, 0};
    std::size_t axes = from.shape().size();
    if (places_[i] == Place::kOnce) {
      shape[0] = 1;
    } else if (places_[i] == Place::kRow) {
      shape = {1, rows, shape[1]};
      ++axes;
    } else if (places_[i] == Place::kColumn) {
      shape[1] = 1;
      ++axes;
    }
    to.Resize(from.dtype(), std::span(shape).first(axes));
    std::copy_n(from.bytes().begin(), to.bytes().size(), to.bytes().begin());
  }
  return arranged;
}

Status ReadCandidateScores(const Tensor& output, std::size_t candidates,
                           std::vector<double>& scores) {
  const auto count = static_cast<std::int64_t>(candidates);
  const Shape& shape = output.shape();
  if (shape != Shape{count} && shape != Shape{count, 1} && shape != Shape{1, count}) {
    return Internal(fmt::format(
        "the model's first output has shape [{}]; a ranker gives one score a candidate, [{}], [{}, "
        "1] or [1, {}]",
        fmt::join(shape, ", "), count, count, count));
  }
  switch (output.dtype()) {
    case DType::kFloat32:
      return TakeScores(output.values<float>(), scores);
    case DType::kFloat64:
      return TakeScores(output.values<double>(), scores);
    default:
      return Internal(
          fmt::format("the model's first output is {}, scores must be float32 or float64; export "
                      "the model again",
                      DTypeName(output.dtype())));
  }
}

Status ScoreCandidates(const LoadedGraph& graph, const data::FeatureSpec& spec,
                       const CandidateLayout& layout, const data::FeatureInput& input,
                       std::vector<Tensor>& features, std::vector<double>& scores,
                       Deadline deadline, Deadline* featured) {
  thread_local std::vector<Tensor> arranged;
  thread_local std::vector<Tensor> outputs;
  RETURN_IF_ERROR(spec.Apply(std::span(&input, 1), features));
  if (featured != nullptr) {
    *featured = std::chrono::steady_clock::now();
  }
  RETURN_IF_ERROR(graph.RunUntil(layout.Arrange(features, input.candidates.size(), arranged),
                                 outputs, deadline));
  if (outputs.empty()) {
    return Internal("the model has no output; export it again");
  }
  return ReadCandidateScores(outputs.front(), input.candidates.size(), scores);
}

Status CheckScoredAlone(const LoadedGraph& graph, const data::FeatureSpec& spec,
                        const CandidateLayout& layout, const data::FeatureInput& input) {
  std::vector<Tensor> features;
  std::vector<double> together;
  RETURN_IF_ERROR(ScoreCandidates(graph, spec, layout, input, features, together));
  // The later half, backwards: others are there, and in other places.
  const std::size_t half = (input.candidates.size() + 1) / 2;
  const std::vector<ItemIndex> candidates(
      input.candidates.rbegin(), input.candidates.rbegin() + static_cast<std::ptrdiff_t>(half));
  data::FeatureInput part = input;
  part.candidates = candidates;
  std::vector<double> scores;
  RETURN_IF_ERROR(ScoreCandidates(graph, spec, layout, part, features, scores));
  for (std::size_t i = 0; i < half; ++i) {
    const double before = together[together.size() - 1 - i];
    if (!(std::fabs(before - scores[i]) <= kSameScore * std::max(1.0, std::fabs(before)))) {
      return InvalidArgument(fmt::format(
          "the model scores item index {} {} beside {} candidates and {} beside {}: a ranker's "
          "score may not depend on the other candidates",
          candidates[i], before, together.size(), scores[i], half));
    }
  }
  return Status::Ok();
}

CandidateScorer::CandidateScorer(const LoadedGraph& graph, const data::FeatureSpec& spec,
                                 const CandidateLayout& layout,
                                 std::span<const ItemIndex> candidates, RequestFacts facts)
    : graph_(graph), spec_(spec), layout_(layout), candidates_(candidates), facts_(facts) {}

Status CandidateScorer::Score(std::span<const History> histories,
                              std::vector<double>& scores) const {
  scores.clear();
  if (candidates_.empty()) {
    return Status::Ok();
  }
  std::vector<Tensor> features;
  std::vector<double> part;
  for (const History& history : histories) {
    const Micros newest = history.empty() ? Micros{} : history.back().ts;
    const data::FeatureInput input{.history = history,
                                   .as_of = facts_.as_of.value_or(newest),
                                   .user = facts_.user,
                                   .context = facts_.context,
                                   .candidates = candidates_};
    RETURN_IF_ERROR(ScoreCandidates(graph_, spec_, layout_, input, features, part));
    scores.insert(scores.end(), part.begin(), part.end());
  }
  return Status::Ok();
}

}  // namespace vitrine::serve
