// What a snapshot says was shown: by the server's log, by imported files, by both.
#include "adapters/duckdb/shown_reader.h"

#include <optional>
#include <variant>

#include "lake_fixture.h"

namespace vitrine {
namespace {

constexpr std::int64_t kHour = 3'600 * kMicrosPerSecond;
const Micros kShownAt{kTestNow.value - 10 * kHour};

class ShownTest : public LakeTest {
 protected:
  void Append(data::LogBody body) {
    log_.push_back({.sequence = log_.size() + 1, .received = kTestNow, .body = std::move(body)});
  }
  void Show(const std::string& request, const std::string& subject, Micros ts,
            const std::vector<std::string>& items, const std::string& scene = "home") {
    Impression shown;
    shown.request_id = request;
    shown.subject = subject;
    shown.ts = ts;
    shown.scene = scene;
    shown.model = "m:1";
    shown.history = {{"z", ts, EventType::kView, 3}};
    for (const std::string& item : items) {
      shown.items.push_back({item, 0.5, "model:m"});
    }
    Append(shown);
  }
  Event& Do(EventType type, const std::string& user, Micros ts,
            const std::vector<std::string>& items, const std::string& request = "") {
    Event event;
    event.type = type;
    event.user_id = user;
    event.event_id = "e" + std::to_string(log_.size());
    event.request_id = request;
    event.ts = ts;
    for (const std::string& item : items) {
      event.items.push_back({.item_id = item, .quantity = 2, .price = 3});
    }
    Append(event);
    return std::get<Event>(log_.back().body);
  }
  void Ingest() {
    const data::ReadLog read = [this](std::uint64_t after,
                                      std::size_t limit) -> Result<std::vector<data::LogRecord>> {
      std::vector<data::LogRecord> out;
      for (const data::LogRecord& record : log_) {
        if (record.sequence > after && out.size() < limit) {
          out.push_back(record);
        }
      }
      return out;
    };
    const auto done = lake_->Ingest(read, {});
    ASSERT_TRUE(done.ok()) << done.status().message();
  }
  Result<data::ShownLog> ReadShown(const std::set<EventType>& events = {EventType::kClick}) {
    const auto snapshot = lake_->Snapshot("");
    RETURN_IF_ERROR(snapshot.status());
    duckdb::ParquetShownReader reader({.memory_limit_mb = 256});
    return reader.ReadShown(lake_->SnapshotFolder(snapshot->id), events, {});
  }
  /// ReadShown that must work.
  data::ShownLog MustRead(const std::set<EventType>& events = {EventType::kClick}) {
    auto log = ReadShown(events);
    EXPECT_TRUE(log.ok()) << log.status().message();
    return log.ok() ? *std::move(log) : data::ShownLog{};
  }
  /// "request subject: item item"; a place that nobody says is "-".
  static std::vector<std::string> Answers(const data::ShownLog& log) {
    std::vector<std::string> out;
    for (const data::LogRecord& record : log.records) {
      if (const auto* shown = std::get_if<Impression>(&record.body)) {
        std::string line = shown->request_id + " " + shown->subject + ":";
        for (const ShownItem& item : shown->items) {
          line += " " + (item.item_id.empty() ? "-" : item.item_id);
        }
        out.push_back(line);
      }
    }
    return out;
  }
  static std::vector<Event> Events(const data::ShownLog& log) {
    std::vector<Event> out;
    for (const data::LogRecord& record : log.records) {
      if (const auto* event = std::get_if<Event>(&record.body)) {
        out.push_back(*event);
      }
    }
    return out;
  }

