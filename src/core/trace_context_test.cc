#include "core/trace_context.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

namespace vitrine {
namespace {

const std::string kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
const std::string kParent = "00f067aa0ba902b7";
const std::string kGood = "00-" + kTrace + "-" + kParent + "-01";

TEST(TraceContext, ReadsWhatTheSpecificationAllows) {
  struct Case {
    std::string header;
    bool sampled;
  };
  const std::vector<Case> cases = {
      {kGood, true},
      {"00-" + kTrace + "-" + kParent + "-00", false},
      {"00-" + kTrace + "-" + kParent + "-ff", true},   // unknown flags are ignored
      {"00-" + kTrace + "-" + kParent + "-fe", false},  // so are they without the known one
      {"01-" + kTrace + "-" + kParent + "-01", true},   // a later version
      {"cc-" + kTrace + "-" + kParent + "-01-what-the-future-holds", true},
      {"cc-" + kTrace + "-" + kParent + "-00-", false},
  };
  for (const Case& c : cases) {
    const auto context = ParseTraceParent(c.header);
    if (!context) {
      ADD_FAILURE() << c.header;
      continue;
    }
    EXPECT_EQ(HexOf(context->trace), kTrace) << c.header;
    EXPECT_EQ(HexOf(context->parent), kParent) << c.header;
    EXPECT_EQ(context->sampled, c.sampled) << c.header;
  }
}

TEST(TraceContext, RefusesEverythingElse) {
  const std::string zeros(32, '0');
  const std::vector<std::string> bad = {
      "",
      "00",
      kGood.substr(0, 54),
      kGood + "0",
      kGood + "-",  // version 00 has nothing behind the flags
      kGood + "-01",
      " " + kGood,
      kGood + " ",
      "ff-" + kTrace + "-" + kParent + "-01",  // never a version
      "0-" + kTrace + "-" + kParent + "-01x",
      "0g-" + kTrace + "-" + kParent + "-01",
      "0X-" + kTrace + "-" + kParent + "-01",
      "00-" + zeros + "-" + kParent + "-01",
      "00-" + kTrace + "-" + zeros.substr(0, 16) + "-01",
      "00-4BF92f3577b34da6a3ce929d0e0e4736-" + kParent + "-01",
      "00-" + kTrace + "-00F067aa0ba902b7-01",
      "00-" + kTrace + "-" + kParent + "-0A",
      "00-" + kTrace + "-" + kParent + "-0.",
      "00-" + kTrace + "-" + kParent + "_01",
      "00_" + kTrace + "-" + kParent + "-01",
      "00-" + kTrace + "_" + kParent + "-01",
      "00-" + kTrace.substr(1) + "--" + kParent + "-01",
      "00-" + kTrace.substr(1) + "g-" + kParent + "-01",
      "01-" + kTrace + "-" + kParent + "-01.more",  // later versions separate by a dash
      "01-" + kTrace + "-" + kParent + "-011",
  };
  for (const std::string& header : bad) {
    EXPECT_FALSE(ParseTraceParent(header).has_value()) << "'" << header << "'";
  }
}

TEST(TraceContext, EveryEditOfAGoodHeaderIsReadAsOneOrRefused) {
  for (std::size_t at = 0; at < kGood.size(); ++at) {
    for (int c = 0; c < 256; ++c) {
      std::string header = kGood;
      header[at] = static_cast<char>(c);
      const auto context = ParseTraceParent(header);
      const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
      const bool dash = at == 2 || at == 35 || at == 52;
      ASSERT_EQ(context.has_value(), dash ? c == '-' : digit) << header;
    }
  }
}

TEST(TraceContext, FormatsWhatItReads) {
  const auto context = ParseTraceParent(kGood);
  ASSERT_TRUE(context.has_value());
  EXPECT_EQ(FormatTraceParent(context.value_or(TraceContext{})), kGood);
  TraceContext made{.trace = NewTraceId(), .parent = NewSpanId(), .sampled = false};
  EXPECT_EQ(ParseTraceParent(FormatTraceParent(made)), made);
}

TEST(TraceContext, NewIdsDifferOverThreads) {
  constexpr int kThreads = 4;
  constexpr int kEach = 1000;
  std::vector<std::vector<TraceId>> made(kThreads);
  {
    std::vector<std::jthread> threads;
    for (std::vector<TraceId>& mine : made) {
      threads.emplace_back([&mine] {
        for (int i = 0; i < kEach; ++i) {
          mine.push_back(NewTraceId());
        }
      });
    }
  }
  std::set<TraceId> all;
  for (const auto& mine : made) {
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(all.size(), std::size_t{kThreads * kEach});
  EXPECT_FALSE(all.contains(TraceId{}));
}

TEST(TraceContext, SamplesTheShareAskedForAndSaysTheSameAgain) {
  int taken = 0;
  for (int i = 0; i < 20'000; ++i) {
    const TraceId id = NewTraceId();
    EXPECT_TRUE(InSample(id, 1));
    EXPECT_FALSE(InSample(id, 0));
    const bool in = InSample(id, 0.1);
    EXPECT_EQ(InSample(id, 0.1), in);
    EXPECT_TRUE(!in || InSample(id, 0.2));  // a larger share holds the smaller one
    taken += in ? 1 : 0;
  }
  EXPECT_NEAR(taken, 2000, 250);  // six standard deviations
}

}  // namespace
}  // namespace vitrine
