/// Loaded versions by their tensors alone, without scene, features or rules: what the Open Inference
/// Protocol serves, and what is counted of it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/tensor.h"
#include "core/time.h"
#include "serve/model_set.h"

namespace vitrine::serve {

/// Nanoseconds of one request by stage.
struct InferenceTimes {
  std::uint64_t input = 0;   ///< reading its tensors
  std::uint64_t infer = 0;   ///< the graph
  std::uint64_t output = 0;  ///< writing the answer
};

/// What a version did since the server started.
struct InferenceCounts {
  std::string name;
  std::string number;
  std::uint64_t success = 0;
  std::uint64_t fail = 0;
  std::uint64_t success_nanoseconds = 0;
  std::uint64_t fail_nanoseconds = 0;
  InferenceTimes stages;   ///< sums over the successful ones
  std::uint64_t rows = 0;  ///< sizes of first axes, summed
  Micros last;
};

/// Threads: any.
class Inference {
 public:
  explicit Inference(const ModelSet& models) : models_(models) {}

  /// The version to run; `number` empty: the newest that is loaded.
  /// Errors: kNotFound (says what is loaded of that name).
  Result<std::shared_ptr<const Servable>> Find(std::string_view name,
                                               std::string_view number) const;
  /// Errors: kInvalidArgument (an input that the model does not have, or misses; type, shape),
  ///         kInternal (the graph failed).
  static Status Run(const Servable& model, std::span<const Tensor> inputs,
                    std::vector<Tensor>& outputs);

  void Count(const Servable& model, const InferenceTimes& times, std::uint64_t rows, bool ok);
  /// By name and number; empty: all. Versions that were never asked are there with zeros while they
  /// are loaded.
  [[nodiscard]] std::vector<InferenceCounts> Counts(std::string_view name,
                                                    std::string_view number) const;
  [[nodiscard]] std::vector<VersionStatus> Versions() const { return models_.Versions(); }

 private:
  const ModelSet& models_;
  mutable std::mutex mutex_;
  std::map<std::string, InferenceCounts, std::less<>> counts_;  // by "name:number"
};

/// "name:number" in its two parts.
std::pair<std::string_view, std::string_view> SplitVersion(std::string_view version);

}  // namespace vitrine::serve
