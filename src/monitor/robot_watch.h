/// Events of users who send more within an hour than a person can: cleaning leaves such users out (the rule `bots`), and an
/// operator wants to know while it happens.
///
/// Counts the most frequent users of an hour in a table of fixed size (Misra & Gries, Science of Computer Programming
/// 1982): a user's count is short by at most events of the hour / kUsers, never too high. No memory is asked for after the
/// beginning.
/// Threads: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/time.h"

namespace vitrine::monitor {

class RobotWatch {
 public:
  /// As the default rule `bots` of cleaning.
  static constexpr std::uint32_t kPerHour = 1000;
  static constexpr std::size_t kUsers = 16'384;

  RobotWatch() : slots_(2 * kUsers), spare_(2 * kUsers) {}

  /// True where this event of `user` is beyond the first kPerHour of the hour of `at`. Hours that have passed, and events of
  /// nobody, say nothing.
  bool Saw(std::string_view user, Micros at);

 private:
  struct Slot {
    std::uint64_t user = 0;  ///< hash; 0: free
    std::uint32_t count = 0;
  };
  static Slot& Find(std::vector<Slot>& slots, std::uint64_t user);
  void TakeOneOfEach();

  std::vector<Slot> slots_;
  std::vector<Slot> spare_;
  std::size_t users_ = 0;
  std::int64_t hour_ = 0;
};

}  // namespace vitrine::monitor
