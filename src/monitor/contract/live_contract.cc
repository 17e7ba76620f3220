#include "monitor/contract/live_contract.h"

#include <algorithm>
#include <utility>

namespace vitrine::monitor {
namespace {

using nlohmann::json;

constexpr std::int64_t kHour = 3'600 * kMicrosPerSecond;
/// A longer time without a look is no shop's silence: the server was off, or the log is read anew.
constexpr std::int64_t kMostEmptyHours = 48;

Micros HourOf(Micros time) { return {time.value / kHour * kHour}; }
Micros DayOf(Micros time) { return {time.value / kMicrosPerDay * kMicrosPerDay}; }

json OfCounts(const std::vector<RuleCounts>& counts) {
  json out = json::array();
  for (const RuleCounts& c : counts) {
    out.push_back({c.rows, c.hits, c.sum, c.squares, c.longest});
  }
  return out;
}

std::vector<RuleCounts> CountsOf(const json& saved) {
  std::vector<RuleCounts> out;
  for (const json& c : saved) {
    out.push_back({c.at(0).get<double>(), c.at(1).get<double>(), c.at(2).get<double>(),
                   c.at(3).get<double>(), c.at(4).get<double>()});
  }
  return out;
}

void AddTo(std::vector<RuleCounts>& day, const std::vector<RuleCounts>& hour) {
  for (std::size_t r = 0; r < day.size() && r < hour.size(); ++r) {
    day[r].rows += hour[r].rows;
    day[r].hits += hour[r].hits;
    day[r].sum += hour[r].sum;
    day[r].squares += hour[r].squares;
    day[r].longest = std::max(day[r].longest, hour[r].longest);
  }
}

}  // namespace

void LiveContract::SetContract(std::shared_ptr<const DataContract> contract,
                               std::uint64_t version) {
  contract_ = std::move(contract);
  version_ = version;
  StartAnew();
  TakeUp();
}

void LiveContract::StartAnew() {
  counter_.reset();
  states_.clear();
  running_.clear();
  closed_hour_.clear();
  closed_day_.clear();
  silence_.reset();
  hour_ = day_ = judged_hour_ = judged_day_ = {};
  looks_ = 0;
  if (contract_ != nullptr) {
    counter_.emplace(contract_, known_);
    states_.resize(contract_->rules.size());
    day_counts_.assign(contract_->rules.size(), {});
    day_examples_.assign(contract_->rules.size(), {});
  }
}

void LiveContract::Enter(Micros hour, bool whole) {
  if (const Micros day = DayOf(hour); day != day_) {
    day_ = day;
    day_whole_ = whole && hour == day;
    std::fill(day_counts_.begin(), day_counts_.end(), RuleCounts());
    std::fill(day_examples_.begin(), day_examples_.end(), Example());
  }
  hour_ = hour;
  hour_whole_ = whole;
  looks_ = 0;
  running_.clear();
}

ContractWindow LiveContract::Hour() const {
  ContractWindow window{.from = hour_, .whole = hour_whole_, .rules = {}, .examples = {}};
  if (counter_.has_value()) {
    window.rules = counter_->counts();
    window.examples = counter_->Examples();
  }
  return window;
}

void LiveContract::Note(const ContractWindow& window, const Judged& judged, Grain grain) {
  for (std::size_t r = 0; r < judged.rules.size() && r < states_.size(); ++r) {
    const std::optional<bool>& broken = judged.rules[r];
    if (!broken.has_value()) {
      continue;
    }
    std::optional<RuleState>& state = states_[r];
    // A day that was broken is not mended by an hour that is not; the next day says so.
    if (state.has_value() && state->grain == Grain::kDay && state->broken && !*broken &&
        grain == Grain::kHour) {
      continue;
    }
    state = RuleState{contract_->rules[r].id, grain, *broken, window.rules[r].rows,
                      SaysRowsAreWrong(contract_->rules[r])};
  }
}

void LiveContract::CloseHour() {
  ContractWindow hour = Hour();
  const Judged judged =
      JudgeWindow(*contract_, hour, {.grain = Grain::kHour, .looks = static_cast<double>(kLooks)});
  Note(hour, judged, Grain::kHour);
  closed_hour_ = judged.findings;
  judged_hour_ = hour_;
  AddTo(day_counts_, hour.rules);
  day_whole_ = day_whole_ && hour_whole_;
  for (std::size_t r = 0; r < hour.examples.size(); ++r) {
    if (!hour.examples[r].empty()) {
      day_examples_[r] = std::move(hour.examples[r]);
    }
  }
  if (const Micros next{hour_.value + kHour}; DayOf(next) != day_) {
    const ContractWindow day{
        .from = day_, .whole = day_whole_, .rules = day_counts_, .examples = day_examples_};
    const Judged whole = JudgeWindow(*contract_, day, {.grain = Grain::kDay});
    Note(day, whole, Grain::kDay);
    closed_day_ = whole.findings;
    judged_day_ = day_;
  }
  if (counter_.has_value()) {
    counter_->Begin();
  }
}

void LiveContract::Count(const Event& event, Micros received) {
  if (!counter_.has_value()) {
    return;
  }
  const Micros hour = HourOf(received);
  if (hour_.value == 0) {
    Enter(hour, false);
  } else if (hour > hour_) {
    Advance(hour);
  }
  counter_->Count(event, received);
  silence_.reset();
}

void LiveContract::Advance(Micros now) {
  if (!counter_.has_value()) {
    return;
  }
  const Micros hour = HourOf(now);
  if (hour_.value == 0) {
    Enter(hour, false);
  }
  if (hour.value - hour_.value > kMostEmptyHours * kHour) {
    CloseHour();
    Enter(hour, false);
  }
  while (hour_ < hour) {
    CloseHour();
    Enter({hour_.value + kHour}, true);
  }
  Look(now);
  LookAtSilence(now);
}

void LiveContract::Look(Micros now) {
  const auto due = static_cast<std::uint64_t>(now.value - hour_.value) * kLooks /
                   static_cast<std::uint64_t>(kHour);
  if (due <= looks_ || due >= kLooks) {
    return;  // the last look is at the whole hour
  }
  looks_ = due;
  const ContractWindow window = Hour();
  const Judged judged =
      JudgeWindow(*contract_, window,
                  {.grain = Grain::kHour, .looks = static_cast<double>(kLooks), .partial = true});
  Note(window, judged, Grain::kHour);
  running_ = judged.findings;
}

// The longest silence of a day is what was learned, so it is broken the moment it is longer, not at midnight.
void LiveContract::LookAtSilence(Micros now) {
  const Micros last = counter_.has_value() ? counter_->last() : Micros{};
  if (last.value == 0 || !hour_whole_) {
    return;  // the server has just begun: whoever was silent before is not known
  }
  for (std::size_t r = 0; r < contract_->rules.size(); ++r) {
    const ContractRule& rule = contract_->rules[r];
    if (rule.kind != ContractKind::kSilence || !rule.enabled || !rule.day.has_value()) {
      continue;
    }
    const double seconds =
        static_cast<double>(now.value - last.value) / static_cast<double>(kMicrosPerSecond);
    const bool broken = seconds > rule.day->high;
    states_[r] = RuleState{rule.id, Grain::kDay, broken, 1};
    silence_.reset();
    if (broken) {
      silence_ = ContractFinding{.rule = rule.id,
                                 .kind = rule.kind,
                                 .grain = Grain::kDay,
                                 .window = last,
                                 .expected = rule.expected,
                                 .high = rule.day->high,
                                 .seen = seconds};
    }
  }
}

void LiveContract::CountRefused(double rows) {
  if (counter_.has_value()) {
    counter_->CountRefused(rows);
  }
}

void LiveContract::CountRepeated(double rows) {
  if (counter_.has_value()) {
    counter_->CountRepeated(rows);
  }
}

void LiveContract::ForgetItem(std::string_view id) {
  if (counter_.has_value()) {
    counter_->ForgetItem(id);
  }
}

ContractReport LiveContract::Report() const {
  ContractReport out;
  if (contract_ == nullptr) {
    return out;
  }
  out.version = version_;
  out.rules = static_cast<std::uint64_t>(
      std::count_if(contract_->rules.begin(), contract_->rules.end(),
                    [](const ContractRule& rule) { return rule.enabled; }));
  out.hour = hour_;
  out.looks = looks_;
  out.judged_hour = judged_hour_;
  out.judged_day = judged_day_;
  for (const std::optional<RuleState>& state : states_) {
    if (state.has_value()) {
      out.states.push_back(*state);
    }
  }
  if (silence_.has_value()) {
    out.findings.push_back(*silence_);
  }
  for (const auto* part : {&running_, &closed_hour_, &closed_day_}) {
    out.findings.insert(out.findings.end(), part->begin(), part->end());
  }
  return out;
}

json LiveContract::Save() const {
  if (!counter_.has_value()) {
    return saved_;
  }
  return {{"version", version_},
          {"hour", hour_.value},
          {"counts", OfCounts(counter_->counts())},
          {"last", counter_->last().value},
          {"day", day_.value},
          {"day_counts", OfCounts(day_counts_)}};
}

void LiveContract::Load(const json& saved) {
  saved_ = saved;
  TakeUp();
}

void LiveContract::TakeOver(LiveContract read) {
  saved_ = std::move(read.saved_);
  TakeUp();
}

void LiveContract::TakeUp() {
  if (!counter_.has_value() || !saved_.is_object() ||
      saved_.at("version").get<std::uint64_t>() != version_) {
    return;
  }
  std::vector<RuleCounts> day = CountsOf(saved_.at("day_counts"));
  if (day.size() == day_counts_.size()) {
    // While nobody counted, rows may have been missed: neither window is whole.
    Enter({saved_.at("hour").get<std::int64_t>()}, false);
    day_ = {saved_.at("day").get<std::int64_t>()};
    day_whole_ = false;
    day_counts_ = std::move(day);
    counter_->Restore(CountsOf(saved_.at("counts")), {saved_.at("last").get<std::int64_t>()});
  }
  saved_ = nullptr;
}

}  // namespace vitrine::monitor
