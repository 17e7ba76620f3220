// Attribution across a restart.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "monitor/attribution.h"

namespace vitrine::monitor {
namespace {

using nlohmann::json;

json OfCounts(const QualityCounts& counts) {
  json labels = json::array();
  for (const QualityCounts::OfLabel& l : counts.labels) {
    labels.push_back({l.answers, l.hit_answers, l.places, l.missed, l.recall, l.ndcg});
  }
  return {counts.answers, counts.mature, counts.shown, counts.clicks, labels};
}

/// `same_ks`: false where the cut-offs have changed since; the labels' sums then start anew.
QualityCounts CountsOf(const json& j, std::size_t ks, bool same_ks) {
  QualityCounts counts;
  counts.answers = j.at(0).get<std::uint64_t>();
  counts.mature = j.at(1).get<std::uint64_t>();
  counts.shown = j.at(2).get<std::uint64_t>();
  counts.clicks = j.at(3).get<std::uint64_t>();
  for (std::size_t l = 0; l < kLabels; ++l) {
    counts.labels[l].recall.resize(ks);
    counts.labels[l].ndcg.resize(ks);
    if (!same_ks) {
      continue;
    }
    const json& label = j.at(4).at(l);
    counts.labels[l] = {
        label.at(0).get<std::uint64_t>(),       label.at(1).get<std::uint64_t>(),
        label.at(2).get<std::uint64_t>(),       label.at(3).get<std::uint64_t>(),
        label.at(4).get<std::vector<double>>(), label.at(5).get<std::vector<double>>()};
  }
  return counts;
}

}  // namespace

json Attribution::Save() const {
  json rows = json::object();
  for (const auto& [key, counts] : rows_) {
    rows[key] = OfCounts(counts);
  }
  json joins = json::array();
  for (const JoinCounts& c : joins_) {
    joins.push_back({c.events, c.by_request, c.by_subject, c.orphans, c.unshown, c.unjoined});
  }
  json waiting = json::array();
  for (const Answer& a : waiting_) {
    json labels = json::array();
    for (const LabelState& state : a.labels) {
      labels.push_back({state.places, state.missed});
    }
    waiting.push_back({a.request, a.subject, a.ts.value, a.row, a.items, labels});
  }
  return {{"ks", options_.ks},       {"rows", rows},
          {"joins", joins},          {"waiting", waiting},
          {"forgotten", forgotten_}, {"watermark", watermark_.value}};
}

Status Attribution::Load(const json& saved) {
  try {
    Attribution read(options_);
    const bool same_ks = saved.at("ks").get<std::vector<int>>() == options_.ks;
    for (const auto& [key, counts] : saved.at("rows").items()) {
      read.rows_[key] = CountsOf(counts, options_.ks.size(), same_ks);
    }
    const json& joins = saved.at("joins");
    for (std::size_t t = 0; t < read.joins_.size() && t < joins.size(); ++t) {
      const auto n = joins[t].get<std::array<std::uint64_t, 6>>();
      read.joins_[t] = {n[0], n[1], n[2], n[3], n[4], n[5]};
    }
    for (const json& a : saved.at("waiting")) {
      Answer answer;
      answer.request = a.at(0).get<std::uint64_t>();
      answer.subject = a.at(1).get<std::uint64_t>();
      answer.ts = Micros{a.at(2).get<std::int64_t>()};
      answer.row = a.at(3).get<std::string>();
      answer.items = a.at(4).get<std::vector<std::uint64_t>>();
      if (answer.items.size() > kMostPlaces || !read.rows_.contains(answer.row)) {
        return InvalidArgument("the saved monitor state is broken: an answer without its row");
      }
      for (std::size_t l = 0; l < kLabels && same_ks; ++l) {
        answer.labels[l] = {a.at(5).at(l).at(0).get<std::uint64_t>(),
                            a.at(5).at(l).at(1).get<std::vector<std::uint64_t>>()};
      }
      read.Index(answer, read.waiting_.size());
      read.waiting_.push_back(std::move(answer));
    }
    read.forgotten_ = saved.at("forgotten").get<std::uint64_t>();
    read.watermark_ = Micros{saved.at("watermark").get<std::int64_t>()};
    *this = std::move(read);
    return Status::Ok();
  } catch (const json::exception& e) {
    return InvalidArgument(fmt::format("the saved monitor state is broken: {}", e.what()));
  }
}

}  // namespace vitrine::monitor
