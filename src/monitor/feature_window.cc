#include "monitor/feature_window.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace vitrine::monitor {
namespace {

/// A request that was under way when its hour ended may still be counted for so long.
constexpr Micros kLate{60 * kMicrosPerSecond};

}  // namespace

FeatureWindow::FeatureWindow(data::ServedValues values, std::vector<ReferenceHistogram> references,
                             WindowOptions options)
    : values_(std::move(values)), options_(options) {
  std::vector<std::string> names = values_.series();
  names.emplace_back(data::kScoresSeries);
  for (const std::string& name : names) {
    Series& series = series_.emplace_back();
    series.reference.feature = name;
    series.begin = bins_;
    for (ReferenceHistogram& reference : references) {
      if (reference.feature == name && !reference.shares.empty()) {
        series.reference = std::move(reference);
        series.known = true;
        bins_ += series.reference.shares.size();
        break;
      }
    }
  }
  baseline_ = EmptySlot();
}

FeatureWindow::Slot FeatureWindow::EmptySlot() const {
  Slot slot;
  slot.counts.assign(bins_, 0);
  return slot;
}

void FeatureWindow::Close(Slot& slot) {
  slot.closed = true;
  ++looks_;
}

void FeatureWindow::CloseFull(Micros ts) {
  // Time may run backwards (another system reports its answers): distance is what counts.
  if (!ring_.empty() && !ring_.back().closed && ring_.back().requests >= options_.slot_requests &&
      std::abs(ts.value - ring_.back().opened.value) >= options_.slot_time.value) {
    Close(ring_.back());
  }
}

FeatureWindow::Slot& FeatureWindow::Open(Micros ts) {
  CloseFull(ts);
  // The baseline ends a slot, so that each slot lies wholly before or after it.
  if (!ring_.empty() && !ring_.back().closed && ring_.back().after_baseline != baseline_ready()) {
    Close(ring_.back());
  }
  if (ring_.empty() || ring_.back().closed) {
    if (ring_.size() == options_.slots) {
      std::rotate(ring_.begin(), ring_.begin() + 1, ring_.end());
      std::fill(ring_.back().counts.begin(), ring_.back().counts.end(), 0);
      ring_.back().requests = 0;
      ring_.back().closed = false;
    } else {
      ring_.push_back(EmptySlot());
    }
    ring_.back().opened = ts;
    ring_.back().after_baseline = baseline_ready();
  }
  return ring_.back();
}

FeatureWindow::Slot& FeatureWindow::OpenHour(Micros ts) {
  const std::int64_t hour = std::max(HourAt(ts), dropped_through_ + 1);
  if (hour_ && hour > hour_->hour) {
    if (ended_.size() == kMostEndedHours) {
      ended_.erase(ended_.begin());
    }
    ended_.push_back(std::move(*hour_));
    hour_.reset();
  }
  if (!hour_) {
    hour_ = Hour{hour, EmptySlot()};
    hour_->slot.after_baseline = baseline_ready();
  }
  return hour_->slot;  // what is older than it counts in it
}

void FeatureWindow::Count(Slot& slot, std::size_t series, double value) const {
  const Series& s = series_[series];
  if (s.known) {
    const std::size_t bin =
        std::min(data::BinOf(s.reference, value), s.reference.shares.size() - 1);
    ++slot.counts[s.begin + bin];
  }
}

void FeatureWindow::Add(std::span<const Tensor> features, std::span<const double> shown_scores,
                        Micros ts) {
  Slot& slot = Open(ts);
  Slot& hour = OpenHour(ts);
  const bool first = !baseline_ready();
  const auto count = [&](std::size_t series, double value) {
    Count(slot, series, value);
    Count(hour, series, value);
    if (first) {
      Count(baseline_, series, value);
    }
  };
  values_.Read(features, count);
  for (const double score :
       shown_scores.first(std::min(shown_scores.size(), data::kScoresWatched))) {
    count(series_.size() - 1, score);
  }
  ++slot.requests;
  ++hour.requests;
  ++requests_;
  if (first) {
    ++baseline_.requests;
  }
  CloseFull(ts);
}