  std::vector<data::LogRecord> log_;
};

TEST_F(ShownTest, AnAnswerOfTwoVersionsIsNeithers) {
  Show("r1", "u1", kShownAt, {"b", "a"});
  std::get<Impression>(log_.back().body).candidate = "m:2";
  Do(EventType::kClick, "u1", Micros{kShownAt.value + 9}, {"a"}, "r1");
  Ingest();
  MustClean();
  const data::ShownLog log = MustRead({EventType::kClick});
  ASSERT_EQ(log.answers, 1U);
  EXPECT_EQ(std::get<Impression>(log.records[0].body).model, "interleaved");
}

TEST_F(ShownTest, AnswersOfTheLogAndTheWantedEventsAfterThem) {
  Do(EventType::kClick, "u1", Micros{kShownAt.value - kHour}, {"old"});  // before any answer
  Show("r2", "u2", Micros{kShownAt.value + 5}, {"c", "a"}, "cart");
  Show("r1", "u1", kShownAt, {"b", "a"});
  Do(EventType::kClick, "u1", Micros{kShownAt.value + 9}, {"a"}, "r1");
  Do(EventType::kView, "u1", Micros{kShownAt.value + 9}, {"a"}, "r1");
  Event& order = Do(EventType::kPurchase, "u1", Micros{kShownAt.value + 10}, {"a", "b"});
  order.order_id = "o1";
  Do(EventType::kReturn, "u1", Micros{kShownAt.value + 11}, {"a"}).order_id = "o1";
  Ingest();
  MustClean();
  const data::ShownLog log = MustRead({EventType::kClick, EventType::kPurchase});
  EXPECT_EQ(log.answers, 2U);
  EXPECT_EQ(Answers(log), (std::vector<std::string>{"r1 u1: b a", "r2 u2: c a"}));
  const auto& first = std::get<Impression>(log.records[0].body);
  EXPECT_EQ(first.scene, "home");
  EXPECT_EQ(first.model, "m:1");
  EXPECT_EQ(first.ts, kShownAt);
  EXPECT_EQ(first.items[1], (ShownItem{"a", 0.5, "model:m"}));
  EXPECT_TRUE(first.history.empty());  // nobody needs it, and it is large
  const std::vector<Event> events = Events(log);
  ASSERT_EQ(events.size(), 3U);  // the view was not asked for
  EXPECT_EQ(events[0].type, EventType::kClick);
  EXPECT_EQ(events[0].request_id, "r1");
  EXPECT_EQ(events[1].type, EventType::kPurchase);
  ASSERT_EQ(events[1].items.size(), 2U);  // one order is one event
  EXPECT_EQ(events[1].items[1].item_id, "b");
  EXPECT_EQ(events[1].items[1].quantity, 2);
  EXPECT_EQ(events[1].items[1].price, 3);
  EXPECT_EQ(events[1].order_id, "o1");
  EXPECT_EQ(events[2].type, EventType::kReturn);  // what it takes back is JoinLabels' to say
  EXPECT_EQ(log.as_of.value, kShownAt.value + 11);
  for (std::size_t i = 0; i < log.records.size(); ++i) {
    EXPECT_EQ(log.records[i].sequence, i + 1);
  }
}

TEST_F(ShownTest, OfOneRequestTwiceTheNewerAnswerStays) {
  Show("r1", "u1", kShownAt, {"a", "b", "c"});
  Show("r1", "u1", kShownAt, {"b"});
  Do(EventType::kClick, "u1", kShownAt, {"a"});
  Ingest();
  MustClean();
  EXPECT_EQ(Answers(MustRead()), (std::vector<std::string>{"r1 u1: b"}));
}

TEST_F(ShownTest, WhoWasAnonymousIsTheirUserInAnswersAndEvents) {
  Show("r1", "x1", kShownAt, {"a"});
  Show("r2", "", Micros{kShownAt.value + 1}, {"a"});
  Event& click = Do(EventType::kClick, "", Micros{kShownAt.value + 2}, {"a"});
  click.anonymous_id = "x1";
  Event& known = Do(EventType::kIdentify, "u1", Micros{kShownAt.value + 3}, {});
  known.anonymous_id = "x1";
  Ingest();
  MustClean();
  const data::ShownLog log = MustRead();
  EXPECT_EQ(Answers(log), (std::vector<std::string>{"r1 u1: a", "r2 : a"}));
  const std::vector<Event> events = Events(log);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].user_id, "u1");
}

