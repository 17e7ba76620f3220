/// What is known of a request's trace while it runs. Part of the request's scope.
/// Threads: belongs to the one handler that runs.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "core/trace_context.h"

namespace vitrine::http {

class RequestTrace {
 public:
  using Clock = std::chrono::steady_clock;
  struct Stage {
    std::string_view name;
    Clock::time_point begun;
    Clock::time_point ended;
  };
  static constexpr std::size_t kMaxStages = 4;

  /// True where this request is recorded; all below does nothing, and costs nothing, where it is not.
  [[nodiscard]] bool sampled() const { return context_.sampled; }
  [[nodiscard]] const TraceContext& context() const { return context_; }

  /// Notes a part of the request's time, by time stamps that were taken anyway; `name` is a literal. More
  /// than kMaxStages are let go.
  void Note(std::string_view name, Clock::time_point begun, Clock::time_point ended) {
    if (sampled() && count_ < kMaxStages) {
      stages_[count_++] = {name, begun, ended};
    }
  }
  /// "name:number" of the version that answered.
  void NoteModel(std::string_view version) {
    if (sampled()) {
      model_ = version;
    }
  }

  void Begin(const TraceContext& context) {
    context_ = context;
    count_ = 0;
    model_.clear();
  }
  [[nodiscard]] std::size_t stages() const { return count_; }
  [[nodiscard]] const Stage& stage(std::size_t i) const { return stages_[i]; }
  [[nodiscard]] const std::string& model() const { return model_; }

 private:
  TraceContext context_;
  std::array<Stage, kMaxStages> stages_;
  std::size_t count_ = 0;
  std::string model_;
};

}  // namespace vitrine::http
