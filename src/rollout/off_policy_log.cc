#include "rollout/off_policy_log.h"

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace vitrine::rollout {
namespace {

using Json = nlohmann::json;

Status Wrong(std::size_t line, std::string_view field, std::string_view what) {
  return InvalidArgument(fmt::format("line {}: {}: {}", line, field, what));
}

Result<std::string> Text(const Json& row, const char* field, std::size_t line) {
  const auto found = row.find(field);
  if (found == row.end()) {
    return Wrong(line, field, "is missing");
  }
  if (!found->is_string() || found->get_ref<const std::string&>().empty()) {
    return Wrong(line, field, "must be a text that is not empty");
  }
  return found->get<std::string>();
}

Result<double> Number(const Json& row, const char* field, std::size_t line) {
  const auto found = row.find(field);
  if (found == row.end()) {
    return Wrong(line, field, "is missing");
  }
  if (!found->is_number() || !std::isfinite(found->get<double>())) {
    return Wrong(line, field, "must be a number");
  }
  return found->get<double>();
}

/// Where the field is not there: 0.
Result<double> NumberOrZero(const Json& row, const char* field, std::size_t line) {
  return row.contains(field) ? Number(row, field, line) : Result<double>(0.0);
}

/// A line with what names it.
struct NamedChoice {
  LoggedChoice choice;
  std::string request;
  std::string user;
  double position = 0;
};

Result<NamedChoice> Parse(std::string_view text, std::size_t line) {
  const Json row = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!row.is_object()) {
    return InvalidArgument(fmt::format("line {}: not a JSON object", line));
  }
  NamedChoice named;
  LoggedChoice& choice = named.choice;
  ASSIGN_OR_RETURN(named.request, Text(row, "request_id", line));
  ASSIGN_OR_RETURN(named.user, Text(row, "user_id", line));
  RETURN_IF_ERROR(Text(row, "item_id", line).status());
  ASSIGN_OR_RETURN(named.position, Number(row, "position", line));
  ASSIGN_OR_RETURN(choice.propensity, Number(row, "propensity", line));
  ASSIGN_OR_RETURN(choice.reward, Number(row, "reward", line));
  ASSIGN_OR_RETURN(choice.candidate, Number(row, "candidate_probability", line));
  ASSIGN_OR_RETURN(choice.shown_estimate, NumberOrZero(row, "shown_estimate", line));
  ASSIGN_OR_RETURN(choice.candidate_estimate, NumberOrZero(row, "candidate_estimate", line));
  if (named.position < 0 || named.position != std::floor(named.position)) {
    return Wrong(line, "position", fmt::format("is {}; places count from 0", named.position));
  }
  if (choice.propensity <= 0 || choice.propensity > 1) {
    return Wrong(line, "propensity",
                 fmt::format("is {}; it must be above 0 and at most 1", choice.propensity));
  }
  if (choice.candidate < 0 || choice.candidate > 1) {
    return Wrong(line, "candidate_probability",
                 fmt::format("is {}; it must be from 0 to 1", choice.candidate));
  }
  choice.user = std::hash<std::string>{}(named.user);
  return named;
}

}  // namespace

Result<LoggedChoice> ParseChoice(std::string_view text, std::size_t line) {
  ASSIGN_OR_RETURN(const NamedChoice named, Parse(text, line));
  return named.choice;
}

Result<std::vector<LoggedChoice>> ReadChoices(std::istream& in) {
  std::vector<LoggedChoice> choices;
  std::unordered_map<std::string, std::size_t> seen;       // (request, position) -> line
  std::unordered_map<std::string, std::uint64_t> numbers;  // user id -> number, without collisions
  std::string text;
  for (std::size_t line = 1; std::getline(in, text); ++line) {
    if (text.find_first_not_of(" \t\r") == std::string::npos) {
      continue;
    }
    ASSIGN_OR_RETURN(NamedChoice named, Parse(text, line));
    const auto [place, fresh] =
        seen.emplace(fmt::format("{}\n{}", named.position, named.request), line);
    if (!fresh) {
      return Wrong(line, "request_id",
                   fmt::format("place {} of '{}' was on line {} already", named.position,
                               named.request, place->second));
    }
    named.choice.user = numbers.emplace(std::move(named.user), numbers.size()).first->second;
    choices.push_back(named.choice);
  }
  return choices;
}

}  // namespace vitrine::rollout
