/// Counts and times of calls, by method. Internal. Threads: any.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/metrics.h"
#include "core/status.h"
#include "transport/grpc/methods.h"

namespace vitrine::rpc {

class Meters {
 public:
  /// `registry` may be null: nothing is counted then.
  explicit Meters(MetricRegistry* registry);
  /// `method` null: a call that does not exist.
  void Count(const Method* method, Code code, std::chrono::nanoseconds took);
  /// A caller left before the answer.
  void CountAbandoned();

 private:
  static constexpr std::size_t kCodes = 17;
  struct OfMethod {
    std::string name;
    Histogram* seconds = nullptr;  ///< of whole calls; a stream's length says nothing
    std::array<std::atomic<Counter*>, kCodes> counters{};
  };
  MetricRegistry* registry_;
  Counter* abandoned_ = nullptr;
  std::vector<std::unique_ptr<OfMethod>> methods_;  ///< as Methods(), and "unknown" behind them
};

}  // namespace vitrine::rpc
