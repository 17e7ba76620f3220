/// What a hyperparameter search may choose: for each parameter of a train spec a range or a list.
/// Threads: values.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/status.h"
#include "train/parameters.h"

namespace vitrine::optimise {

enum class Scale : std::uint8_t { kLinear, kLog };

/// Numbers from `low` to `high`, both included.
struct Range {
  double low = 0;
  double high = 1;
  Scale scale = Scale::kLinear;
  bool whole = false;  ///< whole numbers only
};

/// One of these, in no order.
using Choices = std::vector<train::ParameterValue>;

struct Dimension {
  std::string name;  ///< of the spec's parameter
  std::variant<Range, Choices> values;
};

/// Where one value stands in its dimension: of a range 0 to 1 along its scale, of choices their index.
using Point = std::vector<double>;

/// Distinct names, at least one dimension.
class SearchSpace {
 public:
  static constexpr std::size_t kMostDimensions = 50;
  static constexpr std::size_t kMostChoices = 100;

  /// Errors: kInvalidArgument (names the dimension and what would do).
  static Result<SearchSpace> Make(std::vector<Dimension> dimensions);

  [[nodiscard]] std::span<const Dimension> dimensions() const { return dimensions_; }
  /// Number of choices; 0 of a range.
  [[nodiscard]] std::size_t ChoicesOf(std::size_t dimension) const;
  /// The spec's parameters at a point. Precondition: the point has a value for each dimension.
  [[nodiscard]] std::map<std::string, train::ParameterValue> At(const Point& point) const;
  /// The nearest point that At tells apart: whole numbers lie at their own places.
  [[nodiscard]] Point Snap(Point point) const;

 private:
  std::vector<Dimension> dimensions_;
};

}  // namespace vitrine::optimise
