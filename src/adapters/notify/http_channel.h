/// The channels that are posts over HTTP. Internal: MakeChannel makes them.
#pragma once

#include <string>
#include <vector>

#include "adapters/notify/channel.h"

namespace vitrine::adapters {

class HttpChannel final : public monitor::NotificationChannel {
 public:
  /// Precondition: MakeChannel has checked the options.
  explicit HttpChannel(ChannelOptions options);
  Status Send(const monitor::Notification& message, const monitor::NotificationText& text,
              const std::stop_token& stop) override;

 private:
  [[nodiscard]] HttpPost PostOf(const monitor::Notification& message,
                                const monitor::NotificationText& text, Micros now) const;

  ChannelOptions options_;
  std::vector<std::string> secrets_;  // nothing that is said holds one of them
};

}  // namespace vitrine::adapters
