#include "core/time.h"

#include <fmt/format.h>

#include "core/simulated_time.h"

namespace vitrine {

Micros Now() {
  if (const SimulatedTime* time = FollowedTime(); time != nullptr) [[unlikely]] {
    return {time->now.load()};
  }
  return {std::chrono::duration_cast<std::chrono::microseconds>(
              std::chrono::system_clock::now().time_since_epoch())
              .count()};
}

std::string FormatIso(Micros time) {
  using std::chrono::days;
  using std::chrono::floor;
  using std::chrono::microseconds;
  using std::chrono::sys_time;
  const sys_time<microseconds> point{microseconds{time.value}};
  const auto day = floor<days>(point);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{point - day};
  std::string out =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  if (const auto fraction = clock.subseconds().count(); fraction != 0) {
    out += fmt::format(".{:06}", fraction);
  }
  return out + "Z";
}

}  // namespace vitrine
