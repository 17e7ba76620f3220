#include "train/fit_course.h"

#include <ctime>
#include <utility>

namespace vitrine::train {
namespace {

double CpuSeconds() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

}  // namespace

FitCourse::FitCourse() : begin_(CpuSeconds()) {}

double FitCourse::Seconds() const { return CpuSeconds() - begin_ - validating_; }

std::function<Result<double>(const TrainableModel&)> FitCourse::Watch(
    std::function<Result<double>(const TrainableModel&)> validate) {
  return [this, validate = std::move(validate)](const TrainableModel& model) {
    const double until = Seconds();
    const double before = CpuSeconds();
    Result<double> value = validate(model);
    validating_ += CpuSeconds() - before;
    if (value.ok()) {
      checks_.push_back({.value = *value, .cpu_seconds = until});
    }
    return value;
  };
}

}  // namespace vitrine::train
