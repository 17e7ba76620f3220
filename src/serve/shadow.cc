#include "serve/shadow.h"

#include <algorithm>
#include <utility>

#include "serve/model_set.h"

namespace vitrine::serve {
namespace {

constexpr std::size_t kPlaces = 10;

RecommenderParts ForShadow(RecommenderParts parts, ServeObserver& ear) {
  parts.observer = &ear;
  parts.explainer = nullptr;
  parts.outside = nullptr;
  parts.traffic = nullptr;
  parts.metrics = nullptr;
  parts.lists = {};
  return parts;
}

/// Share of the first places of `given` that `made` shows among its own first.
double Overlap(const std::vector<std::string>& given, std::size_t shown,
               const std::vector<RecommendedItem>& made) {
  const std::size_t places = std::min(kPlaces, shown);
  const auto end = made.begin() + static_cast<std::ptrdiff_t>(std::min(kPlaces, made.size()));
  std::size_t both = 0;
  for (std::size_t i = 0; i < places; ++i) {
    both +=
        std::any_of(made.begin(), end, [&](const auto& item) { return item.item_id == given[i]; })
            ? 1U
            : 0U;
  }
  return places == 0 ? 1 : static_cast<double>(both) / static_cast<double>(places);
}

}  // namespace

ShadowRunner::ShadowRunner(const RecommenderParts& parts, std::string alias,
                           std::shared_ptr<const ServedModel> candidate, std::size_t places)
    : parts_(ForShadow(parts, ear_)),
      alias_(std::move(alias)),
      candidate_(std::move(candidate)),
      recommender_(parts_),
      ring_(places),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

ShadowRunner::~ShadowRunner() {
  thread_.request_stop();
  thread_.join();
}

void ShadowRunner::Offer(const RecommendRequest& request, Micros as_of,
                         const RecommendResponse& given) {
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock()) {
    missed_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  ++counts_.offered;
  if (waiting_ == ring_.size()) {
    ++counts_.dropped;
    return;
  }
  Task& task = ring_[(first_ + waiting_) % ring_.size()];
  task.request = request;
  task.request.scene = given.scene;
  task.request.n = given.items.size();
  task.request.as_of = as_of;
  task.request.explain = false;
  task.request.absent = {};
  task.request.record = false;
  task.request.may_wait = false;
  task.request.deadline.reset();
  task.given.resize(std::max(task.given.size(), given.items.size()));
  task.shown = given.items.size();
  for (std::size_t i = 0; i < given.items.size(); ++i) {
    task.given[i] = given.items[i].item_id;
  }
  ++waiting_;
  wake_.notify_all();
}

ShadowCounts ShadowRunner::Counts() const {
  ShadowCounts counts;
  {
    const std::scoped_lock lock(mutex_);
    counts = counts_;
  }
  const std::uint64_t missed = missed_.load(std::memory_order_relaxed);
  counts.offered += missed;
  counts.dropped += missed;
  counts.control = control_times_.Read();
  counts.candidate = candidate_times_.Read();
  return counts;
}

bool ShadowRunner::WaitUntilIdle(Deadline deadline) const {
  std::unique_lock lock(mutex_);
  return wake_.wait_until(lock, deadline, [this] { return waiting_ == 0 && !busy_; });
}

void ShadowRunner::Run(const std::stop_token& stop) {
  Task task;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, stop, [this] { return waiting_ > 0; })) {
        return;
      }
      std::swap(task, ring_[first_]);
      first_ = (first_ + 1) % ring_.size();
      --waiting_;
      busy_ = true;
    }
    Compare(task);
    {
      const std::scoped_lock lock(mutex_);
      busy_ = false;
    }
    wake_.notify_all();
  }
}

bool ShadowRunner::IsPopular(const ServedModel& control, const std::string& item) const {
  const auto number = parts_.log->FindItem(item);
  const ItemIndex index = number ? control.space().IndexOf(*number) : kUnknownItem;
  const std::size_t head = std::max<std::size_t>(10, control.space().width() / 100);
  return index != kUnknownItem && index < kFirstItem + head;
}

// Who goes first changes with each request, so that neither always finds the other's memory warm.
void ShadowRunner::Compare(const Task& task) {
  const std::shared_ptr<const ServedModel> control = parts_.models->Get(alias_);
  if (control == nullptr || control->candidate_layout() != nullptr) {
    return;  // nothing to be compared with
  }
  candidate_first_ = !candidate_first_;
  Status candidate = Status::Ok();
  Status serving = Status::Ok();
  ear_.said.clear();
  std::string said;
  for (const bool turn : {candidate_first_, !candidate_first_}) {
    if (turn) {
      ear_.said.clear();
      candidate = recommender_.RecommendBy(candidate_, task.request, by_candidate_);
      said = ear_.said.empty() ? by_candidate_.why : ear_.said;
    } else {
      serving = recommender_.RecommendBy(control, task.request, by_control_);
    }
  }
  if (!serving.ok() || by_control_.fallback != Fallback::kNone) {
    return;  // the state of the user has changed, or the version that serves fails itself
  }
  const Fallback fallback = by_candidate_.fallback;
  if (!candidate.ok() || fallback != Fallback::kNone) {
    const bool failed =
        !candidate.ok() || fallback == Fallback::kModelFailed || fallback == Fallback::kDeadline;
    const std::scoped_lock lock(mutex_);
    counts_.failures += failed ? 1U : 0U;
    counts_.fallbacks += failed ? 0U : 1U;
    if (failed) {
      counts_.failure = candidate.ok() ? said : candidate.ToString();
    }
    return;
  }
  control_times_.Add(by_control_.seconds, false, false);
  candidate_times_.Add(by_candidate_.seconds, false, false);
  std::uint64_t popular_control = 0;
  std::uint64_t popular_candidate = 0;
  const auto count = [&](const RecommendResponse& response, std::uint64_t& popular,
                         std::unordered_set<data::ItemNumber>& items) {
    for (const RecommendedItem& item : response.items) {
      popular += IsPopular(*control, item.item_id) ? 1U : 0U;
      if (const auto number = parts_.log->FindItem(item.item_id)) {
        items.insert(*number);
      }
    }
  };
  count(by_control_, popular_control, control_items_);
  count(by_candidate_, popular_candidate, candidate_items_);
  const double overlap = Overlap(task.given, task.shown, by_candidate_.items);
  const std::scoped_lock lock(mutex_);
  ++counts_.compared;
  counts_.overlap += overlap;
  counts_.shown += by_control_.items.size();
  counts_.popular_control += popular_control;
  counts_.popular_candidate += popular_candidate;
  counts_.distinct_control = control_items_.size();
  counts_.distinct_candidate = candidate_items_.size();
}

}  // namespace vitrine::serve
