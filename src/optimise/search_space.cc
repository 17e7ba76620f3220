#include "optimise/search_space.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <utility>

namespace vitrine::optimise {
namespace {

double Along(const Range& range, double at) {
  const double low = range.scale == Scale::kLog ? std::log(range.low) : range.low;
  const double high = range.scale == Scale::kLog ? std::log(range.high) : range.high;
  const double value = low + std::clamp(at, 0.0, 1.0) * (high - low);
  const double plain = range.scale == Scale::kLog ? std::exp(value) : value;
  return std::clamp(range.whole ? std::round(plain) : plain, range.low, range.high);
}

double PlaceOf(const Range& range, double value) {
  if (range.low == range.high) {
    return 0;
  }
  return range.scale == Scale::kLog ? std::log(value / range.low) / std::log(range.high / range.low)
                                    : (value - range.low) / (range.high - range.low);
}

Status CheckRange(const std::string& name, const Range& range) {
  if (!std::isfinite(range.low) || !std::isfinite(range.high) || range.low > range.high) {
    return InvalidArgument(fmt::format("space: {} goes from {} to {}; low must not be above high",
                                       name, range.low, range.high));
  }
  if (range.scale == Scale::kLog && range.low <= 0) {
    return InvalidArgument(
        fmt::format("space: {} begins at {}; a log scale needs a low above 0", name, range.low));
  }
  if (range.whole && (range.low != std::floor(range.low) || range.high != std::floor(range.high))) {
    return InvalidArgument(fmt::format("space: {} goes from {} to {}; both must be whole numbers",
                                       name, range.low, range.high));
  }
  return Status::Ok();
}

Status CheckChoices(const std::string& name, const Choices& choices) {
  if (choices.empty() || choices.size() > SearchSpace::kMostChoices) {
    return InvalidArgument(fmt::format("space: {} has {} choices; there can be 1 to {}", name,
                                       choices.size(), SearchSpace::kMostChoices));
  }
  return Status::Ok();
}

}  // namespace

Result<SearchSpace> SearchSpace::Make(std::vector<Dimension> dimensions) {
  if (dimensions.empty() || dimensions.size() > kMostDimensions) {
    return InvalidArgument(fmt::format("space: it has {} parameters; there can be 1 to {}",
                                       dimensions.size(), kMostDimensions));
  }
  std::set<std::string> names;
  for (const Dimension& dimension : dimensions) {
    if (!names.insert(dimension.name).second) {
      return InvalidArgument(fmt::format("space: {} stands there twice", dimension.name));
    }
    const auto* range = std::get_if<Range>(&dimension.values);
    RETURN_IF_ERROR(range != nullptr
                        ? CheckRange(dimension.name, *range)
                        : CheckChoices(dimension.name, std::get<Choices>(dimension.values)));
  }
  SearchSpace space;
  space.dimensions_ = std::move(dimensions);
  return space;
}

std::size_t SearchSpace::ChoicesOf(std::size_t dimension) const {
  const auto* choices = std::get_if<Choices>(&dimensions_[dimension].values);
  return choices == nullptr ? 0 : choices->size();
}

std::map<std::string, train::ParameterValue> SearchSpace::At(const Point& point) const {
  std::map<std::string, train::ParameterValue> parameters;
  for (std::size_t d = 0; d < dimensions_.size(); ++d) {
    const Dimension& dimension = dimensions_[d];
    if (const auto* range = std::get_if<Range>(&dimension.values)) {
      const double value = Along(*range, point[d]);
      parameters[dimension.name] =
          range->whole ? train::ParameterValue(static_cast<std::int64_t>(value)) : value;
    } else {
      parameters[dimension.name] =
          std::get<Choices>(dimension.values)[static_cast<std::size_t>(point[d])];
    }
  }
  return parameters;
}

Point SearchSpace::Snap(Point point) const {
  for (std::size_t d = 0; d < dimensions_.size(); ++d) {
    if (const auto* range = std::get_if<Range>(&dimensions_[d].values)) {
      point[d] = PlaceOf(*range, Along(*range, point[d]));
    }
  }
  return point;
}

}  // namespace vitrine::optimise
