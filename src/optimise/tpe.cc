#include "optimise/tpe.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>
#include <vector>

namespace vitrine::optimise {
namespace {

using Random = std::mt19937_64;

double Uniform(Random& random) { return std::uniform_real_distribution<double>(0, 1)(random); }

Point Anywhere(const SearchSpace& space, Random& random) {
  Point point;
  for (std::size_t d = 0; d < space.dimensions().size(); ++d) {
    const std::size_t choices = space.ChoicesOf(d);
    const double at = Uniform(random);
    point.push_back(choices == 0 ? at
                                 : std::min(std::floor(at * static_cast<double>(choices)),
                                            static_cast<double>(choices - 1)));
  }
  return space.Snap(std::move(point));
}

double NormalCdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

/// Kernels on points, and one that is the whole space: what nobody tried stays possible.
class Density {
 public:
  Density(const SearchSpace& space, std::span<const Tried> points)
      : space_(space), points_(points) {
    // Scott's rule over dimensions that span 1; never so narrow that a point only finds itself.
    constexpr double kSpread = 0.15;
    constexpr double kNarrowest = 0.02;
    const auto n = static_cast<double>(points.size());
    const auto d = static_cast<double>(space.dimensions().size());
    width_ = std::max(kSpread * std::pow(std::max(n, 1.0), -1 / (d + 4)), kNarrowest);
    other_ = 1 / (n + 1);
  }

  Point Draw(Random& random) const {
    const auto component =
        static_cast<std::size_t>(Uniform(random) * static_cast<double>(points_.size() + 1));
    if (component >= points_.size()) {
      return Anywhere(space_, random);
    }
    Point point = points_[component].point;
    for (std::size_t d = 0; d < point.size(); ++d) {
      if (const std::size_t choices = space_.ChoicesOf(d); choices > 0) {
        if (Uniform(random) < other_) {
          point[d] = std::min(std::floor(Uniform(random) * static_cast<double>(choices)),
                              static_cast<double>(choices - 1));
        }
        continue;
      }
      std::normal_distribution<double> around(point[d], width_);
      double at = around(random);
      while (at < 0 || at > 1) {
        at = around(random);
      }
      point[d] = at;
    }
    return space_.Snap(std::move(point));
  }

  [[nodiscard]] double LogAt(const Point& point) const {
    double sum = 1;  // the whole space
    for (const Tried& kernel : points_) {
      double product = 1;
      for (std::size_t d = 0; d < point.size(); ++d) {
        product *= KernelAt(d, kernel.point[d], point[d]);
      }
      sum += product;
    }
    return std::log(sum / static_cast<double>(points_.size() + 1));
  }

 private:
  /// Beside the uniform density, which is 1 of a range and 1 / choices of a list.
  [[nodiscard]] double KernelAt(std::size_t d, double centre, double at) const {
    if (const std::size_t choices = space_.ChoicesOf(d); choices > 0) {
      const auto count = static_cast<double>(choices);
      return at == centre ? count * (1 - other_) + other_ : other_;
    }
    const double z = (at - centre) / width_;
    const double inside = NormalCdf((1 - centre) / width_) - NormalCdf(-centre / width_);
    return std::exp(-0.5 * z * z) / (width_ * std::sqrt(2 * std::numbers::pi) * inside);
  }

  const SearchSpace& space_;
  std::span<const Tried> points_;
  double width_ = 1;
  double other_ = 0;  // chance that a kernel of choices takes any of them
};

}  // namespace

Point RandomPoint(const SearchSpace& space, std::uint64_t seed) {
  Random random(seed);
  return Anywhere(space, random);
}

Point NextPoint(const SearchSpace& space, std::span<const Tried> tried, std::uint64_t seed,
                const TpeOptions& options) {
  Random random(seed);
  if (tried.size() < std::max<std::size_t>(options.random, 3)) {
    return Anywhere(space, random);
  }
  std::vector<Tried> sorted(tried.begin(), tried.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Tried& a, const Tried& b) { return a.value > b.value; });
  const auto n = static_cast<double>(sorted.size());
  const auto best =
      static_cast<std::size_t>(std::min(std::clamp(std::ceil(0.2 * n), 2.0, 25.0), n - 1));
  const std::span<const Tried> all(sorted);
  const Density good(space, all.first(best));
  const Density rest(space, all.subspan(best));
  Point next;
  double most = 0;
  for (std::size_t c = 0; c < std::max<std::size_t>(options.candidates, 1); ++c) {
    Point point = good.Draw(random);
    const double gain = good.LogAt(point) - rest.LogAt(point);
    if (next.empty() || gain > most) {
      most = gain;
      next = std::move(point);
    }
  }
  return next;
}

}  // namespace vitrine::optimise
