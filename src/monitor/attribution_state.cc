// Attribution across a restart.
#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "monitor/attribution.h"
#include "monitor/json_view.h"

namespace vitrine::monitor {
namespace {

using nlohmann::json;

json OfGroups(const QualityCounts& counts) {
  json groups = json::array();
  for (const ShopperGroup& group : counts.groups) {
    groups.push_back(group.answers);
    groups.push_back(group.clicked);
    groups.push_back(group.bought);
  }
  return groups;
}

}  // namespace

json QualityCountsToJson(const QualityCounts& counts) {
  json labels = json::array();
  for (const QualityCounts::OfLabel& l : counts.labels) {
    labels.push_back(
        {l.answers, l.hit_answers, l.places, l.missed, l.recall, l.ndcg, l.reciprocal});
  }
  return {counts.answers, counts.mature, counts.shown, counts.clicks, labels, OfGroups(counts)};
}

template <typename Json>
QualityCounts QualityCountsFromJson(const Json& j, std::size_t ks, bool same_ks) {
  QualityCounts counts;
  counts.answers = j.at(0).template get<std::uint64_t>();
  counts.mature = j.at(1).template get<std::uint64_t>();
  counts.shown = j.at(2).template get<std::uint64_t>();
  counts.clicks = j.at(3).template get<std::uint64_t>();
  for (std::size_t l = 0; l < kLabels; ++l) {
    counts.labels[l].recall.resize(ks);
    counts.labels[l].ndcg.resize(ks);
    if (!same_ks) {
      continue;
    }
    const Json& label = j.at(4).at(l);
    counts.labels[l] = {
        label.at(0).template get<std::uint64_t>(),
        label.at(1).template get<std::uint64_t>(),
        label.at(2).template get<std::uint64_t>(),
        label.at(3).template get<std::uint64_t>(),
        label.at(4).template get<std::vector<double>>(),
        label.at(5).template get<std::vector<double>>(),
        label.size() > 6 ? label.at(6).template get<double>() : 0};  // hours of before have none
    if (counts.labels[l].recall.size() != ks || counts.labels[l].ndcg.size() != ks) {
      throw json::other_error::create(501, "sums of other cut-offs", nullptr);
    }
  }
  if (same_ks) {
    const auto groups = j.at(5).template get<std::array<std::uint32_t, 3 * kShopperGroups>>();
    for (std::size_t g = 0; g < kShopperGroups; ++g) {
      counts.groups[g] = {groups[3 * g], groups[3 * g + 1], groups[3 * g + 2]};
    }
  }
  return counts;
}

template QualityCounts QualityCountsFromJson(const json&, std::size_t, bool);
template QualityCounts QualityCountsFromJson(const JsonView&, std::size_t, bool);

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

/// Two hexadecimal digits a place.
void AppendHex(const AnswerScores& scores, std::string& text) {
  for (std::size_t place = 0; place < scores.places; ++place) {
    text += kHexDigits[scores.bins[place] >> 4U];
    text += kHexDigits[scores.bins[place] & 15U];
  }
}

AnswerScores ScoresOf(std::uint32_t series, std::string_view text) {
  AnswerScores scores;
  scores.series = series;
  const std::size_t places = std::min(text.size() / 2, kMostPlaces);
  for (std::size_t place = 0; place < places; ++place) {
    const char* at = text.data() + 2 * place;
    if (std::from_chars(at, at + 2, scores.bins[place], 16).ec != std::errc()) {
      throw json::other_error::create(501, "bins that are no hexadecimal numbers", nullptr);
    }
  }
  scores.places = static_cast<std::uint8_t>(places);
  return scores;
}

json OfHours(const std::map<HourRow, QualityCounts>& hours) {
  json out = json::array();
  for (const auto& [key, counts] : hours) {
    out.push_back({key.first, key.second, QualityCountsToJson(counts)});
  }
  return out;
}

std::map<HourRow, QualityCounts> HoursOf(const json& j, std::size_t ks, bool same_ks) {
  std::map<HourRow, QualityCounts> hours;
  for (const json& row : j) {
    hours[{row.at(0).get<std::int64_t>(), row.at(1).get<std::string>()}] =
        QualityCountsFromJson(row.at(2), ks, same_ks);
  }
  return hours;
}

/// A string of 16 hexadecimal digits a hash: a tenth of the time that decimal numbers take.
void AppendHashes(const std::vector<std::uint64_t>& hashes, std::string& text) {
  std::size_t at = text.size() + 1;
  text.resize(at + 16 * hashes.size() + 1, '"');
  text[at - 1] = '"';
  for (const std::uint64_t hash : hashes) {
    for (int shift = 60; shift >= 0; shift -= 4) {
      text[at++] = kHexDigits[(hash >> static_cast<unsigned>(shift)) & 15U];
    }
  }
}

/// States of before have an array of numbers.
std::vector<std::uint64_t> HashesOf(const json& j) {
  if (j.is_array()) {
    return j.get<std::vector<std::uint64_t>>();
  }
  const auto& text = j.get_ref<const std::string&>();
  std::vector<std::uint64_t> hashes(text.size() / 16);
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    const char* at = text.data() + 16 * i;
    const auto [end, error] = std::from_chars(at, at + 16, hashes[i], 16);
    if (error != std::errc() || end != at + 16) {
      throw json::other_error::create(501, "hashes that are no hexadecimal numbers", nullptr);
    }
  }
  return hashes;
}

}  // namespace

