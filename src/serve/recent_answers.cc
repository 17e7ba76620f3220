#include "serve/recent_answers.h"

#include <algorithm>

namespace vitrine::serve {

void RecentAnswers::Keep(std::string_view scene, std::string_view subject,
                         std::span<const data::ItemNumber> items) {
  Shard& shard = ShardOf(subject);
  const std::scoped_lock lock(shard.mutex);
  const auto found = shard.by_subject.find(subject);
  if (found != shard.by_subject.end()) {
    shard.users.splice(shard.users.begin(), shard.users, found->second);
  } else if (shard.users.size() < most_of_a_shard_) {
    shard.users.emplace_front();
    shard.users.front().subject = subject;
    shard.by_subject.emplace(shard.users.front().subject, shard.users.begin());
  } else {
    // The one that asked longest ago makes room; its memory is used again.
    shard.by_subject.erase(shard.users.back().subject);
    shard.users.splice(shard.users.begin(), shard.users, std::prev(shard.users.end()));
    shard.users.front().subject = subject;
    shard.users.front().answers.clear();
    shard.by_subject.emplace(shard.users.front().subject, shard.users.begin());
  }
  std::vector<Answer>& answers = shard.users.front().answers;
  auto answer = std::find_if(answers.begin(), answers.end(),
                             [scene](const Answer& one) { return one.scene == scene; });
  if (answer == answers.end()) {
    answer = answers.insert(answers.end(), {.scene = std::string(scene), .items = {}});
  }
  answer->items.assign(items.begin(), items.end());
}

bool RecentAnswers::Find(std::string_view scene, std::string_view subject,
                         std::vector<data::ItemNumber>& items) const {
  const Shard& shard = ShardOf(subject);
  const std::scoped_lock lock(shard.mutex);
  const auto found = shard.by_subject.find(subject);
  if (found == shard.by_subject.end()) {
    return false;
  }
  for (const Answer& answer : found->second->answers) {
    if (answer.scene == scene) {
      items.assign(answer.items.begin(), answer.items.end());
      return true;
    }
  }
  return false;
}

void RecentAnswers::Forget(std::string_view subject) {
  Shard& shard = ShardOf(subject);
  const std::scoped_lock lock(shard.mutex);
  const auto found = shard.by_subject.find(subject);
  if (found != shard.by_subject.end()) {
    const auto user = found->second;
    shard.by_subject.erase(found);
    shard.users.erase(user);
  }
}

}  // namespace vitrine::serve
