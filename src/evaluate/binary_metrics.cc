#include "evaluate/binary_metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <fmt/format.h>

namespace vitrine::evaluate {
namespace {

using Labels = std::span<const std::uint8_t>;
using Scores = std::span<const double>;

Status Check(Labels labels, Scores scores) {
  if (labels.size() != scores.size() || labels.empty()) {
    return InvalidArgument(
        fmt::format("{} labels and {} scores; they must be as many, and at least one",
                    labels.size(), scores.size()));
  }
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (!std::isfinite(scores[i])) {
      return InvalidArgument(fmt::format("the score of row {} is not a finite number", i));
    }
  }
  return Status::Ok();
}

Status CheckProbabilities(Labels labels, Scores scores) {
  RETURN_IF_ERROR(Check(labels, scores));
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] < 0 || scores[i] > 1) {
      return InvalidArgument(
          fmt::format("the score of row {} is {}, no probability in [0, 1]", i, scores[i]));
    }
  }
  return Status::Ok();
}

std::size_t Positives(Labels labels) {
  return static_cast<std::size_t>(
      std::count_if(labels.begin(), labels.end(), [](std::uint8_t y) { return y > 0; }));
}

/// Row numbers by rising score.
std::vector<std::size_t> RisingOrder(Scores scores) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
  return order;
}

struct Confusion {
  double hits = 0;          ///< predicted and true
  double false_alarms = 0;  ///< predicted, not true
  double misses = 0;        ///< true, not predicted
  double rest = 0;
};

Confusion ConfusionAt(Labels labels, Scores scores, double threshold) {
  Confusion c;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const bool predicted = scores[i] >= threshold;
    const bool truth = labels[i] > 0;
    (predicted ? (truth ? c.hits : c.false_alarms) : (truth ? c.misses : c.rest)) += 1;
  }
  return c;
}

}  // namespace

Result<double> Auc(Labels labels, Scores scores) {
  RETURN_IF_ERROR(Check(labels, scores));
  const auto positives = static_cast<double>(Positives(labels));
  const auto negatives = static_cast<double>(labels.size()) - positives;
  if (positives == 0 || negatives == 0) {
    return FailedPrecondition("AUC needs at least one positive and one negative row");
  }
  const auto order = RisingOrder(scores);
  double wins = 0;   // pairs in which the positive stands above the negative, ties one half
  double below = 0;  // negatives of lower scores
  for (std::size_t i = 0; i < order.size();) {
    double tied_positives = 0;
    double tied_negatives = 0;
    std::size_t j = i;
    for (; j < order.size() && scores[order[j]] == scores[order[i]]; ++j) {
      (labels[order[j]] > 0 ? tied_positives : tied_negatives) += 1;
    }
    wins += tied_positives * (below + tied_negatives / 2);
    below += tied_negatives;
    i = j;
  }
  return wins / (positives * negatives);
}

Result<double> AveragePrecision(Labels labels, Scores scores) {
  RETURN_IF_ERROR(Check(labels, scores));
  const auto positives = static_cast<double>(Positives(labels));
  if (positives == 0) {
    return FailedPrecondition("average precision needs at least one positive row");
  }
  const auto order = RisingOrder(scores);
  double seen = 0;
  double found = 0;
  double sum = 0;
  for (std::size_t i = order.size(); i > 0;) {
    const double threshold = scores[order[i - 1]];
    double added = 0;
    for (; i > 0 && scores[order[i - 1]] == threshold; --i) {
      added += labels[order[i - 1]] > 0 ? 1 : 0;
      seen += 1;
    }
    found += added;
    sum += added / positives * (found / seen);
  }
  return sum;
}

Result<double> LogLoss(Labels labels, Scores scores) {
  RETURN_IF_ERROR(CheckProbabilities(labels, scores));
  constexpr double kEdge = std::numeric_limits<double>::epsilon();
  double sum = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const double p = std::clamp(scores[i], kEdge, 1 - kEdge);
    sum -= labels[i] > 0 ? std::log(p) : std::log1p(-p);
  }
  return sum / static_cast<double>(labels.size());
}

Result<double> Brier(Labels labels, Scores scores) {
  RETURN_IF_ERROR(CheckProbabilities(labels, scores));
  double sum = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const double miss = scores[i] - (labels[i] > 0 ? 1 : 0);
    sum += miss * miss;
  }
  return sum / static_cast<double>(labels.size());
}

Result<double> Accuracy(Labels labels, Scores scores, double threshold) {
  RETURN_IF_ERROR(Check(labels, scores));
  const Confusion c = ConfusionAt(labels, scores, threshold);
  return (c.hits + c.rest) / static_cast<double>(labels.size());
}

Result<double> CalibrationError(Labels labels, Scores scores, int parts) {
  RETURN_IF_ERROR(CheckProbabilities(labels, scores));
  if (parts < 1) {
    return InvalidArgument(fmt::format("calibration needs at least one part, not {}", parts));
  }
  const auto order = RisingOrder(scores);
  const auto all = static_cast<double>(labels.size());
  double error = 0;
  double miss = 0;
  int part = 1;
  for (std::size_t i = 0; i < order.size(); ++i) {
    miss += scores[order[i]] - (labels[order[i]] > 0 ? 1 : 0);
    const bool last = i + 1 == order.size();
    const bool tied = !last && scores[order[i + 1]] == scores[order[i]];
    const auto rows = static_cast<double>(i + 1);
    if (last || (!tied && rows >= all * part / parts)) {
      error += std::fabs(miss);
      miss = 0;
      while (part < parts && rows >= all * part / parts) {
        ++part;
      }
    }
  }
  return error / all;
}

Result<double> CalibrationRatio(Labels labels, Scores scores) {
  RETURN_IF_ERROR(CheckProbabilities(labels, scores));
  const auto positives = static_cast<double>(Positives(labels));
  if (positives == 0) {
    return FailedPrecondition("the calibration ratio needs at least one positive row");
  }
  return std::accumulate(scores.begin(), scores.end(), 0.0) / positives;
}

Result<double> F1(Labels labels, Scores scores, double threshold) {
  RETURN_IF_ERROR(Check(labels, scores));
  const Confusion c = ConfusionAt(labels, scores, threshold);
  return c.hits == 0 ? 0 : 2 * c.hits / (2 * c.hits + c.false_alarms + c.misses);
}

}  // namespace vitrine::evaluate
