#include "transport/http/recommend_fields.h"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/nearest_name.h"
#include "data/validate.h"
#include "serve/scene_json.h"
#include "transport/http/event_names.h"

namespace vitrine::http {
namespace {

constexpr std::int64_t kMaxAnswer = 10'000;  // more than any scene allows; the scene says its own
constexpr std::size_t kMaxHistory = 10'000;

// One member of an object: its name and what reads its value. Tables of them are made at compile time and
// looked through by name: they are short.
template <typename T>
struct Member {
  std::string_view name;
  bool (*read)(FieldReader& reader, ondemand::value value, T& out);
};

// Not deduced, so that an array of members is one.
template <typename T>
using Members = std::type_identity_t<std::span<const Member<T>>>;

template <typename T>
bool UnknownMember(FieldReader& reader, std::string_view key, Members<T> members,
                   std::string_view also) {
  std::vector<std::string> known;
  for (const Member<T>& member : members) {
    known.emplace_back(member.name);
  }
  if (!also.empty()) {
    known.emplace_back(also);
  }
  return reader.Fail("unknown_field", "'" + std::string(key) + "' is not a field of this call" +
                                          DidYouMean(key, known) + ".");
}

// `also`: a name that the caller reads itself.
template <typename T>
bool ReadMember(FieldReader& reader, std::string_view key, ondemand::value value,
                Members<T> members, T& out, std::string_view also = {}) {
  for (const Member<T>& member : members) {
    if (member.name == key) {
      return reader.IsNull(value) || member.read(reader, value, out);
    }
  }
  return UnknownMember<T>(reader, key, members, also);
}

template <typename T>
bool ReadMembers(FieldReader& reader, ondemand::object body, Members<T> members, T& out) {
  const auto read = [&](std::string_view key, ondemand::value value) {
    reader.Enter(key);
    return ReadMember(reader, key, value, members, out);
  };
  return reader.Members(body, std::ref(read));  // by reference: it would not fit into a function
}

/// An id that a row may have.
bool ReadRowId(FieldReader& reader, ondemand::value value, std::string_view name, std::string& id) {
  if (!reader.Id(value, id)) {
    return false;
  }
  const auto rejection = id.empty() ? std::nullopt : data::CheckId(name, id);
  return !rejection || reader.Fail(rejection->code, rejection->message);
}

bool ReadItemId(FieldReader& reader, ondemand::value value, std::string& id) {
  return ReadRowId(reader, value, "item_id", id) &&
         (!id.empty() || reader.Fail("missing_item", "An item_id has one byte at least."));
}

bool ReadItemIds(FieldReader& reader, ondemand::value value, std::vector<std::string>& ids) {
  ids.clear();
  return reader.Array(
      value, [&](ondemand::value one) { return ReadItemId(reader, one, ids.emplace_back()); });
}

bool ReadN(FieldReader& reader, ondemand::value value, std::string_view name, std::size_t& n) {
  std::int64_t count = 0;
  if (reader.Integer(value, count) && (count < 1 || count > kMaxAnswer)) {
    return reader.Fail("out_of_range", "'" + std::string(name) + "' must be 1 or more.");
  }
  n = static_cast<std::size_t>(count);
  return !reader.error();
}

bool ReadWhere(FieldReader& reader, ondemand::value value, serve::RequestFilter& filter) {
  std::string_view text;
  ondemand::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS ||
      object.raw_json().get(text) != simdjson::SUCCESS) {
    return reader.Fail("wrong_type", "'where' must be an object.");
  }
  auto predicate = serve::PredicateFromJson(text);
  if (!predicate.ok()) {
    return reader.Fail("bad_filter", predicate.status().message());
  }
  filter.where = std::move(predicate).value();
  return true;
}

template <std::optional<bool> serve::RequestFilter::* kSwitch>
bool ReadFilterSwitch(FieldReader& reader, ondemand::value value, serve::RequestFilter& filter) {
  bool flag = false;
  if (!reader.Flag(value, flag)) {
    return false;
  }
  filter.*kSwitch = flag;
  return true;
}

constexpr Member<serve::RequestFilter> kFilterMembers[] = {
    {"exclude", [](FieldReader& r, ondemand::value v,
                   serve::RequestFilter& f) { return ReadItemIds(r, v, f.exclude); }},
    {"exclude_bought", ReadFilterSwitch<&serve::RequestFilter::exclude_bought>},
    {"exclude_hidden", ReadFilterSwitch<&serve::RequestFilter::exclude_hidden>},
    {"exclude_out_of_stock", ReadFilterSwitch<&serve::RequestFilter::exclude_out_of_stock>},
    {"exclude_seen", ReadFilterSwitch<&serve::RequestFilter::exclude_seen>},
    {"exclude_unknown", ReadFilterSwitch<&serve::RequestFilter::exclude_unknown>},
    {"include", [](FieldReader& r, ondemand::value v,
                   serve::RequestFilter& f) { return ReadItemIds(r, v, f.include); }},
    {"where", ReadWhere},
};

bool ReadFilter(FieldReader& reader, ondemand::value value, serve::RequestFilter& filter) {
  ondemand::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) {
    return reader.Fail("wrong_type", "'filter' must be an object.");
  }
  return ReadMembers(reader, object, kFilterMembers, filter);
}

