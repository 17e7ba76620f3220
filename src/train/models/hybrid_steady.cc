#include "train/models/hybrid_steady.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "graph/golden_json.h"

namespace vitrine::train {
namespace {

constexpr int kShakes = 16;
constexpr double kShake = 1e-5;
constexpr double kSame = 1e-4;  // what a golden set takes for equal

void Shake(Tensor& scores, std::size_t rows, std::mt19937& random) {
  const std::span<float> values = scores.values<float>();
  const std::size_t width = rows == 0 ? 0 : values.size() / rows;
  std::uniform_real_distribution<double> share(-1, 1);
  for (std::size_t row = 0; row < rows; ++row) {
    const std::span<float> own = values.subspan(row * width, width);
    double most = 0;
    for (const float value : own) {
      most = std::max(most, std::abs(double{value}));
    }
    for (float& value : own) {
      value = static_cast<float>(double{value} + kShake * most * share(random));
    }
  }
}

bool Same(const graph::GoldenRow& a, const graph::GoldenRow& b) {
  if (a.items != b.items) {
    return false;
  }
  for (std::size_t i = 0; i < a.scores.size(); ++i) {
    if (std::abs(a.scores[i] - b.scores[i]) > kSame) {
      return false;
    }
  }
  return true;
}

std::vector<graph::GoldenRow> BestOf(const Tensor& scores, std::size_t rows) {
  std::vector<graph::GoldenRow> best;
  const std::span<const double> values = scores.values<double>();
  const std::size_t width = rows == 0 ? 0 : values.size() / rows;
  for (std::size_t row = 0; row < rows; ++row) {
    best.push_back(graph::TopOf(values.subspan(row * width, width)));
  }
  return best;
}

}  // namespace

Result<std::vector<bool>> SteadyRows(
    const std::vector<Tensor>& members, std::size_t rows,
    const std::function<Status(std::span<const Tensor>, Tensor&)>& rank) {
  std::vector<bool> steady(rows, true);
  const bool single = std::any_of(members.begin(), members.end(), [](const Tensor& scores) {
    return scores.dtype() == DType::kFloat32;
  });
  if (!single) {
    return steady;
  }
  Tensor scores;
  RETURN_IF_ERROR(rank(members, scores));
  const std::vector<graph::GoldenRow> expected = BestOf(scores, rows);
  std::mt19937 random(1);
  for (int shake = 0; shake < kShakes; ++shake) {
    std::vector<Tensor> shaken = members;
    for (Tensor& member : shaken) {
      if (member.dtype() == DType::kFloat32) {
        Shake(member, rows, random);
      }
    }
    RETURN_IF_ERROR(rank(shaken, scores));
    const std::vector<graph::GoldenRow> best = BestOf(scores, rows);
    for (std::size_t row = 0; row < rows; ++row) {
      steady[row] = steady[row] && Same(expected[row], best[row]);
    }
  }
  return steady;
}

}  // namespace vitrine::train
