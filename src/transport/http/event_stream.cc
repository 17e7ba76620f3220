#include "transport/http/event_stream.h"

#include <utility>

namespace vitrine::http {
namespace {

// One field a line; a line break inside a value would start another field.
void AppendField(std::string& out, std::string_view field, std::string_view value) {
  while (true) {
    const std::size_t end = value.find_first_of("\r\n");
    out.append(field).append(": ").append(value.substr(0, end)).push_back('\n');
    if (end == std::string_view::npos) {
      return;
    }
    const bool crlf = value[end] == '\r' && end + 1 < value.size() && value[end + 1] == '\n';
    value.remove_prefix(end + (crlf ? 2 : 1));
  }
}

std::string OneLine(std::string_view text) {
  return std::string(text.substr(0, text.find_first_of("\r\n")));
}

}  // namespace

bool EventStream::Send(std::string_view event, std::string_view data, std::string_view id) {
  std::string text;
  if (!id.empty()) {
    AppendField(text, "id", OneLine(id));
  }
  if (!event.empty()) {
    AppendField(text, "event", OneLine(event));
  }
  AppendField(text, "data", data);
  text.push_back('\n');
  return Queue(text);
}

bool EventStream::SendComment(std::string_view text) {
  return Queue(": " + OneLine(text) + "\n\n");
}

bool EventStream::Queue(std::string_view text) {
  const std::scoped_lock lock(mutex_);
  if (!wake_ || ended_) {
    return false;
  }
  if (queued_.size() + text.size() > kMaxQueuedBytes) {
    ended_ = true;
  } else {
    queued_.append(text);
  }
  if (!woken_) {
    woken_ = true;
    wake_();
  }
  return !ended_;
}

void EventStream::Close() {
  const std::scoped_lock lock(mutex_);
  ended_ = true;
  if (wake_ && !woken_) {
    woken_ = true;
    wake_();
  }
}

bool EventStream::closed() const {
  const std::scoped_lock lock(mutex_);
  return !wake_ || ended_;
}

void EventStream::OnClose(std::function<void()> callback) {
  {
    const std::scoped_lock lock(mutex_);
    if (wake_) {
      on_close_ = std::move(callback);
      return;
    }
  }
  callback();
}

std::string EventStream::Take(bool& ended) {
  const std::scoped_lock lock(mutex_);
  woken_ = false;
  ended = ended_;
  return std::exchange(queued_, {});
}

void EventStream::Attach(std::function<void()> wake) {
  const std::scoped_lock lock(mutex_);
  wake_ = std::move(wake);
}

void EventStream::Detach() {
  std::function<void()> callback;
  std::function<void()> wake;  // dies outside the lock: it may own the connection
  {
    const std::scoped_lock lock(mutex_);
    wake.swap(wake_);
    callback.swap(on_close_);
  }
  if (callback) {
    callback();
  }
}

}  // namespace vitrine::http
