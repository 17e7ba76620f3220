#include "train/calibration.h"

#include <cmath>
#include <vector>

#include "train/ranker_rows.h"

namespace vitrine::train {
namespace {

constexpr const char* kSlope = "calibration.slope";
constexpr const char* kOffset = "calibration.offset";
constexpr int kSteps = 100;
constexpr double kSettled = 1e-10;

/// Mean negative log likelihood.
double LossOf(std::span<const double> logits, std::span<const std::uint8_t> labels,
              const Calibration& c) {
  double loss = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double z = c.slope * logits[i] + c.offset;
    // log(1 + exp(-z)) for a positive, log(1 + exp(z)) for a negative.
    const double wrong = labels[i] > 0 ? -z : z;
    loss += wrong > 0 ? wrong + std::log1p(std::exp(-wrong)) : std::log1p(std::exp(wrong));
  }
  return loss / static_cast<double>(logits.size());
}

/// Slope and curvature of the loss.
struct Derivatives {
  double slope = 0, offset = 0;
  double slope2 = 0, mixed = 0, offset2 = 0;
};

Derivatives At(std::span<const double> logits, std::span<const std::uint8_t> labels,
               const Calibration& c) {
  Derivatives d;
  const auto n = static_cast<double>(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const double p = Sigmoid(c.slope * logits[i] + c.offset);
    const double miss = (p - (labels[i] > 0 ? 1 : 0)) / n;
    const double bend = p * (1 - p) / n;
    d.slope += miss * logits[i];
    d.offset += miss;
    d.slope2 += bend * logits[i] * logits[i];
    d.mixed += bend * logits[i];
    d.offset2 += bend;
  }
  return d;
}

}  // namespace

double Calibration::Of(double probability) const {
  return Sigmoid(slope * Logit(probability) + offset);
}

Calibration FitCalibration(std::span<const float> probabilities,
                           std::span<const std::uint8_t> labels) {
  std::vector<double> logits;
  std::size_t positives = 0;
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    logits.push_back(Logit(double{probabilities[i]}));
    positives += labels[i] > 0 ? 1 : 0;
  }
  Calibration fitted;
  if (positives == 0 || positives == labels.size()) {
    return fitted;
  }
  double loss = LossOf(logits, labels, fitted);
  for (int step = 0; step < kSteps; ++step) {
    const Derivatives d = At(logits, labels, fitted);
    const double ridge = 1e-12;
    const double determinant = (d.slope2 + ridge) * (d.offset2 + ridge) - d.mixed * d.mixed;
    if (!(determinant > 0)) {
      break;  // all logits alike: nothing to turn
    }
    const double slope = ((d.offset2 + ridge) * d.slope - d.mixed * d.offset) / determinant;
    const double offset = ((d.slope2 + ridge) * d.offset - d.mixed * d.slope) / determinant;
    double share = 1;
    Calibration next = fitted;
    double lower = loss;
    for (; share > 1e-6; share /= 2) {
      next = {fitted.slope - share * slope, fitted.offset - share * offset};
      lower = LossOf(logits, labels, next);
      if (lower <= loss) {
        break;
      }
    }
    if (!(loss - lower > kSettled)) {
      break;
    }
    fitted = next;
    loss = lower;
  }
  return fitted.slope > 0 && std::isfinite(fitted.offset) ? fitted : Calibration{};
}

graph::Value WriteCalibrated(graph::Builder& b, const graph::Value& logit,
                             const Calibration& calibration) {
  const graph::Value scaled = b.Mul(logit, b.Scalar(static_cast<float>(calibration.slope)));
  return b.Op("Sigmoid", {b.Add(scaled, b.Scalar(static_cast<float>(calibration.offset)))});
}

void Remember(const Calibration& calibration, Chosen& chosen) {
  chosen[kSlope] = calibration.slope;
  chosen[kOffset] = calibration.offset;
}

Calibration Remembered(const Chosen& chosen) {
  const auto slope = chosen.find(kSlope);
  const auto offset = chosen.find(kOffset);
  return slope == chosen.end() || offset == chosen.end()
             ? Calibration{}
             : Calibration{slope->second, offset->second};
}

}  // namespace vitrine::train
