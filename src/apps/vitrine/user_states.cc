#include "apps/vitrine/user_states.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace vitrine::apps {
namespace {

using nlohmann::json;

/// States handed to the log at once: bounds memory for a shop of millions.
constexpr std::size_t kBatch = 2000;

Result<std::vector<data::ItemNumber>> Numbers(const json& ids, data::EventLog& log) {
  std::vector<data::ItemNumber> numbers;
  for (const json& id : ids) {
    ASSIGN_OR_RETURN(const data::ItemNumber number, log.InternItem(id.get<std::string>()));
    numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

Result<std::pair<std::string, data::UserState>> ParseState(const std::string& line,
                                                           data::EventLog& log) {
  const json row = json::parse(line);
  std::pair<std::string, data::UserState> state;
  state.first = row.at("subject").get<std::string>();
  for (const json& event : row.at("events")) {
    ASSIGN_OR_RETURN(const data::ItemNumber number, log.InternItem(event.at(0).get<std::string>()));
    const int type = event.at(2).get<int>();
    if (type < 0 || type >= kEventTypes) {
      return InvalidArgument(fmt::format("unknown event type {}", type));
    }
    state.second.events.push_back({.item = number,
                                   .ts = {event.at(1).get<std::int64_t>()},
                                   .type = static_cast<EventType>(type),
                                   .basket = event.at(3).get<std::uint32_t>()});
  }
  if (row.contains("bought")) {
    ASSIGN_OR_RETURN(state.second.bought, Numbers(row["bought"], log));
  }
  if (row.contains("hidden")) {
    ASSIGN_OR_RETURN(state.second.hidden, Numbers(row["hidden"], log));
  }
  return state;
}

}  // namespace

Status ReadUserStates(const std::string& path, data::EventLog& log, std::uint64_t watermark) {
  std::ifstream in(path);
  if (!in) {
    return NotFound(fmt::format("{}: no such file of user states", path));
  }
  std::vector<std::pair<std::string, data::UserState>> states;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    try {
      auto state = ParseState(line, log);
      if (!state.ok()) {
        return state.status().WithContext(fmt::format("{}:{}", path, number));
      }
      states.push_back(*std::move(state));
    } catch (const json::exception& e) {
      return InvalidArgument(fmt::format("{}:{}: not a user state: {}", path, number, e.what()));
    }
    if (states.size() == kBatch) {
      RETURN_IF_ERROR(log.LoadUserStates(states, watermark));
      states.clear();
    }
  }
  return states.empty() ? Status::Ok() : log.LoadUserStates(states, watermark);
}

}  // namespace vitrine::apps
