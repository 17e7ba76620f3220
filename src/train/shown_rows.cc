#include "train/shown_rows.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <set>
#include <span>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "feedback/label_join.h"

namespace vitrine::train {
namespace {
using data::Interactions;
using evaluate::PlaceBias;
using evaluate::Protocol;
using feedback::Example;

constexpr double kMicrosPerMinute = 60.0 * kMicrosPerSecond;

/// The purchase window is its own, not the clicks'.
bool HasLongWindow(EventType type) {
  return type == EventType::kCart || type == EventType::kFavourite ||
         type == EventType::kPurchase || type == EventType::kShare || type == EventType::kRating;
}

/// Targets; and clicks where they are to tell places apart.
std::set<EventType> EventsThatFollow(const Protocol& protocol) {
  std::set<EventType> events = protocol.target_events;
  if (protocol.shown.position_bias != PlaceBias::kNone) {
    events.insert(EventType::kClick);
  }
  return events;
}

/// No answer waits for a window that none of the events has.
feedback::LabelOptions OptionsOf(const Protocol& protocol, Micros as_of) {
  const std::set<EventType> events = EventsThatFollow(protocol);
  const bool any_long = std::any_of(events.begin(), events.end(), HasLongWindow);
  const bool any_short = !std::all_of(events.begin(), events.end(), HasLongWindow);
  feedback::LabelOptions options;
  options.as_of = as_of;
  options.click_window.value =
      static_cast<std::int64_t>(protocol.shown.click_minutes * kMicrosPerMinute);
  options.purchase_window.value =
      static_cast<std::int64_t>(protocol.shown.purchase_hours * 60 * kMicrosPerMinute);
  if (!any_long) {
    options.purchase_window = options.click_window;
  } else if (!any_short) {
    options.click_window = options.purchase_window;
  }
  return options;
}

std::set<std::string> ScenesOf(const std::vector<Example>& examples) {
  std::set<std::string> scenes;
  for (const Example& example : examples) {
    scenes.insert("'" + example.scene + "'");
  }
  return scenes;
}

/// Examples of the protocol's scene, by time, request, place.
Result<std::vector<Example>> ExamplesOf(const Protocol& protocol, const data::ShownLog& log,
                                        ShownSummary& summary) {
  feedback::LabelResult joined = feedback::JoinLabels(log.records, OptionsOf(protocol, log.as_of));
  summary.unripe = joined.counts.answers - joined.counts.ripe;
  summary.unjoined = joined.counts.unjoined;
  summary.left_out = log.left_out;
  std::vector<Example> examples = std::move(joined.examples);
  if (examples.empty()) {
    return FailedPrecondition(fmt::format(
        "protocol '{}': none of {} answers is older than its label windows (click_minutes, "
        "purchase_hours) at the newest time of the snapshot, so that a click may still come; wait, "
        "or make them shorter",
        protocol.name, log.answers));
  }
  const std::string& scene = protocol.shown.scene;
  if (!scene.empty()) {
    const std::set<std::string> scenes = ScenesOf(examples);
    std::erase_if(examples, [&scene](const Example& example) { return example.scene != scene; });
    if (examples.empty()) {
      return FailedPrecondition(
          fmt::format("protocol '{}': scene: no answer with closed label windows is of '{}'; there "
                      "are answers of {}",
                      protocol.name, scene, fmt::join(scenes, ", ")));
    }
  }
  summary.scenes = ScenesOf(examples).size();
  std::stable_sort(examples.begin(), examples.end(), [](const Example& a, const Example& b) {
    return std::tie(a.ts.value, a.request_id, a.position) <
           std::tie(b.ts.value, b.request_id, b.position);
  });
  return examples;
}

bool OfOneAnswer(const Example& a, const Example& b) {
  return a.ts == b.ts && a.request_id == b.request_id;
}

/// Ids that only answers have get numbers too; `items` stays sorted.
void AddShownItems(const std::vector<Example>& examples, Interactions& log) {
  std::vector<std::string> all = log.items;
  for (const Example& example : examples) {
    if (!std::binary_search(log.items.begin(), log.items.end(), example.item_id)) {
      all.push_back(example.item_id);
    }
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  std::vector<std::uint32_t> moved;
  moved.reserve(log.items.size());
  for (std::size_t old = 0, now = 0; old < log.items.size(); ++now) {
    if (all[now] == log.items[old]) {
      moved.push_back(static_cast<std::uint32_t>(now));
      ++old;
    }
  }
  for (std::uint32_t& item : log.item) {
    item = moved[item];
  }
  log.items = std::move(all);
}

std::uint32_t PlaceOf(const std::vector<std::string>& sorted, const std::string& id) {
  return static_cast<std::uint32_t>(std::lower_bound(sorted.begin(), sorted.end(), id) -
                                    sorted.begin());
}

/// Who is known from answers alone, sorted.
std::vector<std::string> OthersIn(const std::vector<Example>& examples, const Interactions& log) {
  std::set<std::string> others;
  for (const Example& example : examples) {
    if (!example.subject.empty() &&
        !std::binary_search(log.users.begin(), log.users.end(), example.subject)) {
      others.insert(example.subject);
    }
  }
  return {others.begin(), others.end()};
}

/// Rows of the examples; answers to nobody in particular get a user each, behind all others.
std::vector<evaluate::ShownRow> RowsOf(const std::vector<Example>& examples,
                                       const Protocol& protocol, const Interactions& log,
                                       const std::vector<std::string>& others,
                                       data::UserTable& users) {
  std::vector<evaluate::ShownRow> rows;
  rows.reserve(examples.size());
  for (std::size_t i = 0; i < examples.size(); ++i) {
    const Example& example = examples[i];
    const bool first = i == 0 || !OfOneAnswer(examples[i - 1], example);
    evaluate::ShownRow row;
    row.answer = first ? (i == 0 ? 0 : rows.back().answer + 1) : rows.back().answer;
    row.item = PlaceOf(log.items, example.item_id);
    row.ts = example.ts;
    row.label = feedback::IsLabelled(example, protocol.target_events) ? 1 : 0;
    if (example.subject.empty()) {
      if (first) {
        users.rows.emplace_back();
      }
      row.user = static_cast<std::uint32_t>(users.rows.size() - 1);
    } else {
      row.user = PlaceOf(log.users, example.subject);
      if (row.user >= log.users.size() || log.users[row.user] != example.subject) {
        row.user = static_cast<std::uint32_t>(log.users.size()) + PlaceOf(others, example.subject);
      }
    }
    rows.push_back(row);
  }
  return rows;
}

feedback::BiasContext ContextOf(PlaceBias bias) {
  return bias == PlaceBias::kItem         ? feedback::BiasContext::kItem
         : bias == PlaceBias::kRandomised ? feedback::BiasContext::kRandomised
                                          : feedback::BiasContext::kShopperItem;
}

/// Weights of all rows by what the training part's clicks say of places. Takes `clicked` of the examples for
/// what is hoped for.
Status WeighRows(std::vector<Example>& examples, const evaluate::LabelledSet& set,
                 const Protocol& protocol, RankerMaterial& material, ShownSummary& summary) {
  const std::size_t training = set.CountOf(evaluate::Part::kTraining);  // the oldest rows
  std::int32_t places = 2;
  for (std::size_t i = 0; i < training; ++i) {
    places = std::max(places, std::min(examples[i].position + 1, 100));
  }
  const auto bias = feedback::EstimatePositionBias(
      std::span(examples).first(training),
      {.context = ContextOf(protocol.shown.position_bias), .places = places});
  if (!bias.ok()) {
    return bias.status().WithContext(
        fmt::format("protocol '{}': position_bias = \"{}\" (\"none\" weighs nothing)",
                    protocol.name, evaluate::PlaceBiasName(protocol.shown.position_bias)));
  }
  for (std::size_t i = 0; i < examples.size(); ++i) {
    examples[i].clicked = set.rows[i].label > 0;
  }
  const double clip = protocol.shown.position_clip;
  const feedback::PropensityWeights fitted =
      feedback::WeighByPropensity(std::span(examples).first(training), *bias, clip);
  material.weights = feedback::WeighByPropensity(examples, *bias, clip).weights;
  summary.places = bias->places;
  summary.effective = fitted.effective;
  summary.clipped = fitted.clipped;
  for (std::size_t i = 0; i < training; ++i) {
    summary.weighed += set.rows[i].label;
  }
  return Status::Ok();
}

void Report(const Progress& progress, std::string stage, std::string detail) {
  progress.report(
      {.stage = std::move(stage), .done = 0, .total = 0, .unit = "", .detail = std::move(detail)});
}

void Tell(const ShownSummary& s, const Progress& progress) {
  Report(
      progress, "shown",
      fmt::format("{} rows of {} answers, {:.2f} % of them positive; {} answers are not ripe, {} "
                  "labels belong to no answer",
                  s.rows, s.answers,
                  100.0 * static_cast<double>(s.positives) / static_cast<double>(s.rows), s.unripe,
                  s.unjoined));
  if (s.places.empty()) {
    return;
  }
  if (s.scenes > 1) {
    Report(progress, "places",
           fmt::format("{} scenes share one curve; name a scene where their lists look different",
                       s.scenes));
  }
  std::string looked;
  for (std::size_t p = 0; p < s.places.size(); ++p) {
    if (s.places[p].known) {
      looked +=
          fmt::format("{}{}: {:.2f}", looked.empty() ? "" : ", ", p + 1, s.places[p].relative);
    }
  }
  Report(
      progress, "places",
      fmt::format("looked at, beside the first: {}; {} weighed positives are worth {:.0f}, {} were "
                  "clipped",
                  looked, s.weighed, s.effective, s.clipped));
}
}  // namespace

Result<RankerMaterial> ReadShownMaterial(const std::string& snapshot_dir, const Protocol& protocol,
                                         data::SnapshotReader& reader,
                                         data::ShownReader& shown_reader,
                                         const Progress& progress) {
  RETURN_IF_ERROR(evaluate::CheckProtocol(protocol));
  RankerMaterial material;
  material.protocol = protocol;
  Interactions& log = material.interactions;
  ASSIGN_OR_RETURN(log, reader.ReadInteractions(snapshot_dir, protocol.events, progress));
  ShownSummary summary;
  std::vector<Example> examples;
  {
    ASSIGN_OR_RETURN(const data::ShownLog shown,
                     shown_reader.ReadShown(snapshot_dir, EventsThatFollow(protocol), progress));
    ASSIGN_OR_RETURN(examples, ExamplesOf(protocol, shown, summary));
  }
  if (progress.cancelled()) {
    return Cancelled("cancelled while answers were joined with what followed");
  }
  AddShownItems(examples, log);
  ASSIGN_OR_RETURN(material.items, reader.ReadItems(snapshot_dir, log));
  ASSIGN_OR_RETURN(data::UserTable users, reader.ReadUsers(snapshot_dir, log));
  Interactions others;
  others.users = OthersIn(examples, log);
  ASSIGN_OR_RETURN(data::UserTable more, reader.ReadUsers(snapshot_dir, others));
  std::move(more.rows.begin(), more.rows.end(), std::back_inserter(users.rows));
  const std::vector<evaluate::ShownRow> rows = RowsOf(examples, protocol, log, others.users, users);
  ASSIGN_OR_RETURN(material.set,
                   evaluate::MakeShownSet(log, material.items, users, rows, protocol));
  summary.answers = rows.back().answer + 1;
  summary.rows = rows.size();
  for (const evaluate::ShownRow& row : rows) {
    summary.positives += row.label;
  }
  if (protocol.shown.position_bias != PlaceBias::kNone) {
    RETURN_IF_ERROR(WeighRows(examples, material.set, protocol, material, summary));
  }
  Tell(summary, progress);
  material.shown = std::move(summary);
  return material;
}

std::string ShownSummaryToJson(const ShownSummary& s) {
  nlohmann::ordered_json json = {
      {"answers", s.answers},
      {"unripe_answers", s.unripe},
      {"scenes", s.scenes},
      {"rows", s.rows},
      {"positives", s.positives},
      {"share_of_positives",
       s.rows == 0 ? 0 : static_cast<double>(s.positives) / static_cast<double>(s.rows)},
      {"unjoined_labels", s.unjoined},
      {"places_left_out", s.left_out}};
  if (!s.places.empty()) {
    nlohmann::ordered_json places = nlohmann::ordered_json::array();
    for (std::size_t p = 0; p < s.places.size(); ++p) {
      const feedback::PlaceExamination& place = s.places[p];
      nlohmann::ordered_json line = {
          {"place", p}, {"shown", place.shown}, {"clicks", place.clicks}};
      if (place.known) {
        line["examined"] = place.relative;
        line["low"] = place.low;
        line["high"] = place.high;
      }
      places.push_back(std::move(line));
    }
    json["examination"] = std::move(places);
    json["weighed_positives"] = s.weighed;
    json["effective_positives"] = s.effective;
    json["clipped"] = s.clipped;
  }
  return json.dump();
}

}  // namespace vitrine::train
