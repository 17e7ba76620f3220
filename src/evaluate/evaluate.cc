#include "evaluate/evaluate.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <mutex>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "core/sha256.h"
#include "evaluate/catalogue_metrics.h"
#include "evaluate/ranking_metrics.h"
#include "evaluate/summarise.h"
#include "evaluate/top_k.h"

namespace vitrine::evaluate {
namespace {

/// Scores of one batch stay below this, so that both threads' buffers stay small.
constexpr std::size_t kBatchBytes = std::size_t{16} << 20U;

/// What every worker reads.
struct Task {
  const Scorer& scorer;
  const Holdout& holdout;
  std::vector<const HoldoutCase*> cases;
  std::vector<ItemIndex> index;  ///< of each holdout item in the vocabulary
  std::vector<int> ks;
  std::size_t batch = 1;

  [[nodiscard]] std::size_t largest_k() const { return static_cast<std::size_t>(ks.back()); }
};

/// What the workers share; results go to their case's own slot.
class Work {
 public:
  Work(const Task& task, const Progress& progress) : task_(task), progress_(progress) {
    rows.resize(task.cases.size());
    shown.assign(task.ks.size(), std::vector<std::uint64_t>(task.scorer.width(), 0));
  }

  /// Takes the next batch: [begin, end), or false where all is done or has failed.
  bool Take(std::size_t& begin, std::size_t& end) {
    begin = next_.fetch_add(task_.batch);
    end = std::min(begin + task_.batch, task_.cases.size());
    return begin < task_.cases.size() && !failed_.load();
  }

  void Fail(Status status) {
    const std::scoped_lock lock(mutex_);
    if (!failed_.exchange(true)) {
      status_ = std::move(status);
    }
  }

  void Finished(std::size_t cases) {
    const std::scoped_lock lock(mutex_);
    done_ += cases;
    progress_.report({"evaluate", static_cast<double>(done_),
                      static_cast<double>(task_.cases.size()), "users", ""});
    if (progress_.cancelled() && !failed_.exchange(true)) {
      status_ = Cancelled("the evaluation was cancelled");
    }
  }

  /// Adds a worker's counts of shown items.
  void AddShown(const std::vector<std::vector<std::uint64_t>>& counts) {
    const std::scoped_lock lock(mutex_);
    for (std::size_t k = 0; k < counts.size(); ++k) {
      for (std::size_t i = 0; i < counts[k].size(); ++i) {
        shown[k][i] += counts[k][i];
      }
    }
  }

  Status status() {
    const std::scoped_lock lock(mutex_);
    return status_;
  }

  std::vector<CaseResult> rows;
  std::vector<std::vector<std::uint64_t>> shown;  ///< per k, per item

 private:
  const Task& task_;
  const Progress& progress_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  Status status_;
  std::size_t done_ = 0;
};

/// One thread's buffers.
class Worker {
 public:
  Worker(const Task& task, Work& work) : task_(task), work_(work), top_k_(task.largest_k()) {
    shown_.assign(task.ks.size(), std::vector<std::uint64_t>(task.scorer.width(), 0));
  }

  void Run() {
    std::size_t begin = 0;
    std::size_t end = 0;
    while (work_.Take(begin, end)) {
      const Status status = RunBatch(begin, end);
      if (!status.ok()) {
        work_.Fail(status);
        return;
      }
      work_.Finished(end - begin);
    }
    work_.AddShown(shown_);
  }

 private:
  Status RunBatch(std::size_t begin, std::size_t end) {
    histories_.resize(end - begin);
    for (std::size_t i = begin; i < end; ++i) {
      FillHistory(*task_.cases[i], histories_[i - begin]);
    }
    RETURN_IF_ERROR(task_.scorer.Score(histories_, scores_));
    const std::size_t width = task_.scorer.width();
    if (scores_.size() != (end - begin) * width) {
      return Internal(fmt::format("the scorer gave {} scores for {} histories of {} items",
                                  scores_.size(), end - begin, width));
    }
    for (std::size_t i = begin; i < end; ++i) {
      const std::span<double> scores(scores_.data() + (i - begin) * width, width);
      RETURN_IF_ERROR(Rank(*task_.cases[i], histories_[i - begin], scores, work_.rows[i]));
    }
    return Status::Ok();
  }

  void FillHistory(const HoldoutCase& c, History& history) const {
    history.clear();
    for (const HoldoutEvent& event : c.history) {
      history.push_back({task_.index[event.item], event.ts, event.type, event.basket});
    }
  }

  Status Rank(const HoldoutCase& c, const History& history, std::span<double> scores,
              CaseResult& row) {
    if (task_.holdout.history == HistoryRule::kFiltered) {
      for (const HistoryEvent& event : history) {
        scores[event.item] = -std::numeric_limits<double>::infinity();
      }
    }
    if (!top_k_.Select(scores, top_)) {
      return Internal(
          fmt::format("the model gives user '{}' a score that is not a number", c.user));
    }
    row.relevant = static_cast<std::uint32_t>(c.target.size());
    row.slices = c.slices;
    row.ranks.clear();
    for (std::uint32_t rank = 0; rank < top_.size(); ++rank) {
      const auto hit = [&](std::uint32_t item) { return task_.index[item] == top_[rank]; };
      if (std::any_of(c.target.begin(), c.target.end(), hit)) {
        row.ranks.push_back(rank);
      }
    }
    for (std::size_t k = 0; k < task_.ks.size(); ++k) {
      const std::size_t length = std::min(static_cast<std::size_t>(task_.ks[k]), top_.size());
      for (std::size_t rank = 0; rank < length; ++rank) {
        ++shown_[k][top_[rank]];
      }
    }
    return Status::Ok();
  }

