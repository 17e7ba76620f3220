#include "monitor/attribution.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "core/check.h"
#include "monitor/stable_hash.h"
#include "monitor/windows/window_store.h"

namespace vitrine::monitor {
namespace {

/// Versions and scenes come and go; more rows than this are counted as "other".
constexpr std::size_t kMostRows = 256;
/// One answer of so many, by its request, is looked at as a list: means need no more, and an answer costs less.
constexpr std::uint64_t kListsEvery = 4;

}  // namespace

std::string_view LabelName(Label label) { return label == Label::kClick ? "click" : "purchase"; }

Attribution::Attribution(AttributionOptions options)
    : options_(std::move(options)),
      estimates_(options_.ks, {options_.click_window, options_.purchase_window}) {
  ideal_.push_back(0);
  for (std::size_t place = 0; place < kMostPlaces; ++place) {
    discounts_.push_back(1 / std::log2(static_cast<double>(place) + 2));
    ideal_.push_back(ideal_.back() + discounts_.back());
  }
  CHECK(!options_.ks.empty() && options_.ks.front() > 0 &&
        options_.ks.back() <= static_cast<int>(kMostPlaces));
}

Micros Attribution::WindowOf(Label label) const {
  return label == Label::kClick ? options_.click_window : options_.purchase_window;
}

bool Attribution::Add(const Impression& impression, Micros ts) {
  Answer answer;
  answer.request = StableHash(impression.request_id);
  if (by_request_.contains(answer.request)) {
    return false;
  }
  answer.subject = impression.subject.empty() ? 0 : StableHash(impression.subject);
  answer.ts = ts;
  answer.hour = HourAt(ts);
  answer.group = (answer.subject != 0 ? answer.subject : answer.request) % kShopperGroups;
  answer.row = &RowOf(impression);
  const std::string& key = answer.row->first;
  for (const ShownItem& item : impression.items) {
    if (answer.items.size() == kMostPlaces) {
      break;
    }
    answer.items.push_back(StableHash(item.item_id));
  }
  answer.in_hour = OpenHour(answer);
  for (QualityCounts* row : {&answer.row->second, answer.in_hour}) {
    if (row == nullptr) {
      continue;
    }
    ++row->answers;
    row->shown += answer.items.size();
    ++row->groups[answer.group].answers;
    for (QualityCounts::OfLabel& label : row->labels) {
      label.recall.resize(options_.ks.size());
      label.ndcg.resize(options_.ks.size());
    }
  }
  estimates_.OnAnswer(key, impression, answer.hour, ts, answer.scores);
  answer.visitor = answer.subject;
  answer.outcomes_row =
      outcomes_.OnAnswer(key, answer.visitor, answer.group, answer.items.size(), ts);
  if (answer.request % kListsEvery == 0) {
    const ScoreBins* bins = estimates_.BinsOf(answer.scores);
    behaviour_.OnAnswer(key, impression, answer.items,
                        {.scored = bins != nullptr && bins->ready(),
                         .lowest = bins == nullptr ? 0 : bins->lowest(),
                         .highest = bins == nullptr ? 0 : bins->highest()},
                        answer.hour);
  }
  Index(answer, first_ + waiting_.size());
  waiting_.push_back(std::move(answer));
  Advance(ts);
  while (waiting_.size() > options_.most_waiting) {
    Pop(false);
  }
  return true;
}

Attribution::Row& Attribution::RowOf(const Impression& impression) {
  key_.assign(CountedModel(impression)).append(1, '\n').append(impression.scene);
  const auto found = rows_.find(key_);
  if (found != rows_.end()) {
    return *found;
  }
  return *rows_.try_emplace(rows_.size() < kMostRows ? key_ : "other\nother").first;
}

QualityCounts* Attribution::OpenHour(const Answer& answer) {
  // Most answers are of the row and hour of the one before.
  if (!waiting_.empty() && waiting_.back().row == answer.row &&
      waiting_.back().hour == answer.hour && HourOf(waiting_.back()) != nullptr) {
    return waiting_.back().in_hour;
  }
  HourRow key{answer.hour, answer.row->first};
  const auto found = hours_.find(key);
  if (found != hours_.end()) {
    return &found->second;
  }
  const bool room = hours_.size() < kMostHourRows && answer.hour >= final_before_;
  return room ? &hours_[std::move(key)] : nullptr;
}

QualityCounts* Attribution::HourOf(const Answer& answer) const {
  return answer.hour >= final_before_ ? answer.in_hour : nullptr;
}

void Attribution::FinishHours() {
  const std::int64_t window = std::max(options_.click_window.value, options_.purchase_window.value);
  final_before_ = std::max(final_before_, HourAt({watermark_.value - window}));
  while (!hours_.empty() && hours_.begin()->first.first < final_before_) {
    final_hours_.insert(hours_.extract(hours_.begin()));
  }
  for (; final_hours_.size() > kMostFinalRows; ++lost_hours_) {
    final_hours_.erase(final_hours_.begin());
  }
}

void Attribution::DropFinalHours(const std::vector<HourRow>& hours) {
  for (const HourRow& hour : hours) {
    final_hours_.erase(hour);
  }
  estimates_.DropFinalHours(hours);
  behaviour_.DropFinalHours(hours);
}

void Attribution::Index(const Answer& answer, std::uint64_t sequence) {
  by_request_[answer.request] = sequence;
  if (answer.subject != 0) {
    auto& answers = by_subject_[answer.subject];
    if (answers.size() == kAnswersPerSubject) {
      LeaveSubject(answers.front());
      answers.erase(answers.begin());
    }
    answers.push_back(sequence);
  }
}

void Attribution::LeaveSubject(std::uint64_t sequence) {
  if (sequence >= first_) {
    waiting_[sequence - first_].subject = 0;
  }
}

void Attribution::Advance(Micros ts) {
  watermark_ = std::max(watermark_, ts);
  TellLabels();
  const std::int64_t window = std::max(options_.click_window.value, options_.purchase_window.value);
  while (!waiting_.empty() && waiting_.front().ts.value + window < watermark_.value) {
    Pop(true);
  }
  estimates_.Advance(watermark_, hours_);
  FinishHours();
  estimates_.Finish(final_before_);
  behaviour_.Finish(final_before_);
}

void Attribution::TellLabels() {
  for (std::size_t l = 0; l < kLabels; ++l) {
    const auto label = static_cast<Label>(l);
    std::uint64_t& next = told_[l];
    for (next = std::max(next, first_); next < first_ + waiting_.size(); ++next) {
      const Answer& answer = waiting_[next - first_];
      if (answer.ts.value + WindowOf(label).value >= watermark_.value) {
        break;
      }
      estimates_.OnLabels(label, answer.scores, answer.labels[l].places, answer.group, answer.hour);
    }
  }
}

void Attribution::Pop(bool mature) {
  const Answer& oldest = waiting_.front();
  if (mature) {
    ++oldest.row->second.mature;
    if (QualityCounts* hour = HourOf(oldest)) {
      ++hour->mature;
    }
  } else {
    ++forgotten_;
  }
  const auto request = by_request_.find(oldest.request);
  if (request != by_request_.end() && request->second == first_) {
    by_request_.erase(request);
  }
  const auto subject = by_subject_.find(oldest.subject);
  if (subject != by_subject_.end()) {
    std::erase_if(subject->second, [this](std::uint64_t sequence) { return sequence <= first_; });
    if (subject->second.empty()) {
      by_subject_.erase(subject);
    }
  }
  waiting_.pop_front();
  ++first_;
}

Attribution::Answer* Attribution::FindRequest(std::string_view request_id) {
  const auto found = by_request_.find(StableHash(request_id));
  return found == by_request_.end() ? nullptr : &waiting_[found->second - first_];
}

std::vector<Attribution::Answer*> Attribution::AnswersOf(std::uint64_t subject, Micros ts,
                                                         Micros window) {
  std::vector<Answer*> answers;
  const auto found = by_subject_.find(subject);
  if (subject == 0 || found == by_subject_.end()) {
    return answers;
  }
  for (auto sequence = found->second.rbegin(); sequence != found->second.rend(); ++sequence) {
    if (*sequence < first_) {
      continue;  // left already; the list is cleaned when its own front leaves
    }
    Answer& answer = waiting_[*sequence - first_];
    if (answer.ts <= ts && ts.value <= answer.ts.value + window.value) {
      answers.push_back(&answer);
    }
  }
  return answers;
}

void Attribution::SetPlace(Answer& answer, Label label, std::size_t place, bool on) {
  LabelState& state = answer.labels[static_cast<std::size_t>(label)];
  const std::uint64_t bit = std::uint64_t{1} << place;
  if (((state.places & bit) != 0) == on) {
    return;
  }
  Contribute(answer, label, -1);
  state.places ^= bit;
  Contribute(answer, label, 1);
}

void Attribution::AddMissed(Answer& answer, Label label, std::uint64_t item) {
  auto& missed = answer.labels[static_cast<std::size_t>(label)].missed;
  if (missed.size() == kMostMissed ||
      std::find(missed.begin(), missed.end(), item) != missed.end()) {
    return;
  }
  Contribute(answer, label, -1);
  missed.push_back(item);
  Contribute(answer, label, 1);
}

void Attribution::Contribute(const Answer& answer, Label label, double sign) {
  ContributeTo(answer.row->second, answer, label, sign);
  if (QualityCounts* hour = HourOf(answer)) {
    ContributeTo(*hour, answer, label, sign);
  }
}

void Attribution::ContributeTo(QualityCounts& row, const Answer& answer, Label label,
                               double sign) const {
  const LabelState& state = answer.labels[static_cast<std::size_t>(label)];
  const auto places = static_cast<std::size_t>(std::popcount(state.places));
  const std::size_t relevant = places + state.missed.size();
  if (relevant == 0) {
    return;
  }
  QualityCounts::OfLabel& sums = row.labels[static_cast<std::size_t>(label)];
  const auto add = [sign](auto& count, std::size_t n) {
    using Count = std::remove_reference_t<decltype(count)>;
    count = static_cast<Count>(sign > 0 ? count + n : count - n);
  };
  ShopperGroup& group = row.groups[answer.group];
  add(label == Label::kClick ? group.clicked : group.bought, places > 0 ? 1 : 0);
  add(sums.answers, 1);
  add(sums.hit_answers, places > 0 ? 1 : 0);
  add(sums.places, places);
  add(sums.missed, state.missed.size());
  if (places > 0) {
    sums.reciprocal += sign / (1 + std::countr_zero(state.places));
  }
  for (std::size_t i = 0; i < options_.ks.size(); ++i) {
    const auto k = static_cast<std::size_t>(options_.ks[i]);
    double hits = 0;
    double gain = 0;
    for (std::size_t place = 0; place < std::min(k, answer.items.size()); ++place) {
      if ((state.places >> place & 1U) != 0) {
        hits += 1;
        gain += discounts_[place];
      }
    }
    sums.recall[i] += sign * hits / static_cast<double>(relevant);
    sums.ndcg[i] += sign * gain / ideal_[std::min(k, relevant)];
  }
}

}  // namespace vitrine::monitor
