#include "serve/batching/batch_queue.h"

#include <algorithm>
#include <span>

namespace vitrine::serve {
namespace {

/// The size of the first axis that all inputs share; 0 where they do not, or where a text is among them:
/// texts are joined at a cost that their models do not repay.
std::int64_t RowsOf(std::span<const Tensor> inputs) {
  for (const Tensor& input : inputs) {
    if (input.shape().empty() || input.dtype() == DType::kString ||
        input.shape().front() != inputs.front().shape().front()) {
      return 0;
    }
  }
  return inputs.empty() ? 0 : inputs.front().shape().front();
}

bool Joins(std::span<const Tensor> a, std::span<const Tensor> b) {
  return std::equal(
      a.begin(), a.end(), b.begin(), b.end(), [](const Tensor& one, const Tensor& other) {
        return one.dtype() == other.dtype() && one.shape().size() == other.shape().size() &&
               std::equal(one.shape().begin() + 1, one.shape().end(), other.shape().begin() + 1) &&
               one.name() == other.name();
      });
}

std::int64_t CountedRows(std::int64_t rows) { return std::max<std::int64_t>(rows, 1); }

}  // namespace

void BatchQueue::Push(InferenceTask& task) {
  task.rows_ = RowsOf(task.inputs);
  task.next_ = nullptr;
  Level& level = levels_[static_cast<std::size_t>(task.priority)];
  (level.last == nullptr ? level.first : level.last->next_) = &task;
  level.last = &task;
  ++size_;
  rows_ += CountedRows(task.rows_);
}

void BatchQueue::Unlink(Level& level, InferenceTask* before, InferenceTask& task) {
  (before == nullptr ? level.first : before->next_) = task.next_;
  if (level.last == &task) {
    level.last = before;
  }
  --size_;
  rows_ -= CountedRows(task.rows_);
}

void BatchQueue::Take(std::int64_t most_rows, Deadline now, Batch& batch,
                      std::vector<InferenceTask*>& dropped) {
  int looks = 0;
  for (Level& level : levels_) {
    TakeFrom(level, most_rows, now, batch, dropped, looks);
  }
}

void BatchQueue::TakeFrom(Level& level, std::int64_t most_rows, Deadline now, Batch& batch,
                          std::vector<InferenceTask*>& dropped, int& looks) {
  InferenceTask* before = nullptr;
  for (InferenceTask* task = level.first; task != nullptr;) {
    InferenceTask* const next = task->next_;
    if (task->Droppable(now)) {
      Unlink(level, before, *task);
      dropped.push_back(task);
    } else if (batch.tasks.empty() ||
               (task->rows_ > 0 && batch.rows > 0 && batch.rows + task->rows_ <= most_rows &&
                Joins(task->inputs, batch.tasks.front()->inputs))) {
      Unlink(level, before, *task);
      batch.rows += task->rows_;
      batch.tasks.push_back(task);
    } else {
      before = task;
    }
    const bool full = !batch.tasks.empty() && (batch.rows == 0 || batch.rows >= most_rows);
    if (full || ++looks >= kLookAhead) {
      return;
    }
    task = next;
  }
}

Deadline BatchQueue::Oldest() const {
  Deadline oldest = Deadline::max();
  for (const Level& level : levels_) {
    if (level.first != nullptr) {
      oldest = std::min(oldest, level.first->queued);
    }
  }
  return oldest;
}

}  // namespace vitrine::serve
