#include "transport/http/recommend_fields.h"

#include <gtest/gtest.h>

#include "transport/http/request_testing.h"

namespace vitrine::http {
namespace {

// Reads a body; the error's code, "bad_json", or empty.
template <typename T, typename F>
std::string ReadAs(const std::string& body, F read, T& out) {
  Request request;
  RequestParser parser({});
  parser.Start(request);
  const std::string text = RequestText("POST /", body);
  std::size_t used = 0;
  auto state = parser.Feed(text, used);
  if (state == RequestParser::State::kHead) {
    std::size_t more = 0;
    state = parser.Feed(text.substr(used), more);
  }
  EXPECT_EQ(state, RequestParser::State::kDone);
  FieldReader reader;
  const Status status = ReadObjectBody(
      request, reader, [&](ondemand::object object) { return read(reader, object, out); });
  return status.ok() ? std::string(reader.error().code) : "bad_json";
}

TEST(RecommendFields, ReadsAll) {
  serve::RecommendRequest r;
  ASSERT_EQ(ReadAs(R"({"scene":"cart","user_id":7,"anonymous_id":"a","n":5,
    "filter":{"exclude_bought":false,"exclude_seen":true,"exclude":["x",3],"include":["y"],
              "where":{"brands":["Acme"],"price_max":20}},
    "personalize":false,"explain":true,"language":"zh","record":false,
    "context":{"device":"phone","hour":13},"as_of":1700000000,
    "history":["i1",{"item_id":"i2","ts":1600000000,"type":"purchase","order_id":"o1"}]})",
                   ReadRecommend, r),
            "");
  EXPECT_EQ(r.scene, "cart");
  EXPECT_EQ(r.user_id, "7");
  EXPECT_EQ(r.n, 5U);
  EXPECT_EQ(r.filter.exclude_bought, false);
  EXPECT_EQ(r.filter.exclude_seen, true);
  EXPECT_FALSE(r.filter.exclude_hidden.has_value());
  EXPECT_EQ(r.filter.exclude, (std::vector<std::string>{"x", "3"}));
  EXPECT_EQ(r.filter.include, std::vector<std::string>{"y"});
  EXPECT_EQ(r.filter.where.brands, std::vector<std::string>{"Acme"});
  EXPECT_EQ(r.filter.where.price_max, 20);
  EXPECT_FALSE(r.personalize);
  EXPECT_TRUE(r.explain);
  EXPECT_FALSE(r.record);
  EXPECT_EQ(r.language, "zh");
  EXPECT_EQ(std::get<double>(r.context.at("hour")), 13);
  EXPECT_EQ(r.as_of, Micros{1'700'000'000'000'000});
  const auto history = r.history.value_or(std::vector<SeenEvent>());
  ASSERT_EQ(history.size(), 2U);
  EXPECT_EQ(history[1].item_id, "i2");
  EXPECT_EQ(history[1].type, EventType::kPurchase);
  EXPECT_EQ(history[1].ts, Micros{1'600'000'000'000'000});
}

TEST(RecommendFields, ReadsWhatIsAskedAboutBesideTheAnswer) {
  serve::RecommendRequest r;
  EXPECT_EQ(ReadAs(R"({"explain":true,"why_not":["i1",2],"removed":5})", ReadRecommend, r), "");
  EXPECT_EQ(r.absent.items, (std::vector<std::string>{"i1", "2"}));
  EXPECT_EQ(r.absent.removed, 5U);
  EXPECT_NE(ReadAs(R"({"removed":0})", ReadRecommend, r), "");
  EXPECT_NE(ReadAs(R"({"why_not":"i1"})", ReadRecommend, r), "");
}

TEST(RecommendFields, AnEmptyHistoryIsNotAMissingOne) {
  serve::RecommendRequest r;
  EXPECT_EQ(ReadAs("{}", ReadRecommend, r), "");
  EXPECT_FALSE(r.history.has_value());
  EXPECT_EQ(ReadAs(R"({"history":[]})", ReadRecommend, r), "");
  EXPECT_TRUE(r.history.has_value() && r.history->empty());
}

std::vector<std::uint32_t> Baskets(const std::string& history) {
  serve::RecommendRequest r;
  EXPECT_EQ(ReadAs("{\"history\":" + history + "}", ReadRecommend, r), "");
  std::vector<std::uint32_t> baskets;
  for (const SeenEvent& event : r.history.value_or(std::vector<SeenEvent>())) {
    baskets.push_back(event.basket);
  }
  return baskets;
}

TEST(RecommendFields, NumbersBasketsAsTheLogDoes) {
  using Numbers = std::vector<std::uint32_t>;
  EXPECT_EQ(Baskets(R"(["a","b","c"])"), (Numbers{0, 1, 2}));
  EXPECT_EQ(Baskets(R"([{"item_id":"a","ts":1600000000},{"item_id":"b","ts":1600000000},
                        {"item_id":"c","ts":1600000001}])"),
            (Numbers{0, 0, 1}));
  EXPECT_EQ(Baskets(R"([{"item_id":"a","basket":0},{"item_id":"b","basket":0},
                        {"item_id":"c","basket":1},{"item_id":"d"}])"),
            (Numbers{0, 0, 1, 2}));
  EXPECT_EQ(Baskets(R"([{"item_id":"a","order_id":"o1","ts":1600000000},
                        {"item_id":"b","order_id":"o2","ts":1600000000}])"),
            (Numbers{0, 1}));
}

TEST(RecommendFields, RefusesWhatItDoesNotKnow) {
  const std::pair<const char*, const char*> bad[] = {
      {R"({"user":"u"})", "unknown_field"},
      {R"({"filter":{"exclude_bougt":true}})", "unknown_field"},
      {R"({"filter":[]})", "wrong_type"},
      {R"({"filter":{"where":{"brand":"x"}}})", "bad_filter"},
      {R"({"n":0})", "out_of_range"},
      {R"({"n":-1})", "out_of_range"},
      {R"({"n":1.5})", "wrong_type"},
      {R"({"n":99999999999999999999})", "wrong_type"},
      {R"({"explain":"yes"})", "wrong_type"},
      {R"({"history":"i1"})", "wrong_type"},
      {R"({"history":[{"ts":1}]})", "bad_time"},
      {R"({"history":[{"ts":1600000000}]})", "missing_item"},
      {R"({"history":[{"item_id":"a","type":"gaze"}]})", "unknown_event"},
      {R"({"as_of":"soon"})", "bad_time"},
      {R"({"context":{"a":{"b":1}}})", "wrong_type"},
      {R"({"user_id":"u)", "bad_json"},
      {R"({"user_id":"u",})", "bad_json"},
      {R"([])", "bad_json"},
      {"", "bad_json"},
  };
  for (const auto& [body, code] : bad) {
    serve::RecommendRequest r;
    EXPECT_EQ(ReadAs(body, ReadRecommend, r), code) << body;
  }
}

TEST(RankFields, ReadsCandidatesWithAndWithoutBids) {
  serve::RankRequest r;
  ASSERT_EQ(
      ReadAs(R"({"user_id":"u","candidates":["a",{"item_id":"b","bid":0.5},7]})", ReadRank, r), "");
  ASSERT_EQ(r.candidates.size(), 3U);
  EXPECT_EQ(r.candidates[1].bid, 0.5);
  EXPECT_EQ(r.candidates[2].item_id, "7");
  EXPECT_EQ(r.request.user_id, "u");
}

TEST(SearchFields, ReadsAQuery) {
  SearchRequest r;
  ASSERT_EQ(
      ReadAs(R"({"query":"\u978b","n":3,"filter":{"exclude_out_of_stock":true}})", ReadSearch, r),
      "");
  EXPECT_EQ(r.query, "\xE9\x9E\x8B");
  EXPECT_EQ(r.filter.exclude_out_of_stock, true);
  EXPECT_EQ(ReadAs(R"({"q":"x"})", ReadSearch, r), "unknown_field");
}

}  // namespace
}  // namespace vitrine::http
