// The binary forms: what goes in comes out, and damaged bytes are told, never obeyed.

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "adapters/rocksdb/byte_codec.h"
#include "adapters/rocksdb/impression_codec.h"
#include "adapters/rocksdb/record_codec.h"
#include "adapters/rocksdb/subject_index.h"
#include "adapters/rocksdb/subject_state.h"

namespace vitrine::adapters {
namespace {

/// Random values of everything that is stored.
class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {}

  std::uint64_t Below(std::uint64_t n) { return random_() % n; }
  std::string Text() {
    std::string text(Below(4) == 0 ? 0 : Below(40), 'x');
    for (char& c : text) {
      c = static_cast<char>(Below(256));
    }
    return text;
  }
  double Number() {
    const double numbers[] = {0, 1, -1.5, 1e300, 5e-324, static_cast<double>(Below(1000))};
    return numbers[Below(6)];
  }
  Micros Time() {
    const std::int64_t times[] = {0, -1, 1'700'000'000'000'000,
                                  std::numeric_limits<std::int64_t>::min(),
                                  std::numeric_limits<std::int64_t>::max()};
    return {times[Below(5)]};
  }
  Event MakeEvent() {
    Event event;
    event.type = static_cast<EventType>(Below(kEventTypes));
    for (std::string* text :
         {&event.event_id, &event.user_id, &event.anonymous_id, &event.request_id, &event.scene,
          &event.query, &event.order_id, &event.currency, &event.experiment, &event.replaces}) {
      *text = Text();
    }
    event.ts = Time();
    event.seconds = Number();
    event.rating = Number();
    for (std::uint64_t i = Below(4); i > 0; --i) {
      event.items.push_back({Text(), static_cast<std::int32_t>(Below(9)) - 1, Number(), Number()});
    }
    return event;
  }
  Attributes MakeAttributes() {
    Attributes attributes;
    for (std::uint64_t i = Below(5); i > 0; --i) {
      const Attribute values[] = {Below(2) == 0, Number(), Text(),
                                  std::vector<std::string>{Text(), Text()}};
      attributes[Text()] = values[Below(4)];
    }
    return attributes;
  }
  Item MakeItem() {
    Item item;
    for (std::string* text :
         {&item.id, &item.title, &item.description, &item.brand, &item.currency, &item.image_url}) {
      *text = Text();
    }
    item.valid_from = Time();
    item.categories = {Text(), Text()};
    item.tags.assign(Below(3), Text());
    item.price = Number();
    item.stock = Number();
    item.hidden = Below(2) == 0;
    item.vectors[Text()] = {0.5F, -1e30F, 0};
    item.attributes = MakeAttributes();
    return item;
  }
  User MakeUser() { return {Text(), Time(), MakeAttributes()}; }
  Impression MakeImpression() {
    Impression impression;
    for (std::string* text : {&impression.request_id, &impression.subject, &impression.scene,
                              &impression.route, &impression.model, &impression.fallback,
                              &impression.query, &impression.rollout, &impression.arm}) {
      *text = Text();
    }
    impression.ts = Time();
    impression.personalised = Below(2) == 0;
    impression.seconds = Number();
    for (std::uint64_t i = Below(5); i > 0; --i) {
      impression.items.push_back({Text(), Number(), Text(), Team::kNone});
      impression.history.push_back({Text(), Time(), static_cast<EventType>(Below(kEventTypes)),
                                    static_cast<std::uint32_t>(Below(UINT32_MAX))});
    }
    if (Below(3) == 0) {
      impression.candidate = "new:2";
      for (ShownItem& item : impression.items) {
        item.team = static_cast<Team>(Below(kTeams));
      }
    }
    return impression;
  }
  SubjectState MakeState() {
    SubjectState state;
    for (std::uint64_t i = 1 + Below(30); i > 0; --i) {
      const Event event = MakeEvent();
      std::vector<data::ItemNumber> numbers(event.items.size());
      for (data::ItemNumber& number : numbers) {
        number = static_cast<data::ItemNumber>(Below(UINT32_MAX));
      }
      state.Add(event, numbers, i);
    }
    state.AddAnonymousId(Text());
    return state;
  }
  /// The same bytes with something wrong: flipped, cut, doubled, blown up or left out.
  std::string Damage(std::string bytes) {
    for (std::uint64_t i = 1 + Below(4); i > 0 && !bytes.empty(); --i) {
      const std::size_t at = Below(bytes.size());
      switch (Below(5)) {
        case 0:
          bytes[at] = static_cast<char>(Below(256));
          break;
        case 1:
          bytes.resize(at);
          break;
        case 2:
          bytes.insert(at, bytes.substr(0, Below(bytes.size() + 1)));
          break;
        case 3:
          bytes[at] = static_cast<char>(0xFF);
          break;
        default:
          bytes.erase(at, 1 + Below(8));
      }
    }
    return bytes;
  }