FeatureWindow::Slot FeatureWindow::Sum(bool after_baseline) const {
  Slot sum = EmptySlot();
  for (const Slot& slot : ring_) {
    if (!slot.closed || (after_baseline && !slot.after_baseline)) {
      continue;
    }
    sum.requests += slot.requests;
    for (std::size_t b = 0; b < bins_; ++b) {
      sum.counts[b] += slot.counts[b];
    }
  }
  return sum;
}

std::vector<DriftVerdict> FeatureWindow::Judge(const Slot& current, const Slot* baseline,
                                               const DriftOptions& options) const {
  std::vector<DriftInput> inputs;
  for (const Series& s : series_) {
    if (!s.known) {
      continue;
    }
    DriftInput& input = inputs.emplace_back();
    input.feature = s.reference.feature;
    input.ordered = s.reference.levels.empty();
    double values = 0;
    for (std::size_t b = 0; b < s.reference.shares.size(); ++b) {
      input.current.push_back(static_cast<double>(current.counts[s.begin + b]));
      input.reference.push_back(baseline == nullptr
                                    ? s.reference.shares[b]
                                    : static_cast<double>(baseline->counts[s.begin + b]));
      values += input.current.back();
    }
    input.reference_rows = baseline == nullptr ? static_cast<double>(s.reference.rows) : 0;
    // Places of one history and scores of one answer are not independent: the request is the row.
    input.values_per_row =
        current.requests == 0 ? 1 : values / static_cast<double>(current.requests);
  }
  return JudgeDrift(inputs, options);
}

DriftModel FeatureWindow::Report(const DriftOptions& stream) const {
  DriftModel report;
  DriftOptions options = stream;
  options.alpha = SpentAlpha(stream.stream_alpha, looks_);
  report.looks = looks_;
  const Slot window = Sum(false);
  report.requests = requests_;
  report.window_requests = window.requests;
  report.baseline_ready = baseline_ready();
  const auto training = Judge(window, nullptr, options);
  std::vector<DriftVerdict> baseline;
  if (report.baseline_ready) {
    baseline = Judge(Sum(true), &baseline_, options);
  }
  for (std::size_t i = 0; i < training.size(); ++i) {
    DriftSeries& series = report.series.emplace_back();
    series.training = training[i];
    if (report.baseline_ready) {
      series.baseline = baseline[i];
    }
    const DriftVerdict& deciding = series.baseline ? *series.baseline : series.training;
    series.drifted = deciding.drifted;
    report.judged += deciding.judged ? 1 : 0;
    report.drifted += deciding.drifted ? 1 : 0;
  }
  return report;
}

std::vector<FeatureWindow::KeptHour> FeatureWindow::Hours(const DriftOptions& options,
                                                          Micros now) const {
  std::vector<KeptHour> hours;
  const auto add = [&](const Hour& hour) {
    const Micros over{(hour.hour + 1) * kMicrosPerHour + kLate.value};
    FeatureHours& of = hours.emplace_back(KeptHour{hour.hour, over <= now, {}}).counts;
    of.requests = hour.slot.requests;
    // An hour with requests of the baseline itself is not held against it.
    const bool against_baseline = baseline_ready() && hour.slot.after_baseline;
    const auto verdicts = Judge(hour.slot, against_baseline ? &baseline_ : nullptr, options);
    std::size_t next = 0;
    for (const Series& s : series_) {
      if (!s.known) {
        continue;
      }
      const DriftVerdict& verdict = verdicts[next++];
      const auto begin = hour.slot.counts.begin() + static_cast<std::ptrdiff_t>(s.begin);
      of.features.push_back(
          {.feature = s.reference.feature,
           .counts = {begin, begin + static_cast<std::ptrdiff_t>(s.reference.shares.size())},
           .judged = verdict.judged,
           .against_baseline = against_baseline,
           .psi = verdict.psi,
           .effect = verdict.corrected_psi,
           .p_value = verdict.p_value});
    }
  };
  std::for_each(ended_.begin(), ended_.end(), add);
  if (hour_) {
    add(*hour_);
  }
  return hours;
}

