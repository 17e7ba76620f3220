// The collecting and user routes on an event log in memory, called without a network.
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "adapters/memory/memory_event_log.h"
#include "transport/http/fake_keys_testing.h"
#include "transport/http/request_testing.h"
#include "transport/http/routes.h"

namespace vitrine::http {
namespace {

using nlohmann::json;

class ApiTest : public ::testing::Test {
 protected:
  ApiTest()
      : key_(keys_.Add("admin")),
        authorizer_(AuthMode::kKeys, &keys_),
        router_((
                    services_.log = &log_, services_.scenes = &scenes_,
                    services_.now = [] { return Micros{1'800'000'000'000'000}; },
                    services_.audit =
                        [this](std::string_view actor, std::string_view action,
                               std::string_view subject, std::string_view) {
                          audit_.push_back(std::string(actor) + " " + std::string(action) + " " +
                                           std::string(subject));
                          return Status::Ok();
                        },
                    services_.on_rejected =
                        [this](std::string_view code, std::uint64_t rows) {
                          rejected_[std::string(code)] += rows;
                        },
                    ApiRoutes(services_)),
                authorizer_, {}) {}

  struct Answer {
    int status = 0;
    json body;
    std::string text;
    std::string headers;
  };
  Answer Call(std::string_view line, std::string_view body = {}, std::string_view headers = {}) {
    DirectCall call(router_,
                    RequestText(line, body, "X-API-Key: " + key_ + "\r\n" + std::string(headers)));
    Answer answer{call.response.status, {}, call.response.body, call.response.header_lines()};
    if (!answer.text.empty() && call.response.content_type.find("json") != std::string_view::npos) {
      answer.body = json::parse(answer.text);
    }
    return answer;
  }
  std::vector<data::LogRecord> Records() { return log_.Read(0, 10'000).value(); }
  Event OnlyEvent() {
    const auto records = Records();
    EXPECT_EQ(records.size(), 1U);
    return records.empty() ? Event{} : std::get<Event>(records[0].body);
  }

  adapters::MemoryEventLog log_;
  serve::SceneBook scenes_;
  Services services_;
  FakeKeys keys_;
  std::string key_;
  Authorizer authorizer_;
  std::vector<std::string> audit_;
  std::map<std::string, std::uint64_t> rejected_;
  Router router_;
};

constexpr std::string_view kView =
    R"({"event":"view","user_id":"u1","item_id":"i1","ts":1799999999})";

TEST_F(ApiTest, TakesOneEventAListAndANamedList) {
  const std::string one(kView);
  for (const std::string& body :
       {one, "[" + one + "," + one + "]", "{\"events\":[" + one + "]}", " \n" + one + "\n "}) {
    const Answer answer = Call("POST /v1/events", body);
    EXPECT_EQ(answer.status, 200) << body << answer.text;
    EXPECT_EQ(answer.body["rejected"], 0);
    EXPECT_EQ(answer.body["time_formats"]["unix_s"], answer.body["accepted"]);
    EXPECT_EQ(answer.body["rows"][0]["verdict"], "accepted");
    EXPECT_EQ(answer.body["rows"][0]["event_id"].get<std::string>().size(), 32U);
  }
  EXPECT_EQ(Records().size(), 5U);
}

TEST_F(ApiTest, ReadsEveryFieldOfAnEvent) {
  const Answer answer = Call("POST /v1/events", R"({
    "event": "purchase", "event_id": "e1", "user_id": 42, "anonymous_id": "a1",
    "items": [{"item_id": "i1", "position": 3, "quantity": 2, "price": 9.5}, "i2", 7],
    "ts": "2026-11-24T10:00:00+08:00", "request_id": "r1", "scene": "cart", "query": "shoes",
    "order_id": "o1", "currency": "EUR", "experiment": "x", "seconds": 1.5, "rating": 4,
    "replaces": "e0", "value": null, "unheard_of": {"deep": [1, {"x": "}"}]}})");
  ASSERT_EQ(answer.status, 200) << answer.text;
  EXPECT_EQ(answer.body["ignored_fields"], json({"value", "unheard_of"}));
  Event want;
  want.event_id = "e1";
  want.type = EventType::kPurchase;
  want.user_id = "42";
  want.anonymous_id = "a1";
  want.items = {{"i1", 3, 2, 9.5}, {"i2", -1, 1, 0}, {"7", -1, 1, 0}};
  want.ts = Micros{1'795'485'600'000'000};
  want.request_id = "r1";
  want.scene = "cart";
  want.query = "shoes";
  want.order_id = "o1";
  want.currency = "EUR";
  want.experiment = "x";
  want.seconds = 1.5;
  want.rating = 4;
  want.replaces = "e0";
  EXPECT_EQ(OnlyEvent(), want);
}

TEST_F(ApiTest, TakesTheNamesOfOtherSystems) {
  const std::pair<const char*, EventType> names[] = {{"view_item", EventType::kView},
                                                     {"Product Added", EventType::kCart},
                                                     {"expose", EventType::kImpression},
                                                     {"purchase-complete", EventType::kPurchase},
                                                     {"add_to_wishlist", EventType::kFavourite},
                                                     {"buy", EventType::kPurchase}};
  for (const auto& [name, type] : names) {
    const json row = {{"event", name}, {"user_id", "u"}, {"item_id", "i"}, {"ts", 1799999999}};
    ASSERT_EQ(Call("POST /v1/events", row.dump()).status, 200) << name;
    EXPECT_EQ(std::get<Event>(Records().back().body).type, type) << name;
  }
}

TEST_F(ApiTest, GivesEachBadRowItsReasonAndKeepsTheRest) {
  const Answer answer = Call("POST /v1/events", R"([
    {"event":"view","user_id":"u1","item_id":"i1","ts":1799999999},
    {"event":"vew","user_id":"u1","item_id":"i1","ts":1799999999},
    {"user_id":"u1","item_id":"i1","ts":1799999999},
    {"event":"view","item_id":"i1","ts":1799999999},
    {"event":"view","user_id":"u1","ts":1799999999},
    {"event":"view","user_id":"u1","item_id":"i1"},
    {"event":"view","user_id":"u1","item_id":"i1","ts":"yesterday"},
    {"event":"view","user_id":["u1"],"item_id":"i1","ts":1799999999},
    {"event":"view","user_id":"u1","items":[{"item_id":"i1","quantity":"two"}],"ts":1799999999},
    17,
    {"event":"click","user_id":"u1","item_id":"i1","ts":1799999999}])");
  ASSERT_EQ(answer.status, 200) << answer.text;
  EXPECT_EQ(answer.body["accepted"], 2);
  EXPECT_EQ(answer.body["rejected"], 9);
  const char* codes[] = {"unknown_event", "unknown_event", "missing_user",
                         "missing_item",  "missing_time",  "bad_time",
                         "wrong_type",    "wrong_type",    "wrong_type"};
  const char* fields[] = {"event", "event", "user_id", "item_id",
                          "ts",    "ts",    "user_id", "items.quantity"};
  for (std::size_t i = 0; i < 9; ++i) {
    const json& row = answer.body["rows"][i + 1];
    EXPECT_EQ(row["index"], i + 1);
    EXPECT_EQ(row["code"], codes[i]) << row;
    EXPECT_FALSE(row["message"].get<std::string>().empty());
    if (i < 8) {
      EXPECT_EQ(row["field"], fields[i]) << row;
    }
  }
  EXPECT_EQ(Records().size(), 2U);
  EXPECT_EQ(rejected_["wrong_type"], 3U);
}

TEST_F(ApiTest, ACallOfWhichNothingWasTakenIsAnError) {
  const Answer answer = Call("POST /v1/events", R"([{"event":"view"}])");
  EXPECT_EQ(answer.status, 422);
  EXPECT_EQ(answer.body["code"], "no_row_accepted");
  EXPECT_EQ(answer.body["rows"][0]["code"], "missing_user");
  EXPECT_EQ(Call("POST /v1/events", "[]").status, 200);
}

TEST_F(ApiTest, RefusesWhatIsNotJsonAsAWhole) {
  const std::string good(kView);
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("nonsense"), "[" + good + ",]",
        "[" + good + ",{\"event\":\"view\" 3}]", good + good, "[" + good, std::string("\xff\xfe"),
        std::string("17"), "[" + good + "] x", std::string(5'000, '[')}) {
    const Answer answer = Call("POST /v1/events", body);
    EXPECT_EQ(answer.status, 400) << body.substr(0, 80) << answer.text;
    EXPECT_EQ(answer.body["code"], "bad_json") << body.substr(0, 80);
  }
  EXPECT_TRUE(Records().empty());
}

TEST_F(ApiTest, BoundsTheRowsOfACall) {
  std::string body = "[";
  for (int i = 0; i < 1'000; ++i) {
    body.append(i == 0 ? "" : ",").append(kView);
  }
  EXPECT_EQ(Call("POST /v1/events", body + "]").body["accepted"], 1'000);
  const Answer answer = Call("POST /v1/events", body + "," + std::string(kView) + "]");
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.body["code"], "too_many_rows");
  EXPECT_EQ(Records().size(), 1'000U);
}

TEST_F(ApiTest, ARetryCountsOnce) {
  const std::string body = "[" + std::string(kView) + "," + std::string(kView) + "]";
  const std::string key = "Idempotency-Key: batch-7\r\n";
  EXPECT_EQ(Call("POST /v1/events", body, key).body["accepted"], 2);
  const Answer again = Call("POST /v1/events", body, key);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.body["duplicate"], 2);
  EXPECT_EQ(again.body["rows"][1]["verdict"], "duplicate");
  EXPECT_EQ(Call("POST /v1/events", body, "Idempotency-Key: batch-8\r\n").body["accepted"], 2);
  EXPECT_EQ(
      Call("POST /v1/events", body, "Idempotency-Key: " + std::string(200, 'k') + "\r\n").status,
      400);
}

TEST_F(ApiTest, ReportsTheTimesThatWereTaken) {
  const Answer answer = Call("POST /v1/events", R"([
    {"event":"view","user_id":"u","item_id":"i","ts":1799999999},
    {"event":"view","user_id":"u","item_id":"i","ts":1799999999123},
    {"event":"view","user_id":"u","item_id":"i","ts":1799999999123456},
    {"event":"view","user_id":"u","item_id":"i","ts":1799999999.5},
    {"event":"view","user_id":"u","item_id":"i","ts":"2027-01-15T07:59:59"}])");
  EXPECT_EQ(answer.body["accepted"], 5) << answer.text;
  EXPECT_EQ(answer.body["time_formats"],
            json({{"unix_s", 2}, {"unix_ms", 1}, {"unix_us", 1}, {"iso8601", 1}}));
  EXPECT_EQ(answer.body["zone_assumed_utc"], 1);
}

TEST_F(ApiTest, AFullDiskSaysSo) {
  log_.FailAppends(ResourceExhausted("no space left in data/log"));
  const Answer answer = Call("POST /v1/events", kView);
  EXPECT_EQ(answer.status, 507);
  EXPECT_EQ(answer.body["code"], "disk_full");
  EXPECT_NE(answer.body["detail"].get<std::string>().find("data/log"), std::string::npos);
}

TEST_F(ApiTest, KeepsItemsWhole) {
  const Answer answer = Call("POST /v1/items", R"({"items":[{"id":"i1","title":"Red \u978b",
    "brand":"Acme","categories":["Shoes > Running"],"price":79.5,"currency":"EUR","stock":3,
    "tags":"new","hidden":false,"vectors":{"image":[0.5,1]},
    "attributes":{"colour":"red","sizes":["40","41"],"weight":1.5,"vegan":true}},
    {"item_id":9,"valid_from":"2026-01-01"},{"title":"nameless"}]})");
  ASSERT_EQ(answer.status, 200) << answer.text;
  EXPECT_EQ(answer.body["accepted"], 2);
  EXPECT_EQ(answer.body["rows"][2]["code"], "missing_item");
  const Answer item = Call("GET /v1/items/i1");
  ASSERT_EQ(item.status, 200) << item.text;
  EXPECT_EQ(item.body["title"], "Red \xE9\x9E\x8B");
  EXPECT_EQ(item.body["price"], 79.5);
  EXPECT_EQ(item.body["categories"], json({"Shoes > Running"}));
  EXPECT_EQ(item.body["tags"], json({"new"}));
  EXPECT_EQ(item.body["vectors"]["image"], json({0.5, 1.0}));
  EXPECT_EQ(item.body["attributes"]["sizes"], json({"40", "41"}));
  EXPECT_EQ(item.body["attributes"]["vegan"], true);
  EXPECT_EQ(item.body["valid_from"], "2027-01-15T08:00:00Z");
  EXPECT_EQ(Call("GET /v1/items/9").body["valid_from"], "2026-01-01T00:00:00Z");
  const Answer none = Call("GET /v1/items/i2");
  EXPECT_EQ(none.status, 404);
  EXPECT_EQ(none.body["code"], "item_not_found");
}

TEST_F(ApiTest, PatchesAndDeletesAnItem) {
  ASSERT_EQ(Call("POST /v1/items", R"({"id":"i1","title":"Old","brand":"Acme","stock":3,
    "price":5,"currency":"EUR","attributes":{"a":1,"b":2}})")
                .status,
            200);
  const Answer patched =
      Call("PATCH /v1/items/i1", R"({"stock":0,"brand":null,"attributes":{"a":null,"c":"x"}})");
  ASSERT_EQ(patched.status, 200) << patched.text;
  EXPECT_EQ(patched.body["title"], "Old");
  EXPECT_EQ(patched.body["stock"], 0);
  EXPECT_FALSE(patched.body.contains("brand"));
  EXPECT_EQ(patched.body["attributes"], json({{"b", 2.0}, {"c", "x"}}));
  EXPECT_EQ(Call("GET /v1/items/i1").body, patched.body);
  EXPECT_EQ(Call("PATCH /v1/items/i1", R"({"id":"i2"})").status, 422);
  EXPECT_EQ(Call("PATCH /v1/items/i1", R"({"price":"cheap"})").status, 422);
  EXPECT_EQ(Call("PATCH /v1/items/i1", R"({"price":-1})").status, 422);
  EXPECT_EQ(Call("PATCH /v1/items/i1", "{").status, 400);
  EXPECT_EQ(Call("PATCH /v1/items/none", "{}").status, 404);
  EXPECT_EQ(Call("DELETE /v1/items/i1").status, 204);
  EXPECT_EQ(Call("GET /v1/items/i1").status, 404);
  EXPECT_EQ(Call("DELETE /v1/items/i1").status, 404);
}

TEST_F(ApiTest, ListsItemsInPages) {
  for (const char* id : {"a", "b", "c", "d", "e"}) {
    ASSERT_EQ(Call("POST /v1/items", json({{"id", id}}).dump()).status, 200);
  }
  std::string ids;
  std::string cursor;
  int pages = 0;
  do {
    const Answer page = Call("GET /v1/items?limit=2&cursor=" + cursor);
    ASSERT_EQ(page.status, 200);
    for (const json& item : page.body["items"]) {
      ids += item["id"].get<std::string>();
    }
    cursor = page.body["next_cursor"].is_null() ? "" : page.body["next_cursor"];
    ++pages;
  } while (!cursor.empty());
  EXPECT_EQ(ids, "abcde");
  EXPECT_EQ(pages, 3);
  for (const char* bad : {"0", "-1", "x", "1001", ""}) {
    EXPECT_EQ(Call(std::string("GET /v1/items?limit=") + bad).status, 400) << bad;
  }
}

TEST_F(ApiTest, ShowsExportsAndErasesAUser) {
  ASSERT_EQ(Call("POST /v1/users", R"({"id":"u1","attributes":{"level":"gold"}})").status, 200);
  ASSERT_EQ(Call("POST /v1/events", R"([
    {"event":"view","event_id":"e1","user_id":"u1","item_id":"i1","ts":1799999990},
    {"event":"purchase","event_id":"e2","user_id":"u1","item_id":"i2","ts":1799999991},
    {"event":"hide","event_id":"e3","user_id":"u1","item_id":"i3","ts":1799999992},
    {"event":"view","event_id":"e4","user_id":"u2","item_id":"i1","ts":1799999993}])")
                .body["accepted"],
            4);
  const Answer user = Call("GET /v1/users/u1");
  ASSERT_EQ(user.status, 200) << user.text;
  EXPECT_EQ(user.body["user"]["attributes"]["level"], "gold");
  EXPECT_EQ(user.body["state"]["bought"], json({"i2"}));
  EXPECT_EQ(user.body["state"]["hidden"], json({"i3"}));
  const Answer page = Call("GET /v1/users/u1/events?limit=2");
  EXPECT_EQ(page.body["events"].size(), 2U);
  EXPECT_EQ(page.body["events"][0]["event_id"], "e3");
  const Answer rest =
      Call("GET /v1/users/u1/events?limit=2&cursor=" + page.body["next_cursor"].get<std::string>());
  EXPECT_EQ(rest.body["events"].size(), 1U);
  EXPECT_TRUE(rest.body["next_cursor"].is_null());
  const Answer document = Call("POST /v1/users/u1:export");
  ASSERT_EQ(document.status, 200) << document.text;
  EXPECT_EQ(document.body["events"].size(), 3U);
  const Answer receipt = Call("DELETE /v1/users/u1");
  ASSERT_EQ(receipt.status, 200) << receipt.text;
  EXPECT_GE(receipt.body["erased_records"].get<int>(), 4);
  EXPECT_EQ(receipt.text.find("u1"), std::string::npos) << "a receipt names nobody";
  EXPECT_EQ(Call("GET /v1/users/u1").status, 404);
  EXPECT_EQ(Call("GET /v1/users/u1/events").body["events"].size(), 0U);
  EXPECT_EQ(Call("GET /v1/users/u2").status, 200);
  ASSERT_EQ(audit_.size(), 2U);
  EXPECT_EQ(audit_[0].substr(0, 21), "key-admin user.export");
  EXPECT_EQ(audit_[1].find("u1"), std::string::npos);
}

