#include "adapters/rocksdb/recent_impressions.h"

#include <algorithm>
#include <iterator>

namespace vitrine::adapters {
namespace {

std::size_t BytesOf(const PostedImpression& posted) {
  return sizeof(PlacedImpression) + sizeof(PostedImpression) + posted.request_id.size() +
         posted.subject.size() + posted.body.size();
}

bool BeforeSequence(const PlacedImpression& placed, std::uint64_t sequence) {
  return placed.sequence < sequence;
}

}  // namespace

void RecentImpressions::Add(std::span<const PlacedImpression> placed) {
  const std::scoped_lock lock(mutex_);
  for (const PlacedImpression& one : placed) {
    const auto before = by_request_.find(one.posted->request_id);
    if (before != by_request_.end()) {
      const auto place =
          std::lower_bound(placed_.begin(), placed_.end(), before->second, BeforeSequence);
      bytes_ -= BytesOf(*place->posted);
      by_request_.erase(before);  // its key is the text of the one that leaves
      place->posted = nullptr;
    }
    by_request_.emplace(one.posted->request_id, one.sequence);
    bytes_ += BytesOf(*one.posted);
    placed_.push_back(one);
    while (placed_.size() > most_ || bytes_ > most_bytes_) {
      DropOldest();
    }
  }
}

void RecentImpressions::DropOldest() {
  const PlacedImpression& oldest = placed_.front();
  if (oldest.posted != nullptr) {
    bytes_ -= BytesOf(*oldest.posted);
    by_request_.erase(oldest.posted->request_id);
  }
  placed_.pop_front();
}

void RecentImpressions::Clear() {
  const std::scoped_lock lock(mutex_);
  by_request_.clear();
  placed_.clear();
  bytes_ = 0;
}

std::vector<PlacedImpression> RecentImpressions::Between(std::uint64_t after,
                                                         std::uint64_t last) const {
  const std::scoped_lock lock(mutex_);
  const auto begin = std::lower_bound(placed_.begin(), placed_.end(), after + 1, BeforeSequence);
  const auto end = std::lower_bound(begin, placed_.end(), last + 1, BeforeSequence);
  std::vector<PlacedImpression> found;
  found.reserve(static_cast<std::size_t>(end - begin));
  std::copy_if(begin, end, std::back_inserter(found),
               [](const PlacedImpression& placed) { return placed.posted != nullptr; });
  return found;
}

}  // namespace vitrine::adapters
