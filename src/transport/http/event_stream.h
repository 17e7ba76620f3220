/// A response that stays open: server-sent events (WHATWG HTML, section 9.2) to one client.
/// Threads: any; Send never blocks.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace vitrine::http {

class EventStream {
 public:
  /// Queues one event. `data` may have several lines; `id` is what a reconnecting client sends as
  /// Last-Event-ID; empty parts are left out. False where the client is gone or too slow: the
  /// stream is then closed, nothing more arrives, and the client resumes from its last id.
  bool Send(std::string_view event, std::string_view data, std::string_view id = {});
  /// A line that clients ignore; keeps proxies from closing a quiet stream.
  bool SendComment(std::string_view text);

  /// Ends the stream after what was queued.
  void Close();
  [[nodiscard]] bool closed() const;

  /// Called once when the client is gone or the server drains; at once where that has happened.
  /// Must not block.
  void OnClose(std::function<void()> callback);

  /// Bytes that may wait for a slow client.
  static constexpr std::size_t kMaxQueuedBytes = 1024 * 1024;

 private:
  friend class Connection;
  bool Queue(std::string_view text);
  /// Side of the connection: takes what is queued; sets `ended` once Close was called.
  std::string Take(bool& ended);
  void Attach(std::function<void()> wake);
  void Detach();

  mutable std::mutex mutex_;
  std::string queued_;
  std::function<void()> wake_;  // schedules a write on the connection's thread; null when gone
  std::function<void()> on_close_;
  bool woken_ = false;
  bool ended_ = false;
};

}  // namespace vitrine::http
