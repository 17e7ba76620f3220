#include "serve/inference.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace vitrine::serve {

std::pair<std::string_view, std::string_view> SplitVersion(std::string_view version) {
  const std::size_t colon = version.rfind(':');
  return colon == std::string_view::npos
             ? std::pair(version, std::string_view())
             : std::pair(version.substr(0, colon), version.substr(colon + 1));
}

Result<std::shared_ptr<const Servable>> Inference::Find(std::string_view name,
                                                        std::string_view number) const {
  std::shared_ptr<const Servable> found =
      number.empty() ? models_.Newest(name) : models_.Find(fmt::format("{}:{}", name, number));
  if (found != nullptr) {
    return found;
  }
  std::string loaded;
  for (const VersionStatus& version : models_.Versions()) {
    const auto [other, its_number] = SplitVersion(version.version);
    if (other == name) {
      loaded += fmt::format("{}{} ({})", loaded.empty() ? "" : ", ", its_number,
                            VersionStateName(version.state));
    }
  }
  return NotFound(loaded.empty()
                      ? fmt::format("no version of the model '{}' is loaded", name)
                      : fmt::format("version {} of the model '{}' is not loaded; there are: {}",
                                    number, name, loaded));
}

Status Inference::Run(const Servable& model, std::span<const Tensor> inputs,
                      std::vector<Tensor>& outputs) {
  const std::vector<TensorSpec>& known = model.graph().inputs();
  for (const Tensor& tensor : inputs) {
    const bool there = std::any_of(known.begin(), known.end(), [&](const TensorSpec& input) {
      return input.name == tensor.name();
    });
    if (!there) {
      return InvalidArgument(fmt::format("{} has no input '{}'", model.version(), tensor.name()));
    }
    const std::int64_t most = model.manifest().max_rows;
    if (most > 0 && !tensor.shape().empty() && tensor.shape().front() > most) {
      return InvalidArgument(fmt::format("{} takes at most {} rows at once, the input '{}' has {}",
                                         model.version(), most, tensor.name(),
                                         tensor.shape().front()));
    }
  }
  return model.graph().Run(inputs, outputs);
}

void Inference::Count(const Servable& model, const InferenceTimes& times, std::uint64_t rows,
                      bool ok) {
  const std::uint64_t all = times.input + times.infer + times.output;
  const Micros now = Now();
  const std::scoped_lock lock(mutex_);
  InferenceCounts& counts = counts_[model.version()];
  if (!ok) {
    ++counts.fail;
    counts.fail_nanoseconds += all;
    return;
  }
  ++counts.success;
  counts.success_nanoseconds += all;
  counts.stages.input += times.input;
  counts.stages.infer += times.infer;
  counts.stages.output += times.output;
  counts.rows += rows;
  counts.last = now;
}

std::vector<InferenceCounts> Inference::Counts(std::string_view name,
                                               std::string_view number) const {
  std::vector<InferenceCounts> all;
  const std::vector<VersionStatus> versions = models_.Versions();
  const std::scoped_lock lock(mutex_);
  for (const VersionStatus& version : versions) {
    const auto [its_name, its_number] = SplitVersion(version.version);
    if ((!name.empty() && its_name != name) || (!number.empty() && its_number != number)) {
      continue;
    }
    const auto found = counts_.find(version.version);
    InferenceCounts& counts =
        all.emplace_back(found == counts_.end() ? InferenceCounts() : found->second);
    counts.name = its_name;
    counts.number = its_number;
  }
  return all;
}

}  // namespace vitrine::serve
