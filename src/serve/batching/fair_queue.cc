#include "serve/batching/fair_queue.h"

#include <algorithm>

#include <fmt/format.h>

namespace vitrine::serve {
namespace {

/// Weight of the newest run in what a row is said to cost.
constexpr double kNewest = 0.2;
/// Idle models beyond this many are forgotten.
constexpr std::size_t kKeptLanes = 16;
/// Runs after which a slowdown is believed, and what one may be: a process that was stopped says nothing of the next.
constexpr std::size_t kMeasuredRuns = 16;
constexpr double kMostSlowdown = 20;
/// Share of it that is forgotten with each batch that leaves nothing waiting.
constexpr double kForget = 0.02;

std::chrono::nanoseconds Seconds(double seconds) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double>(seconds));
}

}  // namespace

FairQueue::Lane& FairQueue::LaneOf(const Servable& model) {
  const auto [at, added] = lanes_.try_emplace(&model);
  Lane& lane = at->second;
  if (added || lane.version != model.version()) {
    lane.version = model.version();
    lane.served = now_;
    lane.seconds_per_row = model.batch_seconds() / static_cast<double>(model.batch_rows());
  }
  return lane;
}

Status FairQueue::Push(InferenceTask& task) {
  Lane& lane = LaneOf(*task.model);
  if (lane.queue.size() >= limits_.waiting) {
    return Unavailable(fmt::format("{} requests wait for {} already; try again in a moment",
                                   lane.queue.size(), task.model->version()));
  }
  // What waits, and the batch that it would run in itself.
  const double before = static_cast<double>(lane.queue.rows());
  const double own = std::min(static_cast<double>(task.model->batch_rows()), before + 1);
  const double wait = lane.queue.size() == 0
                          ? 0
                          : lane.seconds_per_row *
                                (before / static_cast<double>(limits_.workers) + own) * slowdown_;
  if (task.deadline != Deadline::max() && task.queued + Seconds(wait) > task.deadline) {
    return DeadlineExceeded(
        fmt::format("{} requests wait for {}, which takes longer than this one may wait",
                    lane.queue.size(), task.model->version()));
  }
  if (lane.queue.size() == 0) {
    lane.served = std::max(lane.served, now_);
  }
  lane.queue.Push(task);
  ++waiting_;
  return Status::Ok();
}

Deadline FairQueue::ReadyAt(const Servable& model, const Lane& lane) const {
  if (limits_.delay.count() == 0 || lane.queue.rows() >= model.batch_rows()) {
    return Deadline::min();
  }
  return lane.queue.Oldest() + limits_.delay;
}

bool FairQueue::Take(Deadline now, Batch& batch, std::vector<InferenceTask*>& dropped,
                     Deadline& ready_at) {
  MeasureSlowdown(now);
  ready_at = Deadline::max();
  while (true) {
    const Servable* model = nullptr;
    Lane* next = nullptr;
    for (auto& [servable, lane] : lanes_) {
      if (lane.queue.size() == 0) {
        continue;
      }
      const Deadline ready = ReadyAt(*servable, lane);
      if (ready > now) {
        ready_at = std::min(ready_at, ready);
      } else if (next == nullptr || lane.served < next->served) {
        model = servable;
        next = &lane;
      }
    }
    if (next == nullptr) {
      return false;
    }
    const std::size_t before = next->queue.size();
    next->queue.Take(model->batch_rows(), now, batch, dropped);
    waiting_ -= before - next->queue.size();
    if (batch.tasks.empty()) {
      continue;  // all of them were late
    }
    now_ = std::max(now_, next->served);
    ++next->running;
    ++running_;
    if (waiting_ == 0) {
      measured_from_ = Deadline::max();
      slowdown_ += kForget * (1 - slowdown_);  // what was slow once need not be so without a queue
    }
    return true;
  }
}

void FairQueue::Ran(const Servable& model, std::int64_t rows, double seconds) {
  const auto found = lanes_.find(&model);
  if (found == lanes_.end()) {
    return;
  }
  Lane& lane = found->second;
  --lane.running;
  lane.served += seconds;
  const double of_a_row = seconds / static_cast<double>(std::max<std::int64_t>(rows, 1));
  lane.seconds_per_row += kNewest * (of_a_row - lane.seconds_per_row);
  --running_;
  ran_seconds_ += seconds;
  ++runs_;
  Settle();
}

// Only while tasks wait for a worker: an idle one is not slow, nor is one that lets a batch fill.
void FairQueue::MeasureSlowdown(Deadline now) {
  if (limits_.delay.count() > 0) {
    return;
  }
  if (measured_from_ != Deadline::max() && runs_ >= kMeasuredRuns && ran_seconds_ > 0) {
    const double passed = std::chrono::duration<double>(now - measured_from_).count() *
                          static_cast<double>(limits_.workers);
    const double measured = std::clamp(passed / ran_seconds_, 1.0, kMostSlowdown);
    slowdown_ += kNewest * (measured - slowdown_);
    measured_from_ = Deadline::max();
  }
  if (waiting_ == 0) {
    measured_from_ = Deadline::max();
  } else if (measured_from_ == Deadline::max()) {
    measured_from_ = now;
    ran_seconds_ = 0;
    runs_ = 0;
  }
}

// A model without tasks stays while it is ahead of the others: what it got counts when it comes back. Once
// nobody is there to be fair to, nobody is ahead.
void FairQueue::Settle() {
  if (waiting_ == 0 && running_ == 0) {
    for (const auto& [servable, lane] : lanes_) {
      now_ = std::max(now_, lane.served);
    }
  }
  if (lanes_.size() > kKeptLanes) {
    std::erase_if(lanes_, [this](const auto& entry) {
      const Lane& lane = entry.second;
      return lane.queue.size() == 0 && lane.running == 0 && lane.served <= now_;
    });
  }
}

void FairQueue::TakeAll(std::vector<InferenceTask*>& tasks) {
  for (auto& [servable, lane] : lanes_) {
    while (lane.queue.size() > 0) {
      Batch batch;
      lane.queue.Take(1, Deadline::min(), batch, tasks);
      tasks.insert(tasks.end(), batch.tasks.begin(), batch.tasks.end());
    }
  }
  waiting_ = 0;
}

}  // namespace vitrine::serve
