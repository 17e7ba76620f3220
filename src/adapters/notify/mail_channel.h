/// Mail by SMTP. Internal: MakeChannel makes it.
#pragma once

#include <string>

#include "adapters/notify/channel.h"

namespace vitrine::adapters {

/// Headers and body, UTF-8 in base64, lines end with CRLF.   Source: RFC 5322, 2045, 2047
std::string MailText(const ChannelOptions& options, const monitor::Notification& message,
                     const monitor::NotificationText& text, Micros now);

/// Whether it can stand between < and >: one @, nothing that ends a line or an address.
bool IsMailAddress(std::string_view address);

class MailChannel final : public monitor::NotificationChannel {
 public:
  /// Precondition: MakeChannel has checked the options.
  explicit MailChannel(ChannelOptions options) : options_(std::move(options)) {}
  Status Send(const monitor::Notification& message, const monitor::NotificationText& text,
              const std::stop_token& stop) override;

 private:
  ChannelOptions options_;
};

}  // namespace vitrine::adapters
