#include "core/event.h"

#include <gtest/gtest.h>

namespace vitrine {
namespace {

TEST(EventType, EveryNameParsesBack) {
  for (int i = 0; i < kEventTypes; ++i) {
    const auto type = static_cast<EventType>(i);
    EXPECT_EQ(ParseEventType(EventName(type)), type);
  }
}

TEST(EventType, UnknownNameIsNone) {
  EXPECT_EQ(ParseEventType("teleport"), std::nullopt);
  EXPECT_EQ(ParseEventType(""), std::nullopt);
  EXPECT_EQ(ParseEventType("Purchase"), std::nullopt);
}

TEST(EventType, PersistedNumbersStay) {
  EXPECT_EQ(static_cast<int>(EventType::kImpression), 0);
  EXPECT_EQ(static_cast<int>(EventType::kPurchase), 6);
  EXPECT_EQ(static_cast<int>(EventType::kIdentify), 13);
}

TEST(Event, SubjectIsTheUserWhereKnown) {
  Event event;
  event.anonymous_id = "a";
  EXPECT_EQ(event.subject(), "a");
  event.user_id = "u";
  EXPECT_EQ(event.subject(), "u");
}

}  // namespace
}  // namespace vitrine
