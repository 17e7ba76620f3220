#include "data/timestamp.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <string>

#include <fmt/format.h>

namespace vitrine::data {
namespace {

constexpr std::int64_t kSecondsBelow = 100'000'000'000;
constexpr std::int64_t kMillisecondsBelow = kSecondsBelow * 1'000;
constexpr std::int64_t kMicrosecondsBelow = kMillisecondsBelow * 1'000;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

Result<ParsedTime> InRange(ParsedTime parsed, std::string_view shown) {
  if (parsed.time < kEarliestTime || parsed.time >= kLatestTime) {
    return InvalidArgument(
        fmt::format("the time '{}', read as {}, is {}: outside 1990 to 2200; send seconds, "
                    "milliseconds, microseconds since 1970, or ISO 8601",
                    shown, TimeFormatName(parsed.format), FormatIso(parsed.time)));
  }
  return parsed;
}

/// `whole` and a fraction of it in millionths.
Result<ParsedTime> FromParts(std::int64_t whole, std::int64_t millionths, std::string_view shown) {
  if (whole <= 0) {
    return InvalidArgument(fmt::format(
        "the time '{}' is not after 1970: a clock that was not set, or a missing time", shown));
  }
  if (whole < kSecondsBelow) {
    return InRange({{whole * kMicrosPerSecond + millionths}, TimeFormat::kSeconds}, shown);
  }
  if (whole < kMillisecondsBelow) {
    return InRange({{whole * 1'000 + millionths / 1'000}, TimeFormat::kMilliseconds}, shown);
  }
  if (whole < kMicrosecondsBelow) {
    return InRange({{whole}, TimeFormat::kMicroseconds}, shown);
  }
  return InvalidArgument(
      fmt::format("the time '{}' is too large for microseconds since 1970; if it is in "
                  "nanoseconds, divide by 1000",
                  shown));
}

/// Walks over ISO 8601 text.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  [[nodiscard]] bool done() const { return at_ == text_.size(); }
  [[nodiscard]] char peek() const { return done() ? '\0' : text_[at_]; }
  bool Take(char c) {
    if (peek() != c || done()) {
      return false;
    }
    ++at_;
    return true;
  }
  /// Exactly `count` digits, or -1.
  int Digits(int count) {
    int value = 0;
    for (int i = 0; i < count; ++i) {
      if (done() || !IsDigit(text_[at_])) {
        return -1;
      }
      value = value * 10 + (text_[at_++] - '0');
    }
    return value;
  }
  /// One digit or more after a decimal sign, as millionths; -1 where there is none.
  std::int64_t Fraction() {
    std::int64_t millionths = 0;
    std::int64_t scale = 100'000;
    if (!IsDigit(peek())) {
      return -1;
    }
    for (; IsDigit(peek()); ++at_) {
      millionths += (text_[at_] - '0') * scale;
      scale /= 10;
    }
    return millionths;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

Status NotATime(std::string_view text) {
  return InvalidArgument(
      fmt::format("'{}' is not a time; send seconds, milliseconds or microseconds since 1970, or "
                  "ISO 8601 such as 2023-11-14T22:13:20Z",
                  text.substr(0, 64)));
}

/// Micros of the day part; `basic` becomes true for YYYYMMDD.
Result<std::int64_t> ReadDate(Cursor& cursor, bool& basic, std::string_view text) {
  const int year = cursor.Digits(4);
  basic = !cursor.Take('-');
  const int month = cursor.Digits(2);
  if (!basic && !cursor.Take('-')) {
    return NotATime(text);
  }
  const int day = cursor.Digits(2);
  if (year < 0 || month < 0 || day < 0) {
    return NotATime(text);
  }
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) {
    return InvalidArgument(fmt::format("'{}' names a day that does not exist", text));
  }
  return std::chrono::sys_days{date}.time_since_epoch().count() * kMicrosPerDay;
}

Result<std::int64_t> ReadClock(Cursor& cursor, bool basic, std::string_view text) {
  const int hour = cursor.Digits(2);
  if (hour < 0) {
    return NotATime(text);
  }
  std::array<int, 2> rest = {0, 0};
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const bool more = basic ? IsDigit(cursor.peek()) : cursor.Take(':');
    if (!more && i == 0) {
      return NotATime(text);
    }
    if (!more) {
      break;
    }
    rest.at(i) = cursor.Digits(2);
    if (rest.at(i) < 0) {
      return NotATime(text);
    }
  }
  std::int64_t fraction = 0;
  if (cursor.Take('.') || cursor.Take(',')) {
    fraction = cursor.Fraction();
    if (fraction < 0) {
      return NotATime(text);
    }
  }
  const bool midnight = hour == 24 && rest[0] == 0 && rest[1] == 0 && fraction == 0;
  const bool leap = rest[1] == 60 && rest[0] == 59;
  if ((hour > 23 && !midnight) || rest[0] > 59 || (rest[1] > 59 && !leap)) {
    return InvalidArgument(fmt::format("'{}' names a time of day that does not exist", text));
  }
  return ((hour * 60 + rest[0]) * 60 + rest[1]) * kMicrosPerSecond + fraction;
}

/// East of UTC, in micros.
Result<std::int64_t> ReadZone(Cursor& cursor, std::string_view text) {
  if (cursor.Take('Z') || cursor.Take('z')) {
    return 0;
  }
  const bool west = cursor.Take('-');
  if (!west && !cursor.Take('+')) {
    return NotATime(text);
  }
  const int hours = cursor.Digits(2);
  int minutes = 0;
  if (cursor.Take(':') || IsDigit(cursor.peek())) {
    minutes = cursor.Digits(2);
  }
  if (hours < 0 || minutes < 0 || hours > 18 || minutes > 59) {
    return InvalidArgument(fmt::format("'{}' names a time zone that does not exist", text));
  }
  const std::int64_t offset = (hours * 60 + minutes) * 60 * kMicrosPerSecond;
  return west ? -offset : offset;
}

Result<ParsedTime> ParseIso(std::string_view text) {
  Cursor cursor(text);
  bool basic = false;
  ASSIGN_OR_RETURN(std::int64_t micros, ReadDate(cursor, basic, text));
  bool zone_assumed = true;
  if (cursor.Take('T') || cursor.Take('t') || cursor.Take(' ')) {
    ASSIGN_OR_RETURN(const std::int64_t clock, ReadClock(cursor, basic, text));
    micros += clock;
    cursor.Take(' ');  // "2023-11-14 22:13:20 +0800", as SQL and logs write it
    if (!cursor.done()) {
      ASSIGN_OR_RETURN(const std::int64_t east, ReadZone(cursor, text));
      micros -= east;
      zone_assumed = false;
    }
  }
  if (!cursor.done()) {
    return NotATime(text);
  }
  return InRange({{micros}, TimeFormat::kIso8601, zone_assumed}, text);
}

Result<ParsedTime> ParseNumber(std::string_view text) {
  if (text.size() == 8) {
    bool basic = false;
    Cursor cursor(text);
    if (ReadDate(cursor, basic, text).ok() && cursor.done()) {
      return InvalidArgument(
          fmt::format("'{}' may be a date or seconds since 1970; write a date with dashes", text));
    }
  }
  const std::size_t point = text.find('.');
  const std::string_view digits = text.substr(0, point);
  std::int64_t whole = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), whole);
  if (error == std::errc::result_out_of_range) {
    return FromParts(kMicrosecondsBelow, 0, text);
  }
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return NotATime(text);
  }
  std::int64_t millionths = 0;
  if (point != std::string_view::npos) {
    Cursor cursor(text.substr(point + 1));
    millionths = cursor.Fraction();
    if (millionths < 0 || !cursor.done()) {
      return NotATime(text);
    }
  }
  return FromParts(whole, millionths, text);
}

}  // namespace

