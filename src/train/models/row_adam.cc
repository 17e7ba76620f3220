#include "train/models/row_adam.h"

#include <cmath>
#include <cstddef>

namespace vitrine::train {
namespace {

struct Factors {
  float beta1;
  float beta2;
  float length;  ///< learning rate over the mean's bias correction
  float root;    ///< 1 / sqrt(the square's bias correction)
  float epsilon;
  float keep;  ///< 1 - learning rate * weight decay
  float scale;
};

/// No branches and no aliasing: the compiler makes vectors of it.
void Update(const Factors& f, std::int64_t width, const float* __restrict gradient,
            float* __restrict mean, float* __restrict square, float* __restrict weights) {
  for (std::int64_t i = 0; i < width; ++i) {
    const float g = gradient[i] * f.scale;
    mean[i] = f.beta1 * mean[i] + (1 - f.beta1) * g;
    square[i] = f.beta2 * square[i] + (1 - f.beta2) * g * g;
    const float denominator = std::sqrt(square[i]) * f.root + f.epsilon;
    weights[i] = weights[i] * f.keep - f.length * mean[i] / denominator;
  }
}

}  // namespace

RowAdam::RowAdam(std::int64_t rows, std::int64_t width)
    : mean(static_cast<std::size_t>(rows * width)),
      square(static_cast<std::size_t>(rows * width)),
      steps(static_cast<std::size_t>(rows)),
      width_(width) {}

void RowAdam::Row(const RowAdamOptions& options, float scale, std::int64_t row,
                  const float* gradient, float* weights) {
  const auto count = static_cast<double>(++steps[static_cast<std::size_t>(row)]);
  const Factors factors{
      .beta1 = static_cast<float>(options.beta1),
      .beta2 = static_cast<float>(options.beta2),
      .length = static_cast<float>(options.learning_rate / (1 - std::pow(options.beta1, count))),
      .root = static_cast<float>(1 / std::sqrt(1 - std::pow(options.beta2, count))),
      .epsilon = static_cast<float>(options.epsilon),
      .keep = static_cast<float>(1 - options.learning_rate * options.weight_decay),
      .scale = scale};
  const auto at = static_cast<std::size_t>(row * width_);
  Update(factors, width_, gradient, mean.data() + at, square.data() + at, weights);
}

void RowAdam::Step(const RowAdamOptions& options, float scale,
                   std::span<const std::int64_t> touched, std::span<const float> gradients,
                   std::span<float> table) {
  const auto width = static_cast<std::size_t>(width_);
  for (std::size_t i = 0; i < touched.size(); ++i) {
    Row(options, scale, touched[i], gradients.data() + i * width,
        table.data() + static_cast<std::size_t>(touched[i]) * width);
  }
}

void RowAdam::StepAll(const RowAdamOptions& options, float scale, std::span<const float> gradients,
                      std::span<float> table) {
  const auto width = static_cast<std::size_t>(width_);
  for (std::size_t row = 0; row < steps.size(); ++row) {
    Row(options, scale, static_cast<std::int64_t>(row), gradients.data() + row * width,
        table.data() + row * width);
  }
}

}  // namespace vitrine::train