// What the places of a history share a basket by.
struct BasketName {
  std::string name;
  bool given = false;
};

struct Place {
  SeenEvent& event;
  BasketName& basket;
};

bool ReadMoment(FieldReader& reader, ondemand::value value, Micros& out) {
  data::ParsedTime time;
  if (!reader.Time(value, time)) {
    return false;
  }
  out = time.time;
  return true;
}

bool ReadType(FieldReader& reader, ondemand::value value, Place& place) {
  std::string name;
  if (!reader.Text(value, name)) {
    return false;
  }
  const auto found = EventTypeOf(name);
  if (!found) {
    return reader.Fail("unknown_event", "'" + name + "' is not an event's name.");
  }
  place.event.type = *found;
  return true;
}

bool ReadBasket(FieldReader& reader, ondemand::value value, Place& place) {
  place.basket.given = true;
  return ReadRowId(reader, value, "basket", place.basket.name);
}

constexpr Member<Place> kPlaceMembers[] = {
    {"basket", ReadBasket},
    {"item_id",
     [](FieldReader& r, ondemand::value v, Place& p) { return ReadItemId(r, v, p.event.item_id); }},
    {"order_id", ReadBasket},
    {"ts",
     [](FieldReader& r, ondemand::value v, Place& p) { return ReadMoment(r, v, p.event.ts); }},
    {"type", ReadType},
};

bool ReadSeen(FieldReader& reader, ondemand::value value, SeenEvent& event, BasketName& basket) {
  ondemand::json_type type{};
  if (value.type().get(type) == simdjson::SUCCESS && type != ondemand::json_type::object) {
    return ReadItemId(reader, value, event.item_id);
  }
  ondemand::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) {
    return reader.Fail("wrong_type", "A place of 'history' is an item id or an object.");
  }
  Place place{event, basket};
  return ReadMembers(reader, object, kPlaceMembers, place);
}

// Baskets are numbered as the log does it: events of one named basket share it, others do where
// they share a moment; without any time each place is its own.
void NumberBaskets(std::vector<SeenEvent>& history, const std::vector<BasketName>& names) {
  for (std::size_t i = 0; i < history.size(); ++i) {
    if (i == 0) {
      history[i].basket = 0;
      continue;
    }
    const bool named = names[i].given || names[i - 1].given;
    const bool same =
        named ? names[i].given && names[i - 1].given && names[i].name == names[i - 1].name
              : history[i].ts == history[i - 1].ts && history[i].ts.value != 0;
    history[i].basket = history[i - 1].basket + (same ? 0 : 1);
  }
}

bool ReadHistory(FieldReader& reader, ondemand::value value, std::vector<SeenEvent>& history) {
  history.clear();
  thread_local std::vector<BasketName> baskets;  // for its memory
  baskets.clear();
  const auto read = [&](ondemand::value place) {
    if (history.size() == kMaxHistory) {
      return reader.Fail("too_many_items",
                         "'history' has at most " + std::to_string(kMaxHistory) + " places.");
    }
    reader.Enter("history");
    return ReadSeen(reader, place, history.emplace_back(), baskets.emplace_back());
  };
  if (!reader.Array(value, std::ref(read))) {
    return false;
  }
  for (const SeenEvent& event : history) {
    if (event.item_id.empty()) {
      reader.Enter("history");
      return reader.Fail("missing_item", "A place of 'history' names no item_id.");
    }
  }
  NumberBaskets(history, baskets);
  return true;
}