TEST_F(ApiTest, KeepsAnswersOfOtherSystems) {
  Impression heard;
  services_.on_external_answer = [&](const Impression& impression) { heard = impression; };
  const Answer answer = Call("POST /v1/impressions", R"({"request_id":"r1","user_id":"u1",
    "scene":"home","model":"theirs:1","items":[{"item_id":"i1","score":0.5,"source":"x"},"i2"]})");
  ASSERT_EQ(answer.status, 201) << answer.text;
  EXPECT_EQ(heard.route, "external");
  const Answer kept = Call("GET /v1/requests/r1");
  ASSERT_EQ(kept.status, 200) << kept.text;
  EXPECT_EQ(kept.body["model"], "theirs:1");
  EXPECT_EQ(kept.body["items"][0]["score"], 0.5);
  EXPECT_EQ(kept.body["items"][1]["item_id"], "i2");
  EXPECT_EQ(Call("POST /v1/impressions", R"({"items":[]})").status, 400);
  const Answer typo = Call("POST /v1/impressions", R"({"itmes":[]})");
  EXPECT_EQ(typo.status, 400);
  EXPECT_NE(typo.text.find("'items'"), std::string::npos) << typo.text;
  EXPECT_EQ(Call("GET /v1/requests/none").status, 404);
}