  const Task& task_;
  Work& work_;
  TopK top_k_;
  std::vector<History> histories_;
  std::vector<double> scores_;
  std::vector<ItemIndex> top_;
  std::vector<std::vector<std::uint64_t>> shown_;
};

Status CheckKs(const std::vector<int>& ks) {
  if (ks.empty() || ks.front() < 1 || !std::is_sorted(ks.begin(), ks.end()) ||
      std::adjacent_find(ks.begin(), ks.end()) != ks.end()) {
    return InvalidArgument("ks must hold at least one cut-off, rising and above 0");
  }
  return Status::Ok();
}

/// Users and targets in order: what two comparable reports have in common.
std::string HashOfCases(const Task& task) {
  Sha256 hash;
  for (const HoldoutCase* c : task.cases) {
    hash.Update(fmt::format("{}:{}|{}|", c->user.size(), c->user, c->target.size()));
    for (const std::uint32_t item : c->target) {
      const std::string& id = task.holdout.items[item];
      hash.Update(fmt::format("{}:{}|", id.size(), id));
    }
  }
  return hash.Finish();
}

/// In how many cases' histories each item of the vocabulary stands.
std::vector<std::uint64_t> KnownTo(const Task& task) {
  std::vector<std::uint64_t> known(task.scorer.width(), 0);
  std::vector<ItemIndex> items;
  for (const HoldoutCase* c : task.cases) {
    items.clear();
    for (const HoldoutEvent& event : c->history) {
      items.push_back(task.index[event.item]);
    }
    std::sort(items.begin(), items.end());
    items.erase(std::unique(items.begin(), items.end()), items.end());
    for (const ItemIndex item : items) {
      ++known[item];
    }
  }
  return known;
}

void FillCatalogue(const Task& task, const Work& work, EvalReport& report) {
  const auto known = KnownTo(task);
  for (std::size_t k = 0; k < task.ks.size(); ++k) {
    const auto shown = std::span(work.shown[k]).subspan(kFirstItem);
    report.catalogue.push_back(
        {task.ks[k], Coverage(shown),
         Novelty(shown, std::span(known).subspan(kFirstItem), task.cases.size()), Gini(shown)});
  }
}

Result<Task> MakeTask(const Scorer& scorer, const Holdout& holdout,
                      const data::Vocabulary& vocabulary, const EvaluateOptions& options) {
  Task task{scorer, holdout, {}, {}, options.ks.empty() ? holdout.ks : options.ks, 1};
  RETURN_IF_ERROR(CheckKs(task.ks));
  if (scorer.width() != vocabulary.width()) {
    return InvalidArgument(fmt::format(
        "the model scores {} items, its vocabulary has {}: they are not of one artifact",
        scorer.width(), vocabulary.width()));
  }
  for (const HoldoutCase& c : holdout.cases) {
    if (c.part == options.part) {
      task.cases.push_back(&c);
    }
  }
  if (task.cases.empty()) {
    return FailedPrecondition(
        fmt::format("the cases hold no {} part to evaluate", PartName(options.part)));
  }
  for (const std::string& id : holdout.items) {
    task.index.push_back(vocabulary.Find(id));
  }
  const std::size_t fitting =
      kBatchBytes / (sizeof(double) * std::max<std::size_t>(scorer.width(), 1));
  task.batch = std::clamp<std::size_t>(options.batch, 1, std::max<std::size_t>(fitting, 1));
  return task;
}

void RunWorkers(const Task& task, int threads, Work& work) {
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  const unsigned wanted = threads > 0 ? static_cast<unsigned>(threads) : cores;
  std::vector<std::jthread> others;
  for (unsigned t = 1; t < wanted; ++t) {
    others.emplace_back([&] { Worker(task, work).Run(); });
  }
  Worker(task, work).Run();
}

}  // namespace

Result<EvalReport> Evaluate(const Scorer& scorer, const Holdout& holdout,
                            const data::Vocabulary& vocabulary, const EvaluateOptions& options,
                            const Progress& progress) {
  ASSIGN_OR_RETURN(const Task task, MakeTask(scorer, holdout, vocabulary, options));
  const auto start = std::chrono::steady_clock::now();
  Work work(task, progress);
  RunWorkers(task, options.threads, work);
  RETURN_IF_ERROR(work.status());

  EvalReport report;
  report.model = options.model;
  report.snapshot = holdout.snapshot;
  report.protocol = holdout.protocol;
  report.part = options.part;
  report.history = holdout.history;
  report.ks = task.ks;
  report.cases_hash = HashOfCases(task);
  report.vocabulary_size = vocabulary.width() - kFirstItem;
  report.slice_names = holdout.slices;
  for (const HoldoutCase* c : task.cases) {
    report.targets += c->target.size();
    report.unknown_targets += static_cast<std::uint64_t>(
        std::count_if(c->target.begin(), c->target.end(),
                      [&](std::uint32_t item) { return task.index[item] == kUnknownItem; }));
  }
  FillCatalogue(task, work, report);
  report.rows = std::move(work.rows);
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  Summarise(options.bootstrap, report);
  return report;
}

}  // namespace vitrine::evaluate
