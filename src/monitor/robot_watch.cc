#include "monitor/robot_watch.h"

#include <algorithm>

#include "monitor/stable_hash.h"

namespace vitrine::monitor {
namespace {

constexpr std::int64_t kMicrosPerHour = 3600 * kMicrosPerSecond;

}  // namespace

RobotWatch::Slot& RobotWatch::Find(std::vector<Slot>& slots, std::uint64_t user) {
  std::size_t at = user % slots.size();
  while (slots[at].user != 0 && slots[at].user != user) {
    at = (at + 1) % slots.size();
  }
  return slots[at];
}

void RobotWatch::TakeOneOfEach() {
  std::fill(spare_.begin(), spare_.end(), Slot{});
  users_ = 0;
  for (const Slot& slot : slots_) {
    if (slot.count > 1) {
      Find(spare_, slot.user) = {slot.user, slot.count - 1};
      ++users_;
    }
  }
  slots_.swap(spare_);
}

bool RobotWatch::Saw(std::string_view user, Micros at) {
  const std::int64_t hour = at.value / kMicrosPerHour;
  if (user.empty() || hour < hour_) {
    return false;
  }
  if (hour > hour_) {
    hour_ = hour;
    users_ = 0;
    std::fill(slots_.begin(), slots_.end(), Slot{});
  }
  const std::uint64_t hash = StableHash(user);
  Slot* slot = &Find(slots_, hash);
  if (slot->user == 0) {
    if (users_ == kUsers) {
      TakeOneOfEach();
      return false;
    }
    slot->user = hash;
    ++users_;
  }
  return ++slot->count > kPerHour;
}

}  // namespace vitrine::monitor
