#include "optimise/study.h"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace vitrine::optimise {
namespace {

using nlohmann::json;

constexpr int kFormat = 1;

json Of(const Dimension& dimension) {
  if (const auto* range = std::get_if<Range>(&dimension.values)) {
    return {{"name", dimension.name},
            {"low", range->low},
            {"high", range->high},
            {"log", range->scale == Scale::kLog},
            {"whole", range->whole}};
  }
  json choices = json::array();
  for (const train::ParameterValue& value : std::get<Choices>(dimension.values)) {
    std::visit([&](const auto& one) { choices.push_back(one); }, value);
  }
  return {{"name", dimension.name}, {"choices", std::move(choices)}};
}

/// splitmix64: trials' seeds have nothing in common.   Source: Steele, Lea & Flood 2014
std::uint64_t Mixed(std::uint64_t h) {
  h += 0x9E3779B97F4A7C15ULL;
  h = (h ^ (h >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  h = (h ^ (h >> 27U)) * 0x94D049BB133111EBULL;
  return h ^ (h >> 31U);
}

std::optional<TrialState> StateOf(std::string_view name) {
  for (const TrialState state :
       {TrialState::kRunning, TrialState::kDone, TrialState::kStopped, TrialState::kFailed}) {
    if (name == TrialStateName(state)) {
      return state;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string_view TrialStateName(TrialState state) {
  switch (state) {
    case TrialState::kRunning:
      return "running";
    case TrialState::kDone:
      return "done";
    case TrialState::kStopped:
      return "stopped";
    case TrialState::kFailed:
      return "failed";
  }
  return "unknown";
}

Result<Study> Study::Open(SearchSpace space, const StudyOptions& options, StudyLog* log) {
  if (options.eta < 2) {
    return InvalidArgument(fmt::format("study: eta is {}; it must be 2 or more", options.eta));
  }
  Study study(std::move(space), options, log);
  RETURN_IF_ERROR(study.Load());
  return study;
}

std::string Study::Head() const {
  json dimensions = json::array();
  for (const Dimension& dimension : space_.dimensions()) {
    dimensions.push_back(Of(dimension));
  }
  return json({{"format", kFormat},
               {"sampler", options_.sampler == Sampler::kTpe ? "tpe" : "random"},
               {"seed", options_.seed},
               {"space", std::move(dimensions)}})
      .dump();
}

Status Study::Load() {
  if (log_ == nullptr) {
    return Status::Ok();
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> lines, log_->Lines());
  if (lines.empty()) {
    return Append(Head());
  }
  if (lines.front() != Head()) {
    return InvalidArgument(
        fmt::format("the study is of another space, sampler or seed: {} and not {}; keep this one "
                    "somewhere else",
                    lines.front(), Head()));
  }
  for (std::size_t i = 1; i < lines.size(); ++i) {
    RETURN_IF_ERROR(Read(lines[i], i + 1));
  }
  return Status::Ok();
}

Status Study::Read(std::string_view line, std::size_t number) {
  const auto damaged = [&] {
    return DataLoss(fmt::format("line {} is none of a study's", number));
  };
  const json row = json::parse(line, nullptr, false);
  if (!row.is_object() || !row.contains("trial") || !row["trial"].is_number_unsigned()) {
    return damaged();
  }
  const auto trial = row["trial"].get<std::size_t>();
  if (row.contains("point")) {
    const json& point = row["point"];
    const bool fits =
        trial == trials_.size() && point.is_array() && point.size() == space_.dimensions().size() &&
        std::all_of(point.begin(), point.end(), [](const json& at) { return at.is_number(); });
    if (!fits) {
      return damaged();
    }
    trials_.push_back({.number = trial, .point = point.get<Point>(), .looks = {}, .note = {}});
    return Status::Ok();
  }
  if (trial >= trials_.size()) {
    return damaged();
  }
  Trial& known = trials_[trial];
  if (row.contains("again")) {
    known.looks.clear();
    return Status::Ok();
  }
  if (!row.contains("value") || !row["value"].is_number()) {
    return damaged();
  }
  const double value = row["value"];
  if (!row.contains("state")) {
    known.looks.push_back(value);
    return Status::Ok();
  }
  const auto state = StateOf(row["state"].is_string() ? row["state"].get<std::string>() : "");
  if (!state || *state == TrialState::kRunning) {
    return damaged();
  }
  known.state = *state;
  known.value = value;
  known.seconds = row.value("seconds", 0.0);
  known.note = row.value("note", "");
  return Status::Ok();
}

// On disk before anybody acts on it.
Status Study::Append(const std::string& line) const {
  return log_ == nullptr ? Status::Ok() : log_->Append(line);
}

Result<Trial> Study::Next() {
  for (Trial& trial : trials_) {
    if (trial.state == TrialState::kRunning && !given_[trial.number]) {
      RETURN_IF_ERROR(Append(json({{"trial", trial.number}, {"again", true}}).dump()));
      given_[trial.number] = true;
      trial.looks.clear();
      return trial;
    }
  }
  std::vector<Tried> tried;
  double worst = 0;
  for (const Trial& trial : trials_) {
    if (trial.state == TrialState::kDone || trial.state == TrialState::kStopped) {
      tried.push_back({trial.point, trial.value});
      worst = std::min(worst, trial.value);
    }
  }
  // What fails, and what others are at, is nowhere to look.
  for (const Trial& trial : trials_) {
    if (trial.state == TrialState::kFailed || trial.state == TrialState::kRunning) {
      tried.push_back({trial.point, worst});
    }
  }
  const std::uint64_t seed = Mixed(Mixed(options_.seed) + trials_.size());
  Trial trial{.number = trials_.size(),
              .point = options_.sampler == Sampler::kTpe
                           ? NextPoint(space_, tried, seed, options_.tpe)
                           : RandomPoint(space_, seed),
              .looks = {},
              .note = {}};
  RETURN_IF_ERROR(Append(json({{"trial", trial.number}, {"point", trial.point}}).dump()));
  given_[trial.number] = true;
  trials_.push_back(trial);
  return trial;
}

Result<Trial*> Study::Running(std::size_t trial) {
  if (trial >= trials_.size()) {
    return NotFound(fmt::format("the study has no trial {}", trial));
  }
  if (trials_[trial].state != TrialState::kRunning) {
    return FailedPrecondition(
        fmt::format("trial {} has ended ({})", trial, TrialStateName(trials_[trial].state)));
  }
  return &trials_[trial];
}

bool Study::WorthStopping(const Trial& trial) const {
  if (options_.first_look == 0) {
    return false;
  }
  std::size_t rung = options_.first_look;
  while (rung < trial.looks.size()) {
    rung *= options_.eta;
  }
  if (rung != trial.looks.size()) {
    return false;
  }
  // By the best look so far: a value that wavers is no reason.
  const auto best_at = [rung](const Trial& one) {
    return *std::max_element(one.looks.begin(),
                             one.looks.begin() + static_cast<std::ptrdiff_t>(rung));
  };
  const double own = best_at(trial);
  std::size_t came = 0;
  std::size_t better = 0;
  for (const Trial& other : trials_) {
    if (other.looks.size() >= rung) {
      ++came;
      better += best_at(other) > own ? 1 : 0;
    }
  }
  return came >= options_.eta && better >= std::max<std::size_t>(1, came / options_.eta);
}

Result<bool> Study::Look(std::size_t trial, double value) {
  ASSIGN_OR_RETURN(Trial* const running, Running(trial));
  if (!std::isfinite(value)) {
    return InvalidArgument(fmt::format("trial {}: its value is no number", trial));
  }
  RETURN_IF_ERROR(Append(json({{"trial", trial}, {"value", value}}).dump()));
  running->looks.push_back(value);
  return WorthStopping(*running);
}

Status Study::End(std::size_t trial, TrialState state, double value, double seconds,
                  std::string note) {
  ASSIGN_OR_RETURN(Trial* const running, Running(trial));
  if (state == TrialState::kRunning || !std::isfinite(value)) {
    return InvalidArgument(fmt::format("trial {}: it ends with a state and a number", trial));
  }
  RETURN_IF_ERROR(Append(json({{"trial", trial},
                               {"state", TrialStateName(state)},
                               {"value", value},
                               {"seconds", seconds},
                               {"note", note}})
                             .dump(-1, ' ', false, json::error_handler_t::replace)));
  running->state = state;
  running->value = value;
  running->seconds = seconds;
  running->note = std::move(note);
  return Status::Ok();
}

std::size_t Study::Ended() const {
  return static_cast<std::size_t>(
      std::count_if(trials_.begin(), trials_.end(),
                    [](const Trial& trial) { return trial.state != TrialState::kRunning; }));
}

const Trial* Study::Best() const {
  const Trial* best = nullptr;
  for (const Trial& trial : trials_) {
    if (trial.state == TrialState::kDone && (best == nullptr || trial.value > best->value)) {
      best = &trial;
    }
  }
  return best;
}

}  // namespace vitrine::optimise
