#include "adapters/notify/mail_channel.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "adapters/notify/message_bodies.h"
#include "adapters/notify/signatures.h"

namespace vitrine::adapters {
namespace {

constexpr std::size_t kBodyBytes = 60'000;

/// "=?UTF-8?B?...?=" words of at most 75 characters, no UTF-8 character in two of them.
std::string HeaderWords(std::string_view text) {
  constexpr std::size_t kWordBytes = 45;
  std::string out;
  while (!text.empty()) {
    std::size_t end = std::min(kWordBytes, text.size());
    while (end < text.size() && end > 0 &&
           (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) {
      --end;
    }
    end = end == 0 ? std::min(kWordBytes, text.size()) : end;
    out += (out.empty() ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?") + Base64(text.substr(0, end)) + "?=";
    text.remove_prefix(end);
  }
  return out;
}

std::string Base64Lines(std::string_view text) {
  constexpr std::size_t kLineBytes = 57;  // 76 characters
  std::string out;
  for (; !text.empty(); text.remove_prefix(std::min(kLineBytes, text.size()))) {
    out += Base64(text.substr(0, kLineBytes)) + "\r\n";
  }
  return out;
}

/// "Mon, 30 Nov 2026 08:00:00 +0000"
std::string MailDate(Micros time) {
  constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::sys_seconds at{std::chrono::seconds(time.value / kMicrosPerSecond)};
  const std::chrono::sys_days day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(at - day);
  return fmt::format(
      "{}, {:02} {} {:04} {:02}:{:02}:{:02} +0000", kDays[std::chrono::weekday(day).c_encoding()],
      static_cast<unsigned>(date.day()), kMonths[static_cast<unsigned>(date.month()) - 1],
      static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
      clock.seconds().count());
}

}  // namespace

bool IsMailAddress(std::string_view address) {
  return address.size() <= 254 && std::count(address.begin(), address.end(), '@') == 1 &&
         address.front() != '@' && address.back() != '@' &&
         std::all_of(address.begin(), address.end(), [](unsigned char c) {
           return c > ' ' && c < 0x7f &&
                  std::string_view("<>()[],;:\\\"").find(static_cast<char>(c)) ==
                      std::string_view::npos;
         });
}

std::string MailText(const ChannelOptions& options, const monitor::Notification& message,
                     const monitor::NotificationText& text, Micros now) {
  const std::string domain = options.from.substr(options.from.find('@') + 1);
  std::string mail = fmt::format("From: Vitrine <{}>\r\n", options.from);
  mail += fmt::format("To: {}\r\n", fmt::join(options.to, ",\r\n "));
  mail += fmt::format("Subject: {}\r\n", HeaderWords(Shortened(text.title, 200)));
  mail += fmt::format("Date: {}\r\n", MailDate(now));
  mail +=
      fmt::format("Message-ID: <{}.{}.{}@{}>\r\n", message.id, message.attempt, now.value, domain);
  mail += "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n";
  mail += "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n";
  std::string body = Shortened(text.body, kBodyBytes);
  std::erase(body, '*');  // marks of a chat's markup
  return mail + Base64Lines(body);
}

Status MailChannel::Send(const monitor::Notification& message,
                         const monitor::NotificationText& text, const std::stop_token& stop) {
  const Micros now = options_.now ? options_.now() : Now();
  const Status status = MailByCurl({.url = options_.url,
                                    .encrypted = options_.encrypted,
                                    .user = options_.user,
                                    .password = options_.secret,
                                    .from = "<" + options_.from + ">",
                                    .to = options_.to,
                                    .message = MailText(options_, message, text, now)},
                                   options_.call, stop);
  return status.ok() ? status
                     : Status(status.code(), Harmless(status.message(), {options_.secret}));
}

}  // namespace vitrine::adapters
