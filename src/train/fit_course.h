/// What a fit costs by itself, and how good it was along the way. Threads: one.
#pragma once

#include <functional>
#include <vector>

#include "core/status.h"
#include "train/model.h"

namespace vitrine::train {

/// One look at the validation cases while a model is fitted.
struct FitCheck {
  double value = 0;        ///< the validation value (NDCG@k)
  double cpu_seconds = 0;  ///< that the fit had taken until then
};

/// CPU time of all threads of this process, without what its looks at validation cases take.
class FitCourse {
 public:
  /// Begins now.
  FitCourse();
  /// `validate`, which is not counted, and each of its values written down.
  std::function<Result<double>(const TrainableModel&)> Watch(
      std::function<Result<double>(const TrainableModel&)> validate);

  /// CPU seconds since the beginning.
  [[nodiscard]] double Seconds() const;
  [[nodiscard]] const std::vector<FitCheck>& checks() const { return checks_; }

 private:
  double begin_;
  double validating_ = 0;
  std::vector<FitCheck> checks_;
};

}  // namespace vitrine::train
