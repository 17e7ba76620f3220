#include "monitor/online_monitor.h"

#include <algorithm>
#include <utility>

#include "data/validate.h"
#include "monitor/online_state.h"
#include "monitor/stable_hash.h"

namespace vitrine::monitor {
namespace {

/// Versions, scenes and reasons come and go; what exceeds these bounds is counted as "other".
constexpr std::size_t kMostRows = 256;
constexpr std::size_t kMostReasons = 32;
constexpr Micros kLateAfter{kMicrosPerDay};
constexpr std::string_view kOther = "other";

template <typename Map>
auto& Bounded(Map& map, std::string_view key, std::size_t most) {
  const auto found = map.find(key);
  if (found != map.end()) {
    return found->second;
  }
  return map[std::string(map.size() < most ? key : kOther)];
}

bool IsRejectionCode(std::string_view code) {
  return std::find(std::begin(data::kRejectionCodes), std::end(data::kRejectionCodes), code) !=
         std::end(data::kRejectionCodes);
}

// Looked up in the registry once: that takes its lock and makes the labels' text.
Counter* FallbackMetric(MetricRegistry* metrics,
                        std::map<std::string, Counter*, std::less<>>& by_reason,
                        std::string_view scene, std::string_view reason) {
  if (metrics == nullptr) {
    return nullptr;
  }
  Counter*& metric = Bounded(by_reason, reason, kMostReasons);
  if (metric == nullptr) {
    const std::string label(by_reason.contains(reason) ? reason : kOther);
    metric =
        &metrics->GetCounter("vitrine_answer_fallbacks_total", "Answers that no version ranked.",
                             {{"scene", std::string(scene)}, {"reason", label}});
  }
  return metric;
}

}  // namespace

OnlineMonitor::OnlineMonitor(MonitorOptions options, MetricRegistry* metrics)
    : options_(std::move(options)),
      metrics_(metrics),
      state_(std::make_unique<State>(options_)),
      skew_(options_.skew) {}

OnlineMonitor::~OnlineMonitor() = default;

void OnlineMonitor::Watch(WatchedVersion version) {
  const std::string name = version.model;
  auto model = std::make_shared<Model>(std::move(version), options_.window);
  const std::scoped_lock lock(state_->models_mutex);
  auto& models = state_->models;
  if (models.contains(name)) {
    return;
  }
  RestoreModel(name, *model);
  if (models.size() >= options_.most_models) {
    models.erase(std::min_element(models.begin(), models.end(), [](const auto& a, const auto& b) {
      return a.second->last_served.load() < b.second->last_served.load();
    }));
  }
  model->last_served = Now().value;
  models.emplace(name, std::move(model));
}

std::shared_ptr<OnlineMonitor::Model> OnlineMonitor::Find(std::string_view model) const {
  const std::scoped_lock lock(state_->models_mutex);
  const auto found = state_->models.find(model);
  return found == state_->models.end() ? nullptr : found->second;
}

void OnlineMonitor::OnServed(std::string_view model, std::string_view request_id,
                             std::span<const Tensor> features, std::span<const double> shown_scores,
                             Micros ts) {
  const auto watched = Find(model);
  if (watched == nullptr) {
    return;
  }
  {
    const std::scoped_lock lock(watched->mutex);
    watched->window.Add(features, shown_scores, ts);
    watched->last_served = ts.value;
  }
  skew_.OnServed(model, request_id, features);
}

void OnlineMonitor::OnImpression(const Impression& impression) {
  Counter* answers = nullptr;
  Histogram* seconds = nullptr;
  Counter* fallbacks = nullptr;
  {
    const std::scoped_lock lock(state_->mutex);
    const std::pair<std::string_view, std::string_view> asked(CountedModel(impression),
                                                              impression.scene);
    auto found = state_->service.find(asked);
    if (found == state_->service.end()) {
      const std::string other(kOther);
      found = state_->service
                  .try_emplace(state_->service.size() < kMostRows
                                   ? State::RowKey(CountedModel(impression), impression.scene)
                                   : State::RowKey(other, other))
                  .first;
    }
    const State::RowKey& key = found->first;
    State::ServiceCounts& row = found->second;
    if (metrics_ != nullptr && row.answers_metric == nullptr) {
      row.answers_metric = &metrics_->GetCounter("vitrine_answers_total", "Answers given.",
                                                 {{"model", key.first}, {"scene", key.second}});
      row.seconds_metric =
          &metrics_->GetHistogram("vitrine_answer_seconds", "Time spent answering.",
                                  Histogram::LatencySeconds(), {{"scene", key.second}});
    }
    answers = row.answers_metric;
    seconds = row.seconds_metric;
    ++row.answers;
    row.seconds.Add(impression.seconds);
    if (!impression.fallback.empty()) {
      ++row.fallbacks;
      ++Bounded(state_->fallbacks, impression.fallback, kMostReasons);
      fallbacks = FallbackMetric(metrics_, row.fallback_metrics, key.second, impression.fallback);
    }
  }
  if (const auto watched = Find(CountedModel(impression)); watched != nullptr) {
    const std::scoped_lock lock(watched->mutex);
    for (const ShownItem& item : impression.items) {
      watched->shown.Add(StableHash(item.item_id));
    }
  }
  skew_.OnImpression(impression);
  if (answers == nullptr) {
    return;
  }
  answers->Add();
  seconds->Observe(impression.seconds);
  if (fallbacks != nullptr) {
    fallbacks->Add();
  }
}

void OnlineMonitor::OnDegraded(std::string_view scene, std::string_view rung) {
  {
    const std::scoped_lock lock(state_->mutex);
    ++state_->degraded;
  }
  if (metrics_ != nullptr) {
    metrics_
        ->GetCounter("vitrine_answers_degraded_total",
                     "Answers that came down from the scene's whole pipeline.",
                     {{"scene", std::string(scene)}, {"rung", std::string(rung)}})
        .Add();
  }
}

void OnlineMonitor::OnModelFailure(std::string_view model) {
  {
    const std::scoped_lock lock(state_->mutex);
    ++Bounded(state_->failures, model, kMostRows);
  }
  if (metrics_ != nullptr) {
    metrics_
        ->GetCounter("vitrine_model_failures_total", "Runs of a version that failed.",
                     {{"model", std::string(model)}})
        .Add();
  }
}

void OnlineMonitor::OnRecord(const data::LogRecord& record) {
  const auto* event = std::get_if<Event>(&record.body);
  EventChange change;
  {
    const std::scoped_lock lock(state_->log_mutex);
    if (record.sequence <= state_->watermark) {
      return;
    }
    if (event != nullptr) {
      change = CountEvent(*event, record.received);
      state_->contract.Count(*event, record.received);
    } else if (const auto* item = std::get_if<Item>(&record.body)) {
      state_->attribution.OnItem(*item);
      state_->contract.ForgetItem(item->id);
    } else if (const auto* impression = std::get_if<Impression>(&record.body)) {
      // One answer dated into the future would make all others late, and their hours final.
      const Micros latest{record.received.value + data::kFutureSlack.value};
      const Micros ts = impression->ts <= latest ? impression->ts : record.received;
      if (state_->attribution.Add(*impression, ts)) {
        state_->service_hours.Finish(state_->attribution.final_before());
        state_->service_hours.Add(*impression, ts);
      }
    } else if (const auto* gone = std::get_if<data::ItemDeletion>(&record.body)) {
      state_->contract.ForgetItem(gone->id);
    }
    state_->watermark = record.sequence;
  }
  if (change.metric == nullptr) {
    return;
  }
  change.metric->Add();
  const std::string name(EventName(event->type));
  const auto joins = [&](const char* how, std::uint64_t before, std::uint64_t after) {
    if (after > before) {
      metrics_
          ->GetCounter("vitrine_event_joins_total",
                       "Items of events by how they were joined to an answer.",
                       {{"event", name}, {"joined", how}})
          .Add(after - before);
    }
  };
  const JoinCounts& before = change.before;
  const JoinCounts& after = change.after;
  joins("request", before.by_request, after.by_request);
  joins("subject", before.by_subject, after.by_subject);
  joins("orphan", before.orphans, after.orphans);
  joins("unshown", before.unshown, after.unshown);
  joins("none", before.unjoined, after.unjoined);
}

void OnlineMonitor::OnReadThrough(std::uint64_t sequence, Micros read_at) {
  const std::scoped_lock lock(state_->log_mutex);
  state_->watermark = std::max(state_->watermark, sequence);
  state_->contract.CountRefused(static_cast<double>(state_->refused_rows.exchange(0)));
  state_->contract.CountRepeated(static_cast<double>(state_->repeated_rows.exchange(0)));
  if (read_at.value > 0) {
    state_->contract.Advance(read_at);
  }
}

void OnlineMonitor::SetContract(std::shared_ptr<const DataContract> contract,
                                std::uint64_t version) {
  const std::scoped_lock lock(state_->log_mutex);
  state_->contract.SetContract(std::move(contract), version);
}

void OnlineMonitor::SetKnownIds(KnownIds known) {
  const std::scoped_lock lock(state_->log_mutex);
  state_->contract.SetKnownIds(std::move(known));
}

void OnlineMonitor::OnFeed(std::string_view feed, std::span<const Event> events,
                           std::uint64_t duplicates, Micros now) {
  state_->feeds.Count(feed, events, duplicates, now);
}

void OnlineMonitor::StartLogAnew() {
  const std::scoped_lock lock(state_->log_mutex);
  state_->watermark = 0;
  state_->newest_event = {};
  state_->robots = RobotWatch();
  state_->robot_events = 0;
  state_->attribution = Attribution(options_.attribution);
  state_->service_hours = ServiceHours();
  state_->contract.StartAnew();
  for (State::EventCounts& counts : state_->events) {
    counts = {.metric = counts.metric};
  }
}

std::uint64_t OnlineMonitor::watermark() const {
  const std::scoped_lock lock(state_->log_mutex);
  return state_->watermark;
}

OnlineMonitor::EventChange OnlineMonitor::CountEvent(const Event& event, Micros received) {
  const auto type = static_cast<std::size_t>(event.type);
  State::EventCounts& counts = state_->events[type];
  if (metrics_ != nullptr && counts.metric == nullptr) {
    counts.metric = &metrics_->GetCounter("vitrine_events_total", "Events taken into the log.",
                                          {{"event", std::string(EventName(event.type))}});
  }
  ++counts.accepted;
  counts.without_request += event.request_id.empty() ? 1 : 0;
  counts.anonymous += event.user_id.empty() ? 1 : 0;
  counts.late += event.ts.value + kLateAfter.value < state_->newest_event.value ? 1 : 0;
  state_->newest_event = std::max(state_->newest_event, event.ts);
  const std::string& who = event.user_id.empty() ? event.anonymous_id : event.user_id;
  // One event dated ahead would make the hours until then say nothing.
  state_->robot_events += state_->robots.Saw(who, std::min(event.ts, received)) ? 1 : 0;
  EventChange change{
      .metric = counts.metric, .before = state_->attribution.joins()[type], .after = {}};
  state_->attribution.Record(event);
  change.after = state_->attribution.joins()[type];
  return change;
}

void OnlineMonitor::OnDuplicates(std::uint64_t rows) {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->duplicates += rows;
  }
  state_->repeated_rows += rows;
  if (metrics_ != nullptr && rows > 0) {
    metrics_->GetCounter("vitrine_events_duplicate_total", "Events that were already in the log.")
        .Add(rows);
  }
}

void OnlineMonitor::OnRejected(std::string_view code, std::uint64_t rows) {
  const std::string known(IsRejectionCode(code) ? code : kOther);
  {
    const std::scoped_lock lock(state_->mutex);
    state_->rejected[known] += rows;
  }
  state_->refused_rows += rows;
  if (metrics_ != nullptr) {
    metrics_
        ->GetCounter("vitrine_events_rejected_total", "Rows that were refused.", {{"code", known}})
        .Add(rows);
  }
}

std::size_t OnlineMonitor::RunSkewChecks(const SkewChecks::Recompute& recompute, std::size_t most) {
  return skew_.Run(recompute, most);
}

}  // namespace vitrine::monitor