std::string_view TimeFormatName(TimeFormat format) {
  static constexpr std::array<std::string_view, 4> kNames = {"unix_s", "unix_ms", "unix_us",
                                                             "iso8601"};
  return kNames.at(static_cast<std::size_t>(format));
}

Result<ParsedTime> ParseTime(std::string_view text) {
  while (!text.empty() && text.front() == ' ') {
    text.remove_prefix(1);
  }
  while (!text.empty() && text.back() == ' ') {
    text.remove_suffix(1);
  }
  if (text.empty()) {
    return InvalidArgument("the time is empty");
  }
  const std::size_t other = text.find_first_not_of("0123456789.", text.front() == '-' ? 1 : 0);
  return other == std::string_view::npos ? ParseNumber(text) : ParseIso(text);
}

Result<ParsedTime> ParseTime(std::int64_t number) {
  return FromParts(number, 0, fmt::format_int(number).c_str());
}

Result<ParsedTime> ParseTime(double number) {
  if (!std::isfinite(number) || std::fabs(number) >= static_cast<double>(kMicrosecondsBelow)) {
    return InvalidArgument(
        fmt::format("the time {} is not a possible number of microseconds", number));
  }
  const double whole = std::floor(number);
  return FromParts(static_cast<std::int64_t>(whole),
                   std::llround(std::floor((number - whole) * 1e6)), fmt::format("{}", number));
}

}  // namespace vitrine::data