void Attribution::AppendAnswer(const Answer& answer, std::string_view row, std::string& text) {
  const auto out = std::back_inserter(text);
  fmt::format_to(out, FMT_COMPILE("[{},{},{},{},"), answer.request, answer.subject, answer.ts.value,
                 row);
  AppendHashes(answer.items, text);
  text += ",[";
  for (const LabelState& state : answer.labels) {
    fmt::format_to(out, FMT_COMPILE("{}[{},"), &state == answer.labels.data() ? "" : ",",
                   state.places);
    AppendHashes(state.missed, text);
    text += ']';
  }
  fmt::format_to(out, FMT_COMPILE("],{},{},{},{},\""), answer.hour, answer.group,
                 answer.in_hour != nullptr ? "true" : "false", answer.scores.series);
  AppendHex(answer.scores, text);
  fmt::format_to(out, FMT_COMPILE("\",{},{},{},{}]"), answer.scores.known ? "true" : "false",
                 answer.scores.expected, answer.visitor, answer.outcomes_row);
}

std::string Attribution::Save() const {
  json rows = json::object();
  for (const auto& [key, counts] : rows_) {
    rows[key] = QualityCountsToJson(counts);
  }
  json joins = json::array();
  for (const JoinCounts& c : joins_) {
    joins.push_back({c.events, c.by_request, c.by_subject, c.orphans, c.unshown, c.unjoined});
  }
  json told = json::array();
  for (const std::uint64_t next : told_) {
    told.push_back(std::max(next, first_) - first_);
  }
  const json rest = {{"ks", options_.ks},
                     {"rows", rows},
                     {"joins", joins},
                     {"forgotten", forgotten_},
                     {"watermark", watermark_.value},
                     {"hours", OfHours(hours_)},
                     {"final_hours", OfHours(final_hours_)},
                     {"lost_hours", lost_hours_},
                     {"final_before", final_before_},
                     {"told", told},
                     {"estimates", estimates_.Save()},
                     {"outcomes", outcomes_.Save()},
                     {"behaviour", behaviour_.Save()}};
  std::string text = rest.dump(-1, ' ', false, json::error_handler_t::replace);
  text.pop_back();  // its brace: what waits comes behind
  text += R"(,"waiting":[)";
  std::string row;
  const Row* row_of = nullptr;
  for (const Answer& answer : waiting_) {
    if (row_of != answer.row) {
      row = json(answer.row->first).dump(-1, ' ', false, json::error_handler_t::replace);
      row_of = answer.row;
    }
    text += &answer == &waiting_.front() ? "" : ",";
    AppendAnswer(answer, row, text);
  }
  return text + "]}";
}