void FeatureWindow::DropHours(std::int64_t through) {
  std::erase_if(ended_, [through](const Hour& hour) { return hour.hour <= through; });
  if (hour_ && hour_->hour <= through) {
    hour_.reset();
  }
  dropped_through_ = std::max(dropped_through_, through);
}

nlohmann::json FeatureWindow::Save() const {
  const auto of_slot = [](const Slot& slot) {
    return nlohmann::json(
        {slot.requests, slot.opened.value, slot.after_baseline, slot.counts, slot.closed});
  };
  nlohmann::json ring = nlohmann::json::array();
  for (const Slot& slot : ring_) {
    ring.push_back(of_slot(slot));
  }
  nlohmann::json hours = nlohmann::json::array();
  for (const Hour& hour : ended_) {
    hours.push_back({hour.hour, of_slot(hour.slot)});
  }
  if (hour_) {
    hours.push_back({hour_->hour, of_slot(hour_->slot)});
  }
  nlohmann::json names = nlohmann::json::array();
  for (const Series& s : series_) {
    names.push_back({s.reference.feature, s.reference.shares.size()});
  }
  return {{"series", names}, {"requests", requests_},
          {"looks", looks_}, {"baseline", of_slot(baseline_)},
          {"ring", ring},    {"hours", hours}};
}

Status FeatureWindow::Load(const nlohmann::json& saved) {
  try {
    if (saved.at("series") != Save().at("series")) {
      return InvalidArgument("the saved drift counters are of other features");
    }
    const auto slot_of = [](const nlohmann::json& j) {
      Slot slot;
      slot.requests = j.at(0).get<std::uint64_t>();
      slot.opened = Micros{j.at(1).get<std::int64_t>()};
      slot.after_baseline = j.at(2).get<bool>();
      slot.counts = j.at(3).get<std::vector<std::uint64_t>>();
      slot.closed = j.size() > 4 && j.at(4).get<bool>();
      return slot;
    };
    Slot baseline = slot_of(saved.at("baseline"));
    std::vector<Slot> ring;
    for (const nlohmann::json& slot : saved.at("ring")) {
      ring.push_back(slot_of(slot));
    }
    ring.erase(ring.begin(), ring.size() > options_.slots
                                 ? ring.end() - static_cast<std::ptrdiff_t>(options_.slots)
                                 : ring.begin());
    std::vector<Hour> hours;
    for (const nlohmann::json& hour : saved.value("hours", nlohmann::json::array())) {
      hours.push_back({hour.at(0).get<std::int64_t>(), slot_of(hour.at(1))});
    }
    const auto wrong = [this](const Slot& slot) { return slot.counts.size() != bins_; };
    if (wrong(baseline) || std::any_of(ring.begin(), ring.end(), wrong) ||
        std::any_of(hours.begin(), hours.end(),
                    [&wrong](const Hour& hour) { return wrong(hour.slot); })) {
      return InvalidArgument("the saved drift counters have other bins");
    }
    std::uint64_t looks = 0;
    if (saved.contains("looks")) {
      looks = saved.at("looks").get<std::uint64_t>();
    } else {  // of a program that did not count looks: all slots but the newest were closed
      for (std::size_t i = 0; i + 1 < ring.size(); ++i) {
        ring[i].closed = true;
        ++looks;
      }
    }
    requests_ = saved.at("requests").get<std::uint64_t>();
    looks_ = looks;
    baseline_ = std::move(baseline);
    ring_ = std::move(ring);
    hour_.reset();
    if (!hours.empty()) {
      hour_ = std::move(hours.back());
      hours.pop_back();
    }
    ended_ = std::move(hours);
    return Status::Ok();
  } catch (const nlohmann::json::exception& e) {
    return InvalidArgument(fmt::format("the saved drift counters are broken: {}", e.what()));
  }
}

}  // namespace vitrine::monitor
