#include "apps/vitrine/change_log.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace vitrine::apps {
namespace {

std::uint64_t NumberOf(std::string_view id, std::uint64_t otherwise) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  return !id.empty() && error == std::errc() && end == id.data() + id.size() ? number : otherwise;
}

}  // namespace

void ChangeLog::Add(std::string_view event, std::string_view data, bool last) {
  const std::scoped_lock lock(mutex_);
  lines_.push_back({++number_, std::string(event), std::string(data)});
  if (lines_.size() > kept_) {
    lines_.pop_front();
  }
  const std::string id = std::to_string(number_);
  std::erase_if(streams_, [&](const std::shared_ptr<http::EventStream>& stream) {
    const bool gone = !stream->Send(event, data, id);
    if (last && !gone) {
      stream->Close();
    }
    return gone || last;
  });
  ended_ = ended_ || last;
}

void ChangeLog::Follow(std::string_view last_event_id, std::shared_ptr<http::EventStream> stream) {
  const std::scoped_lock lock(mutex_);
  Attach(NumberOf(last_event_id, number_), std::move(stream));
}

void ChangeLog::FollowFromStart(std::string_view last_event_id,
                                std::shared_ptr<http::EventStream> stream) {
  const std::scoped_lock lock(mutex_);
  Attach(NumberOf(last_event_id, 0), std::move(stream));
}

void ChangeLog::Attach(std::uint64_t after, std::shared_ptr<http::EventStream> stream) {
  for (const Line& line : lines_) {
    if (line.number > after && !stream->Send(line.event, line.data, std::to_string(line.number))) {
      return;
    }
  }
  if (ended_) {
    stream->Close();
    return;
  }
  streams_.push_back(std::move(stream));
}

}  // namespace vitrine::apps
