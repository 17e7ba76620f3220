/// What changes in a running server, as server-sent events: /v1/stream for everything, a job's log
/// for one job. Keeps the newest lines so that a client that reconnects misses nothing recent.
/// Threads: any; nothing blocks.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "transport/http/services.h"

namespace vitrine::apps {

class ChangeLog final : public http::ChangeFeed {
 public:
  explicit ChangeLog(std::size_t kept = 1000) : kept_(kept) {}

  /// Sends to all who follow; ends their streams after it where `last`.
  void Add(std::string_view event, std::string_view data, bool last = false);
  void Follow(std::string_view last_event_id, std::shared_ptr<http::EventStream> stream) override;
  /// As Follow, from the first line that is kept.
  void FollowFromStart(std::string_view last_event_id, std::shared_ptr<http::EventStream> stream);

 private:
  struct Line {
    std::uint64_t number;
    std::string event;
    std::string data;
  };
  void Attach(std::uint64_t after, std::shared_ptr<http::EventStream> stream);

  std::size_t kept_;
  std::mutex mutex_;
  std::uint64_t number_ = 0;
  bool ended_ = false;
  std::deque<Line> lines_;
  std::vector<std::shared_ptr<http::EventStream>> streams_;
};

}  // namespace vitrine::apps