// The members that recommend and rank share.
using Asked = serve::RecommendRequest;
constexpr Member<Asked> kRecommendMembers[] = {
    {"anonymous_id",
     [](FieldReader& r, ondemand::value v, Asked& a) { return r.Id(v, a.anonymous_id); }},
    {"as_of", [](FieldReader& r, ondemand::value v,
                 Asked& a) { return ReadMoment(r, v, a.as_of.emplace()); }},
    {"context",
     [](FieldReader& r, ondemand::value v, Asked& a) { return r.Attributes(v, a.context); }},
    {"explain", [](FieldReader& r, ondemand::value v, Asked& a) { return r.Flag(v, a.explain); }},
    {"filter",
     [](FieldReader& r, ondemand::value v, Asked& a) { return ReadFilter(r, v, a.filter); }},
    {"history", [](FieldReader& r, ondemand::value v,
                   Asked& a) { return ReadHistory(r, v, a.history.emplace()); }},
    {"language", [](FieldReader& r, ondemand::value v, Asked& a) { return r.Text(v, a.language); }},
    {"n", [](FieldReader& r, ondemand::value v, Asked& a) { return ReadN(r, v, "n", a.n); }},
    {"personalize",
     [](FieldReader& r, ondemand::value v, Asked& a) { return r.Flag(v, a.personalize); }},
    {"record", [](FieldReader& r, ondemand::value v, Asked& a) { return r.Flag(v, a.record); }},
    {"removed", [](FieldReader& r, ondemand::value v,
                   Asked& a) { return ReadN(r, v, "removed", a.absent.removed); }},
    {"scene", [](FieldReader& r, ondemand::value v, Asked& a) { return r.Text(v, a.scene); }},
    {"user_id", [](FieldReader& r, ondemand::value v, Asked& a) { return r.Id(v, a.user_id); }},
    {"why_not",
     [](FieldReader& r, ondemand::value v, Asked& a) { return ReadItemIds(r, v, a.absent.items); }},
};

constexpr Member<serve::Candidate> kCandidateMembers[] = {
    {"bid",
     [](FieldReader& r, ondemand::value v, serve::Candidate& c) { return r.Number(v, c.bid); }},
    {"item_id", [](FieldReader& r, ondemand::value v,
                   serve::Candidate& c) { return ReadItemId(r, v, c.item_id); }},
};

constexpr Member<SearchRequest> kSearchMembers[] = {
    {"anonymous_id",
     [](FieldReader& r, ondemand::value v, SearchRequest& s) { return r.Id(v, s.anonymous_id); }},
    {"context", [](FieldReader& r, ondemand::value v,
                   SearchRequest& s) { return r.Attributes(v, s.context); }},
    {"explain",
     [](FieldReader& r, ondemand::value v, SearchRequest& s) { return r.Flag(v, s.explain); }},
    {"filter", [](FieldReader& r, ondemand::value v,
                  SearchRequest& s) { return ReadFilter(r, v, s.filter); }},
    {"language",
     [](FieldReader& r, ondemand::value v, SearchRequest& s) { return r.Text(v, s.language); }},
    {"n",
     [](FieldReader& r, ondemand::value v, SearchRequest& s) { return ReadN(r, v, "n", s.n); }},
    {"personalize",
     [](FieldReader& r, ondemand::value v, SearchRequest& s) { return r.Flag(v, s.personalize); }},
    {"query",
     [](FieldReader& r, ondemand::value v, SearchRequest& s) { return r.Text(v, s.query); }},
    {"scene",
     [](FieldReader& r, ondemand::value v, SearchRequest& s) { return r.Text(v, s.scene); }},
    {"user_id",
     [](FieldReader& r, ondemand::value v, SearchRequest& s) { return r.Id(v, s.user_id); }},
};

