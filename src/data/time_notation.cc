#include "data/time_notation.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <regex>

#include <fmt/format.h>

namespace vitrine::data {
namespace {

enum class Shape { kNumber, kIso, kYearFirst, kDateWithYearLast, kOther };

const std::regex& NumberShape() {
  static const std::regex shape(R"(-?\d+(\.\d+)?)");
  return shape;
}

Shape ShapeOf(const std::string& value) {
  static const std::regex iso(R"(\d{4}-\d{2}-\d{2}([T ].*)?)");
  static const std::regex year_first(R"(\d{4}/\d{1,2}/\d{1,2}( \d{1,2}:\d{2}(:\d{2})?)?)");
  static const std::regex year_last(R"(\d{1,2}([/.-])\d{1,2}\1\d{4}( \d{1,2}:\d{2}(:\d{2})?)?)");
  if (std::regex_match(value, NumberShape())) {
    return Shape::kNumber;
  }
  if (std::regex_match(value, iso)) {
    return Shape::kIso;
  }
  if (std::regex_match(value, year_first)) {
    return Shape::kYearFirst;
  }
  return std::regex_match(value, year_last) ? Shape::kDateWithYearLast : Shape::kOther;
}

constexpr std::string_view kCure =
    "; write it down in the mapping: ts = { column = \"...\", format = \"pattern\", pattern = "
    "\"%d/%m/%Y %H:%M\", zone = \"...\" }";

Result<FoundNotation> FromNumbers(const std::vector<std::string>& values) {
  double least = HUGE_VAL, most = 0;
  for (const std::string& value : values) {
    const double number = std::strtod(value.c_str(), nullptr);
    least = std::min(least, number);
    most = std::max(most, number);
  }
  const auto notation = [](double number) -> std::optional<TimeNotation> {
    return number < 631'152'000 ? std::nullopt
           : number < 1e11      ? std::optional(TimeNotation::kSeconds)
           : number < 1e14      ? std::optional(TimeNotation::kMilliseconds)
           : number < 1e17      ? std::optional(TimeNotation::kMicroseconds)
                                : std::nullopt;
  };
  const auto found = notation(most);
  if (!found || notation(least) != found) {
    return InvalidArgument(fmt::format(
        "the times are numbers from {} to {}, which are not all seconds, milliseconds or "
        "microseconds since 1970{}",
        least, most, kCure));
  }
  FoundNotation out;
  out.notation = *found;
  out.description = fmt::format("{}, as in {}", TimeNotationName(*found), values.front());
  return out;
}

/// "%H:%M" or "%H:%M:%S" behind a date, whichever the value has.
std::string ClockPattern(const std::string& value) {
  const auto colons = std::count(value.begin(), value.end(), ':');
  return colons == 0 ? "" : colons == 1 ? " %H:%M" : " %H:%M:%S";
}

Result<FoundNotation> FromYearLast(const std::vector<std::string>& values) {
  bool day_first = true, month_first = true;
  for (const std::string& value : values) {
    const int first = std::atoi(value.c_str());
    const int second = std::atoi(value.c_str() + value.find_first_of("/.-") + 1);
    day_first = day_first && first <= 31 && second <= 12;
    month_first = month_first && first <= 12 && second <= 31;
  }
  if (day_first == month_first) {
    return InvalidArgument(fmt::format("times such as {} {}{}", values.front(),
                                       day_first ? "can be read day first and month first"
                                                 : "are neither day first nor month first",
                                       kCure));
  }
  const char separator = values.front()[values.front().find_first_of("/.-")];
  FoundNotation out;
  out.notation = TimeNotation::kPattern;
  out.pattern = fmt::format(fmt::runtime(day_first ? "%d{0}%m{0}%Y{1}" : "%m{0}%d{0}%Y{1}"),
                            separator, ClockPattern(values.front()));
  return out;
}

}  // namespace

Result<FoundNotation> FindTimeNotation(const std::vector<std::string>& values,
                                       const std::string& zone) {
  if (values.empty()) {
    return InvalidArgument("its first rows hold no time at all");
  }
  const Shape shape = ShapeOf(values.front());
  for (const std::string& value : values) {
    if (ShapeOf(value) != shape || shape == Shape::kOther) {
      return InvalidArgument(
          fmt::format("times such as '{}' and '{}' are not of one known format{}", values.front(),
                      value, kCure));
    }
  }
  if (shape == Shape::kNumber) {
    return FromNumbers(values);
  }
  FoundNotation out;
  if (shape == Shape::kIso) {
    static const std::regex zoned(R"(.*\d(Z|[+-]\d{2}(:?\d{2})?))");
    const bool has_zone = values.front().size() > 10 && std::regex_match(values.front(), zoned);
    out.description = fmt::format("iso8601, as in {}{}", values.front(),
                                  has_zone ? "" : "; no zone given: taken as " + zone);
    return out;
  }
  if (shape == Shape::kYearFirst) {
    out.notation = TimeNotation::kPattern;
    out.pattern = "%Y/%m/%d" + ClockPattern(values.front());
  } else {
    ASSIGN_OR_RETURN(out, FromYearLast(values));
  }
  out.description = fmt::format("pattern {}, as in {}; zone {}", out.pattern, values.front(), zone);
  return out;
}

}  // namespace vitrine::data
