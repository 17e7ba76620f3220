#include "loop/job_schedule.h"

#include <utility>

#include "core/pace.h"

namespace vitrine::loop {

JobSchedule::JobSchedule(Cron cron, std::chrono::milliseconds every, Ports ports)
    : cron_(cron), every_(every), ports_(std::move(ports)) {
  if (!ports_.now) {
    ports_.now = [] { return Now(); };
  }
  begun_ = ports_.now();
  if (every_.count() > 0) {
    thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
  }
}

void JobSchedule::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    static_cast<void>(LookNow());  // tried again at the next look
    std::unique_lock lock(mutex_);
    Pace::WaitFor(wake_, lock, stop, every_, [] { return false; });
  }
}

Status JobSchedule::LookNow() {
  const std::scoped_lock lock(looking_);
  const Micros now = ports_.now();
  if (!served_) {
    ASSIGN_OR_RETURN(const std::optional<Micros> last, ports_.last());
    served_ = last.value_or(begun_);
  }
  if (cron_.NotAfter(now) <= *served_) {
    return Status::Ok();
  }
  RETURN_IF_ERROR(ports_.start());
  served_ = now;
  return Status::Ok();
}

}  // namespace vitrine::loop
