#include "transport/http/recommend_fields.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/nearest_name.h"
#include "serve/scene_json.h"
#include "transport/http/event_names.h"

namespace vitrine::http {
namespace {

constexpr std::int64_t kMaxAnswer = 10'000;  // more than any scene allows; the scene says its own
constexpr std::size_t kMaxHistory = 10'000;
constexpr std::size_t kMaxCandidates = 10'000;

// Member name -> what reads its value. A table a request, looked up per member.
using Members = std::map<std::string_view, std::function<bool(ondemand::value)>, std::less<>>;

bool ReadMembers(FieldReader& reader, ondemand::object body, const Members& members) {
  return reader.Members(body, [&](std::string_view key, ondemand::value value) {
    reader.Enter(key);
    const auto found = members.find(key);
    if (found == members.end()) {
      std::vector<std::string> known;
      for (const auto& [name, read] : members) {
        known.emplace_back(name);
      }
      return reader.Fail("unknown_field", "'" + std::string(key) + "' is not a field of this call" +
                                              DidYouMean(key, known) + ".");
    }
    return reader.IsNull(value) || found->second(value);
  });
}

bool ReadN(FieldReader& reader, ondemand::value value, std::size_t& n) {
  std::int64_t count = 0;
  if (!reader.Integer(value, count)) {
    return false;
  }
  if (count < 1 || count > kMaxAnswer) {
    return reader.Fail("out_of_range", "'n' must be 1 or more.");
  }
  n = static_cast<std::size_t>(count);
  return true;
}

bool ReadSwitch(FieldReader& reader, ondemand::value value, std::optional<bool>& out) {
  bool flag = false;
  if (!reader.Flag(value, flag)) {
    return false;
  }
  out = flag;
  return true;
}

bool ReadFilter(FieldReader& reader, ondemand::value value, serve::RequestFilter& filter) {
  const Members members = {
      {"exclude_bought", [&](auto v) { return ReadSwitch(reader, v, filter.exclude_bought); }},
      {"exclude_seen", [&](auto v) { return ReadSwitch(reader, v, filter.exclude_seen); }},
      {"exclude_hidden", [&](auto v) { return ReadSwitch(reader, v, filter.exclude_hidden); }},
      {"exclude_out_of_stock",
       [&](auto v) { return ReadSwitch(reader, v, filter.exclude_out_of_stock); }},
      {"exclude_unknown", [&](auto v) { return ReadSwitch(reader, v, filter.exclude_unknown); }},
      {"exclude", [&](auto v) { return reader.Ids(v, filter.exclude); }},
      {"include", [&](auto v) { return reader.Ids(v, filter.include); }},
      {"where",
       [&](ondemand::value v) {
         std::string_view text;
         ondemand::object object;
         if (v.get_object().get(object) != simdjson::SUCCESS ||
             object.raw_json().get(text) != simdjson::SUCCESS) {
           return reader.Fail("wrong_type", "'where' must be an object.");
         }
         auto predicate = serve::PredicateFromJson(text);
         if (!predicate.ok()) {
           return reader.Fail("bad_filter", predicate.status().message());
         }
         filter.where = std::move(predicate).value();
         return true;
       }},
  };
  ondemand::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) {
    return reader.Fail("wrong_type", "'filter' must be an object.");
  }
  return ReadMembers(reader, object, members);
}

// What the places of a history share a basket by.
struct BasketName {
  std::string name;
  bool given = false;
};

bool ReadSeen(FieldReader& reader, ondemand::value value, SeenEvent& event, BasketName& basket) {
  ondemand::json_type type{};
  if (value.type().get(type) == simdjson::SUCCESS && type != ondemand::json_type::object) {
    return reader.Id(value, event.item_id);
  }
  const auto read_basket = [&](ondemand::value v) {
    basket.given = true;
    return reader.Id(v, basket.name);
  };
  const Members members = {
      {"item_id", [&](auto v) { return reader.Id(v, event.item_id); }},
      {"ts",
       [&](auto v) {
         data::ParsedTime time;
         if (!reader.Time(v, time)) {
           return false;
         }
         event.ts = time.time;
         return true;
       }},
      {"type",
       [&](auto v) {
         std::string name;
         if (!reader.Text(v, name)) {
           return false;
         }
         const auto found = EventTypeOf(name);
         if (!found) {
           return reader.Fail("unknown_event", "'" + name + "' is not an event's name.");
         }
         event.type = *found;
         return true;
       }},
      {"basket", read_basket},
      {"order_id", read_basket},
  };
  ondemand::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) {
    return reader.Fail("wrong_type", "A place of 'history' is an item id or an object.");
  }
  return ReadMembers(reader, object, members);
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
  std::vector<BasketName> baskets;
  const bool read = reader.Array(value, [&](ondemand::value place) {
    if (history.size() == kMaxHistory) {
      return reader.Fail("too_many_items",
                         "'history' has at most " + std::to_string(kMaxHistory) + " places.");
    }
    reader.Enter("history");
    return ReadSeen(reader, place, history.emplace_back(), baskets.emplace_back());
  });
  if (!read) {
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
Members RecommendMembers(FieldReader& reader, serve::RecommendRequest& request) {
  return {
      {"scene", [&](auto v) { return reader.Text(v, request.scene); }},
      {"user_id", [&](auto v) { return reader.Id(v, request.user_id); }},
      {"anonymous_id", [&](auto v) { return reader.Id(v, request.anonymous_id); }},
      {"n", [&](auto v) { return ReadN(reader, v, request.n); }},
      {"filter", [&](auto v) { return ReadFilter(reader, v, request.filter); }},
      {"personalize", [&](auto v) { return reader.Flag(v, request.personalize); }},
      {"explain", [&](auto v) { return reader.Flag(v, request.explain); }},
      {"language", [&](auto v) { return reader.Text(v, request.language); }},
      {"context", [&](auto v) { return reader.Attributes(v, request.context); }},
      {"record", [&](auto v) { return reader.Flag(v, request.record); }},
      {"history", [&](auto v) { return ReadHistory(reader, v, request.history.emplace()); }},
      {"as_of",
       [&](auto v) {
         data::ParsedTime time;
         if (!reader.Time(v, time)) {
           return false;
         }
         request.as_of = time.time;
         return true;
       }},
  };
}

bool ReadShown(FieldReader& reader, ondemand::value value, ShownItem& item) {
  ondemand::json_type type{};
  if (value.type().get(type) == simdjson::SUCCESS && type != ondemand::json_type::object) {
    return reader.Id(value, item.item_id);
  }
  ondemand::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) {
    return reader.Fail("wrong_type", "A place of 'items' is an item id or an object.");
  }
  return ReadMembers(reader, object,
                     {{"item_id", [&](auto v) { return reader.Id(v, item.item_id); }},
                      {"score", [&](auto v) { return reader.Number(v, item.score); }},
                      {"source", [&](auto v) { return reader.Text(v, item.source); }}});
}

}  // namespace