TEST_F(ApiTest, ChangesScenesAndRulesOrLeavesThem) {
  EXPECT_EQ(Call("GET /v1/scenes").body["scenes"].size(), 6U);
  const std::string rule =
      R"({"name":"summer","kind":"boost","when":{"brands":["Acme"]},"add":0.5})";
  const Answer put = Call("PUT /v1/rules/home/summer", rule);
  ASSERT_EQ(put.status, 200) << put.text;
  EXPECT_EQ(put.body["name"], "summer");
  EXPECT_EQ(Call("PUT /v1/rules/home/winter", rule).status, 400);
  EXPECT_EQ(Call("PUT /v1/rules/home/summer", "{},{}").status, 400);
  const Answer rules = Call("GET /v1/rules");
  ASSERT_EQ(rules.body["rules"].size(), 1U);
  EXPECT_EQ(rules.body["rules"][0]["scene"], "home");
  json scene = Call("GET /v1/scenes/home").body;
  scene["n_default"] = 7;
  EXPECT_EQ(Call("PUT /v1/scenes/home", scene.dump()).status, 200);
  EXPECT_EQ(Call("PUT /v1/scenes/cart", scene.dump()).status, 400);
  services_.save_scenes = [](const serve::SceneMap&) { return Unavailable("disk"); };
  scene["n_default"] = 8;
  EXPECT_EQ(Call("PUT /v1/scenes/home", scene.dump()).status, 503);
  EXPECT_EQ(Call("GET /v1/scenes/home").body["n_default"], 7);
  services_.save_scenes = nullptr;
  EXPECT_EQ(Call("DELETE /v1/rules/home/summer").status, 204);
  EXPECT_EQ(Call("DELETE /v1/rules/home/summer").status, 404);
  EXPECT_EQ(Call("GET /v1/rules").body["rules"].size(), 0U);
}

TEST_F(ApiTest, TheStartPageNamesTheDirectoryToItsOwnerOnly) {
  services_.data_dir = "/srv/<shop>";
  EXPECT_NE(Call("GET /").text.find("/srv/&lt;shop&gt;"), std::string::npos);
  DirectCall stranger(router_, RequestText("GET /"));
  EXPECT_EQ(stranger.response.status, 200);
  EXPECT_EQ(stranger.response.body.find("shop&gt;"), std::string::npos);
}

}  // namespace
}  // namespace vitrine::http
