#include "adapters/rocksdb/recent_impressions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace vitrine::adapters {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

PlacedImpression Place(std::uint64_t sequence, std::string request_id, std::size_t bytes = 1) {
  auto posted = std::make_shared<PostedImpression>();
  posted->request_id = std::move(request_id);
  posted->body = std::string(bytes, 'x');
  return {sequence, {}, std::move(posted)};
}

std::vector<std::uint64_t> SequencesOf(const std::vector<PlacedImpression>& placed) {
  std::vector<std::uint64_t> sequences;
  for (const PlacedImpression& one : placed) {
    sequences.push_back(one.sequence);
  }
  return sequences;
}

TEST(RecentImpressionsTest, GivesThoseBetweenTwoPlaces) {
  RecentImpressions recent(10, 1'000'000);
  recent.Add(std::vector{Place(3, "a"), Place(7, "b"), Place(8, "c")});
  EXPECT_THAT(SequencesOf(recent.Between(0, 100)), ElementsAre(3, 7, 8));
  EXPECT_THAT(SequencesOf(recent.Between(3, 7)), ElementsAre(7));
  EXPECT_THAT(SequencesOf(recent.Between(8, 100)), IsEmpty());
  EXPECT_THAT(SequencesOf(recent.Between(0, 2)), IsEmpty());
}

TEST(RecentImpressionsTest, TheLaterOfTwoWithOneNameStays) {
  RecentImpressions recent(10, 1'000'000);
  recent.Add(std::vector{Place(1, "a"), Place(2, "b"), Place(3, "a")});
  EXPECT_THAT(SequencesOf(recent.Between(0, 100)), ElementsAre(2, 3));
  recent.Add(std::vector{Place(4, "a")});
  EXPECT_THAT(SequencesOf(recent.Between(0, 100)), ElementsAre(2, 4));
}

TEST(RecentImpressionsTest, KeepsNoMoreThanItMay) {
  RecentImpressions few(2, 1'000'000);
  few.Add(std::vector{Place(1, "a"), Place(2, "b"), Place(3, "c")});
  EXPECT_THAT(SequencesOf(few.Between(0, 100)), ElementsAre(2, 3));
  few.Add(std::vector{Place(4, "a")});  // its first one left before
  EXPECT_THAT(SequencesOf(few.Between(0, 100)), ElementsAre(3, 4));

  RecentImpressions small(100, 10'000);
  small.Add(std::vector{Place(1, "a", 4000), Place(2, "b", 4000), Place(3, "c", 4000)});
  EXPECT_THAT(SequencesOf(small.Between(0, 100)), ElementsAre(2, 3));
  small.Add(std::vector{Place(4, "d", 20'000)});
  EXPECT_THAT(SequencesOf(small.Between(0, 100)), IsEmpty()) << "larger than all there is";
}

TEST(RecentImpressionsTest, ForgetsAll) {
  RecentImpressions recent(10, 1'000'000);
  recent.Add(std::vector{Place(5, "a"), Place(6, "b")});
  recent.Clear();
  EXPECT_THAT(SequencesOf(recent.Between(0, 100)), IsEmpty());
  recent.Add(std::vector{Place(5, "b")});  // a sequence that is given anew
  EXPECT_THAT(SequencesOf(recent.Between(0, 100)), ElementsAre(5));
}

}  // namespace
}  // namespace vitrine::adapters