 private:
  std::mt19937_64 random_;
};

TEST(ByteCodec, NumbersComeBack) {
  ByteWriter out;
  const std::uint64_t unsigned_numbers[] = {0, 1, 127, 128, 1'000'000, UINT64_MAX};
  const std::int64_t signed_numbers[] = {0, -1, 1, std::numeric_limits<std::int64_t>::min(),
                                         std::numeric_limits<std::int64_t>::max()};
  for (const std::uint64_t n : unsigned_numbers) {
    out.Varint(n);
    out.Fixed64(n);
  }
  for (const std::int64_t n : signed_numbers) {
    out.Signed(n);
  }
  out.Double(-0.5);
  out.Float(1.25F);
  out.Text("");
  out.Text(std::string("a\0b", 3));
  ByteReader in(out.bytes());
  for (const std::uint64_t n : unsigned_numbers) {
    EXPECT_EQ(in.Varint(), n);
    EXPECT_EQ(in.Fixed64(), n);
  }
  for (const std::int64_t n : signed_numbers) {
    EXPECT_EQ(in.Signed(), n);
  }
  EXPECT_EQ(in.Double(), -0.5);
  EXPECT_EQ(in.Float(), 1.25F);
  EXPECT_EQ(in.Text(), "");
  EXPECT_EQ(in.Text(), std::string_view("a\0b", 3));
  EXPECT_TRUE(in.Finish("x").ok());
}

TEST(ByteCodec, ReadingBeyondTheEndFailsForGood) {
  ByteReader in(
      "\x05"
      "ab");
  EXPECT_EQ(in.Text(), "");
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.Byte(), 0);
  EXPECT_EQ(in.Finish("x").code(), Code::kDataLoss);
}

TEST(ByteCodec, ImpossibleNumbersFail) {
  ByteReader endless("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF");
  endless.Varint();
  EXPECT_FALSE(endless.ok());
  ByteReader too_large("\xFF\xFF\xFF\xFF\x7F");
  too_large.Varint32();
  EXPECT_FALSE(too_large.ok());
  ByteReader left("\x01\x02");
  left.Byte();
  EXPECT_EQ(left.Finish("x").code(), Code::kDataLoss);
}

TEST(RecordCodec, EveryBodyComesBack) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    Maker make(seed);
    const Micros received = make.Time();
    const Event event = make.MakeEvent();
    const Item item = make.MakeItem();
    const User user = make.MakeUser();
    EXPECT_EQ(std::get<Event>(DecodeRecord(EncodeEvent(received, event)).value().body), event);
    EXPECT_EQ(std::get<Item>(DecodeRecord(EncodeItem(received, item)).value().body), item);
    EXPECT_EQ(std::get<User>(DecodeRecord(EncodeUser(received, user)).value().body), user);
    EXPECT_EQ(DecodeRecord(EncodeUser(received, user)).value().received, received);
    const Impression impression = make.MakeImpression();
    const std::string bytes = EncodeImpression({seed, received, impression});
    EXPECT_EQ(DecodeImpression(bytes).value().impression, impression);
    EXPECT_EQ(DecodeImpression(bytes).value().sequence, seed);
    EXPECT_EQ(ImpressionReceived(bytes).value(), received);
  }
}

TEST(RecordCodec, ImpressionsOfEarlierVersionsAreRead) {
  Maker make(7);
  Impression impression = make.MakeImpression();
  impression.rollout.clear();
  impression.arm.clear();
  impression.candidate.clear();
  for (ShownItem& item : impression.items) {
    item.team = Team::kNone;
  }
  std::string bytes = EncodeImpression({3, {9}, impression});
  ASSERT_EQ(bytes[0], 3);
  bytes[0] = 2;
  bytes.resize(bytes.size() - 1);  // an empty text
  EXPECT_EQ(DecodeImpression(bytes).value().impression, impression);
  bytes[0] = 1;
  bytes.resize(bytes.size() - 2);  // two
  const auto read = DecodeImpression(bytes);
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  EXPECT_EQ(read->impression, impression);
  EXPECT_EQ(read->sequence, 3U);
  EXPECT_EQ(ImpressionReceived(bytes).value().value, 9);
  bytes[0] = 4;
  EXPECT_EQ(DecodeImpression(bytes).status().code(), Code::kDataLoss);
  impression.candidate = "new:2";
  impression.items = {{"a", 1, "model:new", Team::kCandidate}};
  std::string drafted = EncodeImpression({3, {9}, impression});
  EXPECT_EQ(DecodeImpression(drafted).value().impression, impression);
  drafted.back() = static_cast<char>(kTeams);
  EXPECT_EQ(DecodeImpression(drafted).status().code(), Code::kDataLoss);
}

TEST(RecordCodec, DeletionsErasuresAndReferencesComeBack) {
  const auto deletion = DecodeRecord(EncodeDeletion({5}, {"item", {7}}));
  EXPECT_EQ(std::get<data::ItemDeletion>(deletion->body).id, "item");
  EXPECT_EQ(std::get<data::ItemDeletion>(deletion->body).ts.value, 7);
  const auto erasure = DecodeRecord(EncodeErasure({5}, {"user", {8}}));
  EXPECT_EQ(std::get<data::UserErasure>(erasure->body).subject, "user");
  const auto reference = DecodeRecord(EncodeImpressionRef({5}, "r"));
  EXPECT_EQ(std::get<ImpressionRef>(reference->body).request_id, "r");
}