constexpr Member<ShownItem> kShownMembers[] = {
    {"item_id",
     [](FieldReader& r, ondemand::value v, ShownItem& i) { return ReadItemId(r, v, i.item_id); }},
    {"score", [](FieldReader& r, ondemand::value v, ShownItem& i) { return r.Number(v, i.score); }},
    {"source", [](FieldReader& r, ondemand::value v, ShownItem& i) { return r.Text(v, i.source); }},
};

bool ReadShown(FieldReader& reader, ondemand::value value, ShownItem& item) {
  ondemand::json_type type{};
  if (value.type().get(type) == simdjson::SUCCESS && type != ondemand::json_type::object) {
    return ReadItemId(reader, value, item.item_id);
  }
  ondemand::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) {
    return reader.Fail("wrong_type", "A place of 'items' is an item id or an object.");
  }
  return ReadMembers(reader, object, kShownMembers, item);
}

bool ReadShownItems(FieldReader& reader, ondemand::value value, Impression& impression) {
  return reader.Array(value, [&](ondemand::value place) {
    reader.Enter("items");
    return ReadShown(reader, place, impression.items.emplace_back());
  });
}

bool ReadVisitor(FieldReader& reader, ondemand::value value, Impression& impression) {
  std::string id;
  if (!ReadRowId(reader, value, "anonymous_id", id)) {
    return false;
  }
  impression.subject = impression.subject.empty() ? id : impression.subject;
  return true;
}

constexpr Member<Impression> kImpressionMembers[] = {
    {"anonymous_id", ReadVisitor},
    {"history",
     [](FieldReader& r, ondemand::value v, Impression& i) { return ReadHistory(r, v, i.history); }},
    {"items", ReadShownItems},
    {"model", [](FieldReader& r, ondemand::value v, Impression& i) { return r.Text(v, i.model); }},
    {"query", [](FieldReader& r, ondemand::value v, Impression& i) { return r.Text(v, i.query); }},
    {"request_id",
     [](FieldReader& r, ondemand::value v, Impression& i) { return r.Id(v, i.request_id); }},
    {"scene", [](FieldReader& r, ondemand::value v, Impression& i) { return r.Text(v, i.scene); }},
    {"ts", [](FieldReader& r, ondemand::value v, Impression& i) { return ReadMoment(r, v, i.ts); }},
    {"user_id",
     [](FieldReader& r, ondemand::value v, Impression& i) { return r.Id(v, i.subject); }},
};

bool ReadCandidate(FieldReader& reader, ondemand::value value, serve::RankRequest& request) {
  if (request.candidates.size() == serve::kMostCandidates) {
    return reader.Fail("too_many_items", "'candidates' has at most " +
                                             std::to_string(serve::kMostCandidates) + " entries.");
  }
  serve::Candidate& candidate = request.candidates.emplace_back();
  ondemand::json_type type{};
  if (value.type().get(type) == simdjson::SUCCESS && type != ondemand::json_type::object) {
    return ReadItemId(reader, value, candidate.item_id);
  }
  ondemand::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) {
    return reader.Fail("wrong_type", "A candidate is an item id or an object.");
  }
  return ReadMembers(reader, object, kCandidateMembers, candidate);
}

}  // namespace

bool ReadRecommend(FieldReader& reader, ondemand::object body, serve::RecommendRequest& request) {
  return ReadMembers(reader, body, kRecommendMembers, request);
}

bool ReadRank(FieldReader& reader, ondemand::object body, serve::RankRequest& request) {
  constexpr std::string_view kCandidates = "candidates";
  const auto read = [&](std::string_view key, ondemand::value value) {
    reader.Enter(key);
    if (key != kCandidates) {
      return ReadMember(reader, key, value, kRecommendMembers, request.request, kCandidates);
    }
    request.candidates.clear();
    return reader.IsNull(value) || reader.Array(value, [&](ondemand::value candidate) {
      return ReadCandidate(reader, candidate, request);
    });
  };
  return reader.Members(body, std::ref(read));
}

bool ReadSearch(FieldReader& reader, ondemand::object body, SearchRequest& request) {
  return ReadMembers(reader, body, kSearchMembers, request);
}

bool ReadImpression(FieldReader& reader, ondemand::object body, Impression& impression) {
  return ReadMembers(reader, body, kImpressionMembers, impression);
}

}  // namespace vitrine::http