bool ReadRecommend(FieldReader& reader, ondemand::object body, serve::RecommendRequest& request) {
  return ReadMembers(reader, body, RecommendMembers(reader, request));
}

bool ReadRank(FieldReader& reader, ondemand::object body, serve::RankRequest& request) {
  Members members = RecommendMembers(reader, request.request);
  const auto read_candidate = [&](ondemand::value value) {
    if (request.candidates.size() == kMaxCandidates) {
      return reader.Fail("too_many_items", "'candidates' has at most " +
                                               std::to_string(kMaxCandidates) + " entries.");
    }
    serve::Candidate& candidate = request.candidates.emplace_back();
    ondemand::json_type type{};
    if (value.type().get(type) == simdjson::SUCCESS && type != ondemand::json_type::object) {
      return reader.Id(value, candidate.item_id);
    }
    ondemand::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) {
      return reader.Fail("wrong_type", "A candidate is an item id or an object.");
    }
    return ReadMembers(reader, object,
                       {{"item_id", [&](auto v) { return reader.Id(v, candidate.item_id); }},
                        {"bid", [&](auto v) { return reader.Number(v, candidate.bid); }}});
  };
  members["candidates"] = [&](ondemand::value value) {
    request.candidates.clear();
    return reader.Array(value, read_candidate);
  };
  return ReadMembers(reader, body, members);
}

bool ReadSearch(FieldReader& reader, ondemand::object body, SearchRequest& request) {
  return ReadMembers(reader, body,
                     {{"query", [&](auto v) { return reader.Text(v, request.query); }},
                      {"scene", [&](auto v) { return reader.Text(v, request.scene); }},
                      {"user_id", [&](auto v) { return reader.Id(v, request.user_id); }},
                      {"anonymous_id", [&](auto v) { return reader.Id(v, request.anonymous_id); }},
                      {"n", [&](auto v) { return ReadN(reader, v, request.n); }},
                      {"filter", [&](auto v) { return ReadFilter(reader, v, request.filter); }},
                      {"personalize", [&](auto v) { return reader.Flag(v, request.personalize); }},
                      {"explain", [&](auto v) { return reader.Flag(v, request.explain); }},
                      {"language", [&](auto v) { return reader.Text(v, request.language); }},
                      {"context", [&](auto v) { return reader.Attributes(v, request.context); }}});
}

bool ReadImpression(FieldReader& reader, ondemand::object body, Impression& impression) {
  return ReadMembers(
      reader, body,
      {{"request_id", [&](auto v) { return reader.Id(v, impression.request_id); }},
       {"ts",
        [&](auto v) {
          data::ParsedTime time;
          if (!reader.Time(v, time)) {
            return false;
          }
          impression.ts = time.time;
          return true;
        }},
       {"user_id", [&](auto v) { return reader.Id(v, impression.subject); }},
       {"anonymous_id",
        [&](auto v) {
          std::string id;
          if (!reader.Id(v, id)) {
            return false;
          }
          impression.subject = impression.subject.empty() ? id : impression.subject;
          return true;
        }},
       {"scene", [&](auto v) { return reader.Text(v, impression.scene); }},
       {"model", [&](auto v) { return reader.Text(v, impression.model); }},
       {"query", [&](auto v) { return reader.Text(v, impression.query); }},
       {"history", [&](auto v) { return ReadHistory(reader, v, impression.history); }},
       {"items", [&](auto v) {
          return reader.Array(v, [&](ondemand::value place) {
            reader.Enter("items");
            return ReadShown(reader, place, impression.items.emplace_back());
          });
        }}});
}

}  // namespace vitrine::http
