#include "apps/vitrine/server_options.h"

#include <fmt/format.h>
#include <algorithm>
#include <charconv>

namespace vitrine::apps {

Result<http::Listener> ParseListener(std::string_view setting, const std::string& text) {
  http::Listener listener;
  listener.setting = setting;
  const auto colon = text.rfind(':');
  const std::string_view digits =
      colon == std::string::npos ? std::string_view() : std::string_view(text).substr(colon + 1);
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), listener.port);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
    return InvalidArgument(
        fmt::format("{} is '{}'; write ADDRESS:PORT, for example 127.0.0.1:7700", setting, text));
  }
  listener.address = text.substr(0, colon);
  if (listener.address.starts_with('[') && listener.address.ends_with(']')) {
    listener.address = listener.address.substr(1, listener.address.size() - 2);
  }
  return listener;
}

std::size_t MegabytesOf(const Settings& settings, std::string_view name) {
  return static_cast<std::size_t>(settings.Integer(name)) << 20;
}

serve::InferenceOptions InferenceOptionsOf(const Settings& settings) {
  const auto count = [&](std::string_view name) {
    return static_cast<std::size_t>(settings.Integer(name));
  };
  return {.waiting = count("inference.queue"),
          .workers = count("inference.threads"),
          .delay = std::chrono::microseconds(settings.Integer("inference.batch_delay_us")),
          .cache = {.bytes = MegabytesOf(settings, "inference.cache_mb"),
                    .keep = std::chrono::seconds(settings.Integer("inference.cache_seconds"))}};
}

monitor::MonitorOptions MonitorOptionsOf(const Settings& settings) {
  monitor::MonitorOptions options;
  options.attribution.purchase_window = {settings.Integer("monitor.purchase_hours") *
                                         monitor::kMicrosPerHour};
  options.window.slot_time = {settings.Integer("monitor.slot_seconds") * kMicrosPerSecond};
  return options;
}

KeeperOptions KeeperOptionsOf(const Settings& settings) {
  return {.save_every = std::chrono::milliseconds(
              std::clamp<std::int64_t>(settings.Integer("monitor.save_ms"), 10, 3'600'000)),
          .history_days =
              std::clamp<std::int64_t>(settings.Integer("monitor.history_days"), 1, 1'000'000)};
}

Result<serve::RetrievalOptions> RetrievalOptionsOf(const Settings& settings) {
  ASSIGN_OR_RETURN(const double recall, settings.Share("retrieval.recall"));
  return serve::RetrievalOptions{
      .exact_within = std::chrono::milliseconds(settings.Integer("retrieval.exact_ms")),
      .recall = recall,
      .build_within = std::chrono::seconds(
          std::min<std::int64_t>(settings.Integer("retrieval.build_seconds"), 86'400))};
}

}  // namespace vitrine::apps