TEST(RecordCodec, PersistedBytesStay) {
  Event event;
  event.event_id = "e";
  event.type = EventType::kPurchase;
  event.user_id = "u";
  event.items = {{"i", 2, 3, 0}};
  event.ts = {1};
  const std::string expected(
      "\x01\x00\x04\x06\x02\x03\x01"
      "e\x01u\x01\x01i\x03\x04\x00\x00\x00\x00\x00\x00\x08\x40",
      23);
  EXPECT_EQ(EncodeEvent({2}, event), expected);
}

TEST(RecordCodec, UnknownVersionsAndKindsAreTold) {
  std::string bytes = EncodeEvent({2}, Event());
  bytes[0] = 9;
  EXPECT_EQ(DecodeRecord(bytes).status().code(), Code::kDataLoss);
  bytes[0] = 1;
  bytes[1] = 77;
  EXPECT_EQ(DecodeRecord(bytes).status().code(), Code::kDataLoss);
  EXPECT_EQ(DecodeRecord("").status().code(), Code::kDataLoss);
}

TEST(SequenceKey, SortsByNumberAndComesBack) {
  EXPECT_LT(SequenceKey(255), SequenceKey(256));
  EXPECT_LT(SequenceKey(1), SequenceKey(UINT64_MAX));
  EXPECT_EQ(SequenceOfKey(SequenceKey(123456789)).value(), 123456789U);
  EXPECT_EQ(SequenceOfKey("short").status().code(), Code::kDataLoss);
}

TEST(SubjectIndex, EntriesComeBackAndSubjectsDoNotMix) {
  const SubjectEntry entry{"u", 7, SubjectEntryKind::kImpression, "r", {9}};
  const auto parsed =
      ParseSubjectEntry(SubjectKey(entry.subject, entry.sequence), EncodeSubjectValue(entry));
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed->subject, "u");
  EXPECT_EQ(parsed->sequence, 7U);
  EXPECT_EQ(parsed->kind, SubjectEntryKind::kImpression);
  EXPECT_EQ(parsed->request_id, "r");
  EXPECT_EQ(parsed->received.value, 9);
  EXPECT_FALSE(SubjectKey("ab", 1).starts_with(SubjectPrefix("a")));
}

TEST(SubjectStateCodec, EveryStateComesBack) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    Maker make(seed);
    const SubjectState state = make.MakeState();
    const auto again = SubjectState::Decode(state.Encode());
    ASSERT_TRUE(again.ok()) << seed;
    EXPECT_EQ(again->Encode(), state.Encode()) << seed;
    EXPECT_EQ(again->View().events, state.View().events) << seed;
    EXPECT_EQ(again->View().bought, state.View().bought) << seed;
    EXPECT_EQ(again->anonymous_ids(), state.anonymous_ids()) << seed;
  }
}

/// Decoding damaged bytes gives a value or kDataLoss; the sanitizers watch the rest.
TEST(Codecs, DamagedBytesAreToldOrHarmless) {
  int told = 0;
  for (unsigned seed = 0; seed < 4000; ++seed) {
    Maker make(seed);
    const Micros received = make.Time();
    const std::string record =
        make.Damage(make.Below(2) == 0 ? EncodeEvent(received, make.MakeEvent())
                                       : EncodeItem(received, make.MakeItem()));
    const std::string impression =
        make.Damage(EncodeImpression({1, received, make.MakeImpression()}));
    const std::string state = make.Damage(make.MakeState().Encode());
    const Status statuses[] = {
        DecodeRecord(record).status(), DecodeImpression(impression).status(),
        ImpressionReceived(impression).status(), SubjectState::Decode(state).status(),
        ParseSubjectEntry(make.Damage(SubjectKey("user", seed)), make.Damage("\x02r")).status()};
    for (const Status& status : statuses) {
      EXPECT_TRUE(status.ok() || status.code() == Code::kDataLoss) << status.ToString();
      told += status.ok() ? 0 : 1;
    }
    if (const auto decoded = SubjectState::Decode(state); decoded.ok()) {
      static_cast<void>(decoded->View());
      EXPECT_TRUE(SubjectState::Decode(decoded->Encode()).ok());
    }
  }
  EXPECT_GT(told, 10'000);  // the damage was real
}

TEST(Codecs, EveryShorterPrefixIsTold) {
  Maker make(3);
  const std::string record = EncodeItem({1}, make.MakeItem());
  for (std::size_t size = 0; size < record.size(); ++size) {
    EXPECT_EQ(DecodeRecord(record.substr(0, size)).status().code(), Code::kDataLoss) << size;
  }
  const std::string state = make.MakeState().Encode();
  for (std::size_t size = 0; size < state.size(); ++size) {
    EXPECT_EQ(SubjectState::Decode(state.substr(0, size)).status().code(), Code::kDataLoss) << size;
  }
}

}  // namespace
}  // namespace vitrine::adapters
