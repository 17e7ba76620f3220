#include "train/models/session_tables.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <span>

namespace vitrine::train {
namespace {

using Events = std::span<const HistoryEvent>;

/// True where a new session begins between two neighbouring events.
bool Cuts(const HistoryEvent& before, const HistoryEvent& after, const SessionKnnOptions& options) {
  if (options.session == "basket") {
    return before.basket != after.basket;
  }
  constexpr double kHour = double{kMicrosPerDay} / 24;
  return options.pause_hours > 0 &&
         static_cast<double>(after.ts.value - before.ts.value) > options.pause_hours * kHour;
}

WeightedSession SessionOf(Events events, const SessionKnnOptions& options) {
  WeightedSession session{.end = events.back().ts, .items = {}};
  std::map<ItemIndex, double> weights;
  double age = 0;
  for (std::size_t p = events.size(); p-- > 0;) {
    if (p + 1 < events.size()) {
      const bool same = options.unit == "basket" && events[p].basket == events[p + 1].basket;
      age += same ? 0 : 1;
    }
    if (events[p].item >= kFirstItem) {
      weights[events[p].item] += std::pow(options.session_decay, age);
    }
  }
  for (const auto& [item, weight] : weights) {
    session.items.emplace_back(item, weight);
    session.squares += weight * weight;
  }
  return session;
}

}  // namespace

Result<std::vector<WeightedSession>> SessionsOf(const TrainingSequences& sequences,
                                                const SessionKnnOptions& options) {
  std::vector<WeightedSession> sessions;
  for (const History& history : sequences.users) {
    std::size_t begin = 0;
    for (std::size_t p = 0; p < history.size(); ++p) {
      if (history[p].item >= sequences.width) {
        return InvalidArgument(fmt::format("a history holds item {}, the vocabulary ends at {}",
                                           history[p].item, sequences.width - 1));
      }
      if (p + 1 < history.size() && !Cuts(history[p], history[p + 1], options)) {
        continue;
      }
      WeightedSession session = SessionOf(Events(history).subspan(begin, p + 1 - begin), options);
      if (!session.items.empty()) {
        sessions.push_back(std::move(session));
      }
      begin = p + 1;
    }
  }
  return sessions;
}

std::vector<double> IdfOf(const std::vector<WeightedSession>& sessions, std::size_t width) {
  std::vector<double> idf(width, 0);
  for (const WeightedSession& session : sessions) {
    for (const auto& [item, weight] : session.items) {
      idf[item] += 1;
    }
  }
  for (double& value : idf) {
    value = value > 0 ? std::log(1 + static_cast<double>(sessions.size()) / value) : 0;
  }
  return idf;
}

}  // namespace vitrine::train
