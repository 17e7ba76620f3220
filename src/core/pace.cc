#include "core/pace.h"

#include <cstdint>
#include <iterator>
#include <limits>

#include "core/simulated_time.h"

namespace vitrine {
namespace {

/// A thread's place in the clock's file, from its first rest to its end.
class Place {
 public:
  Place() {
    SimulatedTime* time = FollowedTime();
    for (auto& place : time->rests) {
      std::int64_t nobody = 0;
      if (place.compare_exchange_strong(nobody, SimulatedTime::kLooking)) {
        place_ = &place;
        return;
      }
    }
  }
  ~Place() { Set(0); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  void Set(std::int64_t value) {
    if (place_ != nullptr) {
      *place_ = value;
    }
  }

 private:
  std::atomic<std::int64_t>* place_ =
      nullptr;  // null: more threads than places, time does not wait
};

Place& PlaceOfThread() {
  thread_local Place place;
  return place;
}

std::int64_t MicrosOf(Pace::time_point time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

}  // namespace

bool Pace::Simulated() { return FollowedTime() != nullptr; }

Pace::time_point Pace::now() {
  const SimulatedTime* time = FollowedTime();
  return time == nullptr ? clock::now() : time_point(std::chrono::microseconds(time->now.load()));
}

Pace::Rest::Rest(time_point until) {
  PlaceOfThread().Set(until == time_point::max() ? std::numeric_limits<std::int64_t>::max()
                                                 : MicrosOf(until));
}

Pace::Rest::~Rest() { PlaceOfThread().Set(SimulatedTime::kLooking); }

}  // namespace vitrine
