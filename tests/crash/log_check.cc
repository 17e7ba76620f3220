#include "log_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <span>
#include <unordered_map>

#include "adapters/memory/state_replay.h"

namespace vitrine::crash {
namespace {

constexpr std::size_t kPage = 5'000;

std::string First(std::string_view what, const std::vector<std::string>& all) {
  const std::span<const std::string> some(all.data(), std::min<std::size_t>(all.size(), 5));
  return all.empty() ? "" : fmt::format("{} {}: {}; ", all.size(), what, fmt::join(some, ", "));
}

std::vector<adapters::ReplayStep> ReadSteps(const data::EventLog& log, LogFindings& findings) {
  std::vector<adapters::ReplayStep> steps;
  std::uint64_t after = 0;
  while (true) {
    const auto page = log.Read(after, kPage);
    if (!page.ok()) {
      findings.errors.push_back(page.status().ToString());
      return steps;
    }
    if (page->empty()) {
      return steps;
    }
    for (const data::LogRecord& record : *page) {
      ++findings.records;
      // An impression whose request_id came again leaves its place empty; events never do.
      after = record.sequence;
      const auto* event = std::get_if<Event>(&record.body);
      if (event == nullptr) {
        continue;
      }
      adapters::ReplayEvent step{record.sequence, *event, {}};
      for (const EventItem& item : event->items) {
        const auto number = log.FindItem(item.item_id);
        if (!number) {
          findings.errors.push_back("no number for " + item.item_id);
        }
        step.numbers.push_back(number.value_or(0));
      }
      steps.emplace_back(std::move(step));
    }
  }
}

void CheckStates(const data::EventLog& log, const std::vector<adapters::ReplayStep>& steps,
                 LogFindings& findings) {
  const adapters::StateReplay replay(steps);
  std::set<std::string> subjects;
  for (const adapters::ReplayStep& step : steps) {
    const Event& event = std::get<adapters::ReplayEvent>(step).event;
    subjects.insert(std::string(event.subject()));
    if (!event.anonymous_id.empty()) {
      subjects.insert(event.anonymous_id);
    }
  }
  for (const std::string& subject : subjects) {
    const std::string resolved = replay.Resolve(subject);
    const auto state = log.GetUserState(subject);
    if (!replay.Knows(resolved)) {
      if (state.status().code() != Code::kNotFound) {
        findings.wrong_states.push_back(subject);
      }
      continue;
    }
    const data::UserState expected = replay.View(resolved);
    if (!state.ok() || state->events != expected.events || state->bought != expected.bought ||
        state->hidden != expected.hidden) {
      findings.wrong_states.push_back(subject);
    }
  }
}

}  // namespace

std::string LogFindings::Text() const {
  return First("acknowledged events lost", lost) + First("events twice", twice) +
         First("wrong states", wrong_states) + First("errors", errors) +
         fmt::format("{} records", records);
}

LogFindings CheckLog(const data::EventLog& log, const std::vector<std::string>& acknowledged) {
  LogFindings findings;
  const std::vector<adapters::ReplayStep> steps = ReadSteps(log, findings);
  std::unordered_map<std::string, int> seen;
  for (const adapters::ReplayStep& step : steps) {
    const std::string& id = std::get<adapters::ReplayEvent>(step).event.event_id;
    if (++seen[id] == 2) {
      findings.twice.push_back(id);
    }
  }
  for (const std::string& id : acknowledged) {
    if (!seen.contains(id)) {
      findings.lost.push_back(id);
    }
  }
  if (findings.records > log.LastSequence()) {
    findings.errors.push_back("more records than sequences");
  }
  CheckStates(log, steps, findings);
  return findings;
}

}  // namespace vitrine::crash