TEST_F(ShownTest, AnErasedShopperIsInNoAnswer) {
  Show("r1", "u1", kShownAt, {"a"});
  Show("r2", "u2", kShownAt, {"a"});
  Do(EventType::kClick, "u2", kShownAt, {"a"});
  Ingest();
  MustClean();
  EXPECT_EQ(MustRead().answers, 2U);
  Append(data::UserErasure{.subject = "u1", .ts = kTestNow});
  Ingest();
  MustClean();
  EXPECT_EQ(Answers(MustRead()), (std::vector<std::string>{"r2 u2: a"}));
}

constexpr const char* kFileMapping = R"(
name = "shown"
[[events]]
files = ["*.csv"]
[events.fields]
event = "event"
user_id = "user"
item_id = "item"
ts = "ts"
request_id = "request"
position = "place"
)";

TEST_F(ShownTest, RowsOfFilesAreAnswersByRequestElseByShopperAndMoment) {
  MustImport(Write("log.csv",
                   "event,user,item,ts,request,place\n"
                   "impression,u1,a,2026-01-01T10:00:00Z,q1,2\n"  // places 2 and 0; 1 is not said
                   "impression,u1,b,2026-01-01T10:00:01Z,q1,0\n"
                   "impression,u2,c,2026-01-01T10:00:00Z,,\n"  // no request: one moment of u2
                   "impression,u2,a,2026-01-01T10:00:00Z,,\n"
                   "impression,u2,b,2026-01-01T11:00:00Z,,5\n"     // another moment
                   "impression,u2,d,2026-01-01T11:00:00Z,,5000\n"  // a place that no list has
                   "click,u1,a,2026-01-01T10:00:09Z,q1,\n"),
             kFileMapping);
  MustClean();
  const data::ShownLog log = MustRead();
  EXPECT_EQ(log.left_out, 1U);
  ASSERT_EQ(log.answers, 3U);
  const std::vector<std::string> answers = Answers(log);
  EXPECT_EQ(answers[0], "q1 u1: b - a");
  EXPECT_TRUE(answers[1].ends_with(" u2: c a")) << answers[1];
  EXPECT_TRUE(answers[2].ends_with(" u2: - - - - - b")) << answers[2];
  ASSERT_EQ(Events(log).size(), 1U);
  EXPECT_EQ(Events(log)[0].request_id, "q1");
}

TEST_F(ShownTest, LogAndFilesTogether) {
  MustImport(Write("log.csv",
                   "event,user,item,ts,request,place\n"
                   "impression,u1,a,2026-01-01T10:00:00Z,q1,0\n"
                   "click,u1,a,2026-01-01T10:00:09Z,q1,\n"),
             kFileMapping);
  MustClean();
  Show("r1", "u1", kShownAt, {"b", "a"});
  Ingest();
  MustClean();
  EXPECT_EQ(Answers(MustRead()), (std::vector<std::string>{"q1 u1: a", "r1 u1: b a"}));
}

TEST_F(ShownTest, WithoutAnswersTheReaderSaysWhereTheyComeFrom) {
  Do(EventType::kClick, "u1", kShownAt, {"a"});
  Ingest();
  MustClean();
  const Status none = ReadShown().status();
  EXPECT_EQ(none.code(), Code::kFailedPrecondition);
  EXPECT_NE(none.message().find("no answer of this shop is in snapshot"), std::string::npos)
      << none.message();
  EXPECT_NE(none.message().find("vitrine-lake log"), std::string::npos) << none.message();
  duckdb::ParquetShownReader reader({});
  EXPECT_EQ(reader.ReadShown(folder_ + "/none", {}, {}).status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace vitrine
