#include "loop/cron.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string>
#include <vector>

namespace vitrine::loop {
namespace {

constexpr std::int64_t kMicrosPerMinute = 60 * kMicrosPerSecond;
constexpr int kMinutesPerDay = 24 * 60;
// 29 February is at most eight years away.
constexpr std::int64_t kDaysLookedAt = 8 * 366;

struct FieldDef {
  std::string_view name;
  unsigned least;
  unsigned most;
  std::string_view names;  ///< three letters each, from `least` on
};

constexpr std::array<FieldDef, 5> kDefs = {
    {{"minute", 0, 59, ""},
     {"hour", 0, 23, ""},
     {"day of the month", 1, 31, ""},
     {"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
     {"day of the week", 0, 7, "sunmontuewedthufrisat"}}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kNicknames = {
    {{"@hourly", "0 * * * *"},
     {"@daily", "0 0 * * *"},
     {"@weekly", "0 0 * * 0"},
     {"@monthly", "0 0 1 * *"}}};

std::vector<std::string_view> SplitAt(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words = SplitAt(text, ' ');
  std::erase(words, std::string_view());
  return words;
}

Status Wrong(const FieldDef& def, std::string_view item) {
  return InvalidArgument(
      fmt::format("'{}' is no {} of a schedule; a {} is {} to {}, *, a list (1,15), a range (1-5) "
                  "or has a step (*/10)",
                  item, def.name, def.name, def.least, def.most));
}

std::optional<unsigned> NumberOf(const FieldDef& def, std::string_view text) {
  if (text.size() == 3 && !def.names.empty()) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return static_cast<char>(c | 0x20U); });
    for (std::size_t i = 0; i < def.names.size(); i += 3) {
      if (def.names.substr(i, 3) == lower) {
        return def.least + static_cast<unsigned>(i / 3);
      }
    }
  }
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && value >= def.least && value <= def.most ? std::optional(value) : std::nullopt;
}

/// One item of a list: *, n, a-b, with /step.
Status AddItem(const FieldDef& def, std::string_view item, std::uint64_t& set) {
  const std::size_t slash = item.find('/');
  const std::string_view range = item.substr(0, slash);
  unsigned step = 1;
  if (slash != std::string_view::npos) {
    const std::string_view text = item.substr(slash + 1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), step);
    if (error != std::errc() || end != text.data() + text.size() || step == 0) {
      return Wrong(def, item);
    }
  }
  unsigned from = def.least;
  unsigned to = def.most;
  if (range != "*") {
    const std::size_t dash = range.find('-');
    const std::optional<unsigned> first = NumberOf(def, range.substr(0, dash));
    const std::optional<unsigned> last =
        dash == std::string_view::npos ? first : NumberOf(def, range.substr(dash + 1));
    if (!first || !last || *first > *last) {
      return Wrong(def, item);
    }
    from = *first;
    to = dash == std::string_view::npos && slash != std::string_view::npos ? def.most : *last;
  }
  for (unsigned value = from; value <= to; value += std::min(step, def.most + 1)) {
    set |= std::uint64_t{1} << value;
  }
  return Status::Ok();
}

std::int64_t FloorDivide(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

Result<Cron> Cron::Parse(std::string_view text) {
  std::vector<std::string_view> words = Words(text);
  for (const auto& [name, meaning] : kNicknames) {
    if (words.size() == 1 && words.front() == name) {
      words = Words(meaning);
    }
  }
  if (words.size() != kFields) {
    return InvalidArgument(
        fmt::format("'{}' is no schedule: it has five fields, \"minute hour day-of-month month "
                    "day-of-week\", such as \"0 4 * * *\" (every day at 4:00 UTC), or is @hourly, "
                    "@daily, @weekly or @monthly",
                    text));
  }
  Cron cron;
  for (std::size_t field = 0; field < kFields; ++field) {
    for (const std::string_view item : SplitAt(words[field], ',')) {
      RETURN_IF_ERROR(AddItem(kDefs[field], item, cron.set_[field]));
    }
  }
  cron.set_[kWeekday] |= cron.set_[kWeekday] >> 7 & 1U;
  cron.any_day_ = words[kDay].starts_with('*');
  cron.any_weekday_ = words[kWeekday].starts_with('*');
  if (!cron.Find({}, 1)) {
    return InvalidArgument(fmt::format("'{}' names a date that never comes", text));
  }
  return cron;
}

bool Cron::HasDay(std::int64_t day) const {
  const std::chrono::sys_days date{std::chrono::days{day}};
  const std::chrono::year_month_day parts(date);
  const bool of_month = Has(kDay, unsigned{parts.day()});
  const bool of_week = Has(kWeekday, std::chrono::weekday(date).c_encoding());
  const bool either = !any_day_ && !any_weekday_ ? of_month || of_week : of_month && of_week;
  return either && Has(kMonth, unsigned{parts.month()});
}

std::optional<int> Cron::MinuteOfDay(int from, int step) const {
  for (int minute = from; minute >= 0 && minute < kMinutesPerDay; minute += step) {
    if (Has(kHour, static_cast<unsigned>(minute / 60)) &&
        Has(kMinute, static_cast<unsigned>(minute % 60))) {
      return minute;
    }
  }
  return std::nullopt;
}

std::optional<Micros> Cron::Find(Micros time, int step) const {
  const std::int64_t now = FloorDivide(time.value, kMicrosPerMinute);
  const std::int64_t today = FloorDivide(now, kMinutesPerDay);
  auto from = static_cast<int>(now - today * kMinutesPerDay);
  for (std::int64_t i = 0; i < kDaysLookedAt; ++i) {
    const std::int64_t day = today + i * step;
    if (HasDay(day)) {
      if (const std::optional<int> minute = MinuteOfDay(from, step)) {
        return Micros{(day * kMinutesPerDay + *minute) * kMicrosPerMinute};
      }
    }
    from = step > 0 ? 0 : kMinutesPerDay - 1;
  }
  return std::nullopt;
}

Micros Cron::After(Micros time) const {
  const Micros next{(FloorDivide(time.value, kMicrosPerMinute) + 1) * kMicrosPerMinute};
  return Find(next, 1).value_or(next);  // Parse found that there is one
}

Micros Cron::NotAfter(Micros time) const { return Find(time, -1).value_or(Micros{}); }

}  // namespace vitrine::loop
