#include "serve/inference_counters.h"

#include <algorithm>

#include "serve/inference.h"

namespace vitrine::serve {
namespace {

std::uint64_t RowsOf(const InferenceTask& task) {
  const bool rows = !task.inputs.empty() && !task.inputs.front().shape().empty();
  return rows ? static_cast<std::uint64_t>(task.inputs.front().shape().front()) : 1;
}

void Add(InferenceTimes& sum, const InferenceTimes& times) {
  sum.input += times.input;
  sum.queue += times.queue;
  sum.infer += times.infer;
  sum.output += times.output;
}

void Add(InferenceCounts& sum, const InferenceCounts& part) {
  sum.success += part.success;
  sum.fail += part.fail;
  sum.success_nanoseconds += part.success_nanoseconds;
  sum.fail_nanoseconds += part.fail_nanoseconds;
  Add(sum.stages, part.stages);
  sum.rows += part.rows;
  sum.hits += part.hits;
  sum.hit_nanoseconds += part.hit_nanoseconds;
  sum.misses += part.misses;
  sum.miss_nanoseconds += part.miss_nanoseconds;
  sum.runs += part.runs;
  for (const auto& [rows, runs] : part.by_rows) {
    InferenceCounts::Runs& all = sum.by_rows[rows];
    all.count += runs.count;
    Add(all.stages, runs.stages);
  }
  sum.last = std::max(sum.last, part.last);
}

}  // namespace

InferenceCounters::InferenceCounters() = default;
InferenceCounters::~InferenceCounters() = default;

void InferenceCounters::Count(const InferenceTask& task, const InferenceTimes& times, bool ok,
                              bool cache) {
  const std::uint64_t all = times.input + times.queue + times.infer + times.output;
  const Micros now = Now();
  Shard& shard = shards_[MetricShard()];
  const std::scoped_lock lock(shard.mutex);
  InferenceCounts& counts = shard.by_version[task.model->version()];
  if (ok && cache) {
    ++(task.cached ? counts.hits : counts.misses);
    (task.cached ? counts.hit_nanoseconds : counts.miss_nanoseconds) += all;
  }
  if (!ok) {
    ++counts.fail;
    counts.fail_nanoseconds += all;
    return;
  }
  ++counts.success;
  counts.success_nanoseconds += all;
  Add(counts.stages, times);
  counts.rows += RowsOf(task);
  counts.last = now;
  if (task.leads_batch) {
    ++counts.runs;
    InferenceCounts::Runs& runs = counts.by_rows[task.batch_rows];
    ++runs.count;
    Add(runs.stages, times);
  }
}

InferenceCounts InferenceCounters::Of(std::string_view version) const {
  InferenceCounts sum;
  for (const Shard& shard : shards_) {
    const std::scoped_lock lock(shard.mutex);
    const auto found = shard.by_version.find(version);
    if (found != shard.by_version.end()) {
      Add(sum, found->second);
    }
  }
  return sum;
}

}  // namespace vitrine::serve
