/// What a model last gave each user, for the moments in which there is no time to ask it again.
#pragma once

#include <array>
#include <cstddef>
#include <list>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "data/event_log.h"

namespace vitrine::serve {

/// Threads: any.
class RecentAnswers {
 public:
  /// Keeps answers of the `most` users that asked last.
  explicit RecentAnswers(std::size_t most = 20'000) : most_of_a_shard_(most / kShards + 1) {}

  /// Best first. Replaces what was kept of this user in this scene.
  void Keep(std::string_view scene, std::string_view subject,
            std::span<const data::ItemNumber> items);
  /// False where nothing is kept.
  bool Find(std::string_view scene, std::string_view subject,
            std::vector<data::ItemNumber>& items) const;
  /// For a user who was erased.
  void Forget(std::string_view subject);

 private:
  static constexpr std::size_t kShards = 16;

  struct Answer {
    std::string scene;
    std::vector<data::ItemNumber> items;
  };
  struct User {
    std::string subject;
    std::vector<Answer> answers;  // of few scenes
  };
  struct Shard {
    mutable std::mutex mutex;
    std::list<User> users;  // the one that asked last first
    std::unordered_map<std::string_view, std::list<User>::iterator> by_subject;  // keys in users
  };
  [[nodiscard]] const Shard& ShardOf(std::string_view subject) const {
    return shards_[std::hash<std::string_view>()(subject) % kShards];
  }
  Shard& ShardOf(std::string_view subject) {
    return shards_[std::hash<std::string_view>()(subject) % kShards];
  }

  std::size_t most_of_a_shard_;
  std::array<Shard, kShards> shards_;
};

}  // namespace vitrine::serve
