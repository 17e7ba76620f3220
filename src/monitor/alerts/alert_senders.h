/// A thread for each channel, so that one which is slow or away keeps no other waiting.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "monitor/alerts/notification_channel.h"

namespace vitrine::monitor {

class AlertSenders {
 public:
  /// Told of each message that Hand took, from the channel's thread; must not block.
  using Done = std::function<void(const Notification&, const Status&)>;

  AlertSenders(std::vector<AlertChannel> channels, Done done);
  /// Asks sends under way to end, and waits for them; `done` is told of those too, never of what still waits.
  ~AlertSenders();
  AlertSenders(const AlertSenders&) = delete;
  AlertSenders& operator=(const AlertSenders&) = delete;

  /// Gives a message to its channel's thread. Precondition: the one before it is done. False: no such channel.
  /// Threads: any.
  bool Hand(Notification message, NotificationText text);

  /// Null where there is none of that name.
  [[nodiscard]] const AlertChannel* Find(std::string_view name) const;
  [[nodiscard]] const std::vector<AlertChannel>& channels() const { return channels_; }

 private:
  struct Sender;
  std::vector<AlertChannel> channels_;
  Done done_;
  std::vector<std::unique_ptr<Sender>> senders_;  // in the order of channels_
};

}  // namespace vitrine::monitor
