#include "core/simulated_time.h"

namespace vitrine {
namespace {

std::atomic<SimulatedTime*> followed{nullptr};

}  // namespace

void FollowSimulatedTime(SimulatedTime* time) { followed = time; }

SimulatedTime* FollowedTime() { return followed.load(std::memory_order_acquire); }

}  // namespace vitrine
