/// From what a ranker says to a probability that holds: of the rows that are given p, a share p is taken.
///   calibrated = 1 / (1 + exp(-(slope * logit + offset)))
/// Two numbers keep the order of the rows, and cannot learn by heart what they are fitted on.
/// Threads: values; pure functions.   Source: Platt 1999
#pragma once

#include <cstdint>
#include <span>

#include "graph/builder.h"
#include "train/model.h"

namespace vitrine::train {

struct Calibration {
  double slope = 1;
  double offset = 0;

  [[nodiscard]] double Of(double probability) const;
};

/// The likeliest of `labels`, by Newton's method. Nothing is changed (slope 1, offset 0) where there are no
/// rows, one label only, or where the likeliest slope would turn the order round.
/// Shapes: [n] both.
Calibration FitCalibration(std::span<const float> probabilities,
                           std::span<const std::uint8_t> labels);

/// `logit` [n] float32 -> probability [n] float32.
graph::Value WriteCalibrated(graph::Builder& builder, const graph::Value& logit,
                             const Calibration& calibration);

/// Among what a fit settled on, so that later fits of the same spec keep it.
void Remember(const Calibration& calibration, Chosen& chosen);
Calibration Remembered(const Chosen& chosen);

}  // namespace vitrine::train