Status Attribution::Load(const json& saved) {
  try {
    Attribution read(options_);
    const bool same_ks = saved.at("ks").get<std::vector<int>>() == options_.ks;
    for (const auto& [key, counts] : saved.at("rows").items()) {
      read.rows_[key] = QualityCountsFromJson(counts, options_.ks.size(), same_ks);
    }
    const json& joins = saved.at("joins");
    for (std::size_t t = 0; t < read.joins_.size() && t < joins.size(); ++t) {
      const auto n = joins[t].get<std::array<std::uint64_t, 6>>();
      read.joins_[t] = {n[0], n[1], n[2], n[3], n[4], n[5]};
    }
    read.hours_ = HoursOf(saved.at("hours"), options_.ks.size(), same_ks);
    for (const json& a : saved.at("waiting")) {
      Answer answer;
      answer.request = a.at(0).get<std::uint64_t>();
      answer.subject = a.at(1).get<std::uint64_t>();
      answer.ts = Micros{a.at(2).get<std::int64_t>()};
      const auto row = read.rows_.find(a.at(3).get<std::string>());
      answer.items = HashesOf(a.at(4));
      if (answer.items.size() > kMostPlaces || row == read.rows_.end()) {
        return InvalidArgument("the saved monitor state is broken: an answer without its row");
      }
      answer.row = &*row;
      for (std::size_t l = 0; l < kLabels && same_ks; ++l) {
        answer.labels[l] = {a.at(5).at(l).at(0).get<std::uint64_t>(),
                            HashesOf(a.at(5).at(l).at(1))};
      }
      answer.hour = a.at(6).get<std::int64_t>();
      answer.group = a.at(7).get<std::size_t>() % kShopperGroups;
      if (a.at(8).get<bool>()) {
        const auto hour = read.hours_.find({answer.hour, answer.row->first});
        answer.in_hour = hour == read.hours_.end() ? nullptr : &hour->second;
      }
      if (a.size() > 14 && same_ks) {
        answer.scores = ScoresOf(a.at(9).get<std::uint32_t>(), a.at(10).get<std::string>());
        answer.scores.known = a.at(11).get<bool>();
        answer.scores.expected = a.at(12).get<double>();
        answer.visitor = a.at(13).get<std::uint64_t>();
        answer.outcomes_row = a.at(14).get<std::uint16_t>();
      }
      read.Index(answer, read.waiting_.size());
      read.waiting_.push_back(std::move(answer));
    }
    read.forgotten_ = saved.at("forgotten").get<std::uint64_t>();
    read.watermark_ = Micros{saved.at("watermark").get<std::int64_t>()};
    read.final_hours_ = HoursOf(saved.at("final_hours"), options_.ks.size(), same_ks);
    read.lost_hours_ = saved.at("lost_hours").get<std::uint64_t>();
    read.final_before_ = saved.at("final_before").get<std::int64_t>();
    // A state of before there were estimates, or of other cut-offs: they begin anew.
    if (saved.contains("estimates") && same_ks) {
      read.estimates_.Load(saved.at("estimates"));
      read.outcomes_.Load(saved.at("outcomes"));
      read.behaviour_.Load(saved.at("behaviour"));
      read.told_ = saved.at("told").get<std::array<std::uint64_t, kLabels>>();
    }
    *this = std::move(read);
    return Status::Ok();
  } catch (const json::exception& e) {
    return InvalidArgument(fmt::format("the saved monitor state is broken: {}", e.what()));
  }
}

}  // namespace vitrine::monitor
