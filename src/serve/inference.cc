#include "serve/inference.h"

#include <algorithm>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "serve/batching/turn_batcher.h"

namespace vitrine::serve {
namespace {

QueueLimits LimitsOf(const InferenceOptions& options) {
  return {.waiting = options.waiting,
          .workers = options.workers != 0 ? options.workers
                                          : std::max(1U, std::thread::hardware_concurrency()),
          .delay = options.delay};
}

/// What can be said of the inputs without looking at each axis, which the run does.
Status CheckInputs(const Servable& model, std::span<const Tensor> inputs) {
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
  return Status::Ok();
}

/// Of each event loop's thread. Made by its first task, with the limits of the server it belongs to.
thread_local std::unique_ptr<TurnBatcher> turn;

}  // namespace

Inference::Inference(const ModelSet& models, InferenceOptions options)
    : models_(models), options_(options), cache_(options.cache), pool_(LimitsOf(options)) {}

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

Result<bool> Inference::Submit(InferenceTask& task) {
  RETURN_IF_ERROR(CheckInputs(*task.model, task.inputs));
  task.queued = std::chrono::steady_clock::now();
  if (!cache_.on()) {
    return Queue(task);
  }
  switch (cache_.Ask(task, task.queued)) {
    case InferenceCache::Outcome::kHit:
      task.begun = task.ended = task.queued;
      task.Finish();
      return false;
    case InferenceCache::Outcome::kFollow:
      return false;
    case InferenceCache::Outcome::kLead:
      break;
  }
  Result<bool> queued = Queue(task);
  if (!queued.ok()) {
    // Those that have come to follow it meanwhile are told the same.
    task.status = queued.status();
    task.begun = task.ended = task.queued;
    task.set_finisher(nullptr);
    cache_.OnFinished(task);
  }
  return queued;
}

Result<bool> Inference::Queue(InferenceTask& task) {
  if (options_.delay.count() > 0 || task.model->batch_seconds() > kLongestInline) {
    RETURN_IF_ERROR(pool_.Submit(task));
    return false;
  }
  if (turn == nullptr) {
    turn = std::make_unique<TurnBatcher>(
        QueueLimits{.waiting = options_.waiting, .workers = 1, .delay = {}});
  }
  return turn->Park(task);
}

bool Inference::RunTurn() { return turn != nullptr && turn->RunOne(); }

void Inference::Count(const InferenceTask& task, const InferenceTimes& times, bool ok) {
  counters_.Count(task, times, ok, cache_.on());
}

std::vector<InferenceCounts> Inference::Counts(std::string_view name,
                                               std::string_view number) const {
  std::vector<InferenceCounts> all;
  const std::vector<VersionStatus> versions = models_.Versions();
  for (const VersionStatus& version : versions) {
    const auto [its_name, its_number] = SplitVersion(version.version);
    if ((!name.empty() && its_name != name) || (!number.empty() && its_number != number)) {
      continue;
    }
    InferenceCounts& counts = all.emplace_back(counters_.Of(version.version));
    counts.name = its_name;
    counts.number = its_number;
  }
  return all;
}

}  // namespace vitrine::serve
