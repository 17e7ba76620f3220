#include "transport/grpc/meters.h"

namespace vitrine::rpc {

Meters::Meters(MetricRegistry* registry) : registry_(registry) {
  if (registry_ == nullptr) {
    return;
  }
  abandoned_ = &registry_->GetCounter("vitrine_grpc_abandoned_total",
                                      "Calls whose caller left before the answer.");
  const auto add = [this](std::string_view name, bool timed) {
    auto& method = *methods_.emplace_back(std::make_unique<OfMethod>());
    method.name = name;
    if (timed) {
      method.seconds = &registry_->GetHistogram(
          "vitrine_grpc_request_seconds", "Time from a call's start to its answer, by method.",
          Histogram::LatencySeconds(), {{"method", method.name}});
    }
  };
  for (const Method& method : Methods()) {
    add(method.name,
        method.kind != Method::Kind::kStream && method.kind != Method::Kind::kNotSpoken);
  }
  add("unknown", false);
}

void Meters::Count(const Method* method, Code code, std::chrono::nanoseconds took) {
  if (registry_ == nullptr) {
    return;
  }
  const auto index =
      method == nullptr ? Methods().size() : static_cast<std::size_t>(method - Methods().data());
  OfMethod& meter = *methods_[index];
  if (meter.seconds != nullptr) {
    meter.seconds->Observe(std::chrono::duration<double>(took).count());
  }
  std::atomic<Counter*>& slot = meter.counters[static_cast<std::size_t>(code) % kCodes];
  Counter* counter = slot.load(std::memory_order_acquire);
  if (counter == nullptr) {  // made on first use, so that only what happened is exported
    counter =
        &registry_->GetCounter("vitrine_grpc_requests_total", "Calls answered.",
                               {{"method", meter.name}, {"code", std::string(CodeName(code))}});
    slot.store(counter, std::memory_order_release);
  }
  counter->Add();
}

void Meters::CountAbandoned() {
  if (abandoned_ != nullptr) {
    abandoned_->Add();
  }
}

}  // namespace vitrine::rpc
