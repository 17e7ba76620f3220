#include "train/training_set.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "data/histories.h"

namespace vitrine::train {
namespace {
std::string JoinEvents(const std::set<EventType>& events) {
  std::vector<std::string_view> names;
  for (const EventType type : events) {
    names.push_back(EventName(type));
  }
  return fmt::format("{}", fmt::join(names, ","));
}

bool IsHistoryFeature(const data::FeatureDef& def) { return def.op.starts_with("history_"); }

bool CountsByTime(const std::vector<data::FeatureDef>& defs) {
  return std::any_of(defs.begin(), defs.end(),
                     [](const data::FeatureDef& def) { return def.op.ends_with("_asof"); });
}

std::vector<bool> RowsFor(const Material& material, const TrainSpec& spec,
                          evaluate::FitFor purpose) {
  std::vector<bool> fitted =
      evaluate::FittedRows(material.interactions, material.split, material.protocol, purpose);
  if (!spec.events.empty()) {
    for (std::size_t r = 0; r < fitted.size(); ++r) {
      fitted[r] = fitted[r] && spec.events.contains(material.interactions.type[r]);
    }
  }
  return fitted;
}

void FillSequences(const data::Interactions& rows, const std::vector<bool>& fitted,
                   TrainingSet& set) {
  set.sequences.width = set.vocabulary.width();
  set.sequences.ordinal_time = rows.ordinal_time;
  set.sequences.users.resize(rows.users.size());
  for (std::size_t u = 0; u < rows.users.size(); ++u) {
    History& history = set.sequences.users[u];
    const auto begin = fitted.begin() + static_cast<std::ptrdiff_t>(rows.user_begin[u]);
    const auto end = fitted.begin() + static_cast<std::ptrdiff_t>(rows.user_begin[u + 1]);
    history.reserve(static_cast<std::size_t>(std::count(begin, end, true)));
    for (std::size_t r = rows.user_begin[u]; r < rows.user_begin[u + 1]; ++r) {
      if (!fitted[r]) {
        continue;
      }
      history.push_back({set.index[rows.item[r]], rows.ts[r], rows.type[r], rows.basket[r]});
      set.from = set.rows == 0 ? rows.ts[r] : std::min(set.from, rows.ts[r]);
      set.to = set.rows == 0 ? rows.ts[r] : std::max(set.to, rows.ts[r]);
      ++set.rows;
    }
  }
}
/// Errors: kFailedPrecondition (examples age, and there are no times), kInvalidArgument (none weighs anything).
Status FillWeights(const ExampleWeights& weights, TrainingSet& set) {
  if (weights.plain()) {
    return Status::Ok();
  }
  if (weights.half_life_days > 0 && set.sequences.ordinal_time) {
    return FailedPrecondition(
        "half_life_days needs times, and this snapshot has only an order (ts = sequence); take it "
        "out of the train spec");
  }
  bool any = false;
  for (const History& history : set.sequences.users) {
    set.sequences.weights.push_back(WeightsOf(history, weights, set.to));
    const std::vector<float>& own = set.sequences.weights.back();
    any = any || std::any_of(own.begin(), own.end(), [](float weight) { return weight > 0; });
  }
  if (!any) {
    return InvalidArgument(fmt::format(
        "the train spec's weights leave nothing to learn from: each of the {} rows weighs 0",
        set.rows));
  }
  return Status::Ok();
}

/// What the catalogue says of the vocabulary.
void FillItems(const data::ItemTable& table, TrainingSet& set) {
  set.sequences.items.assign(set.vocabulary.width(), nullptr);
  for (std::size_t item = 0; item < table.rows.size() && item < set.index.size(); ++item) {
    if (set.index[item] >= kFirstItem) {
      set.sequences.items[set.index[item]] = &table.rows[item];
    }
  }
}
}  // namespace

std::vector<data::FeatureDef> FeaturesOf(const TrainSpec& spec, const evaluate::Protocol& protocol,
                                         std::vector<data::FeatureDef> model_features) {
  std::vector<data::FeatureDef> features = std::move(model_features);
  for (const data::FeatureDef& def : spec.features) {
    const auto same = std::find_if(features.begin(), features.end(),
                                   [&](const data::FeatureDef& f) { return f.name == def.name; });
    if (same != features.end()) {
      *same = def;
    } else {
      features.push_back(def);
    }
  }
  const std::set<EventType>& events = spec.events.empty() ? protocol.events : spec.events;
  for (data::FeatureDef& def : features) {
    if (!IsHistoryFeature(def)) {
      continue;
    }
    if (!events.empty()) {
      def.options.try_emplace("events", JoinEvents(events));
    }
    if (protocol.distinct_in_basket) {
      def.options["distinct"] = "true";
    }
  }
  return features;
}

Result<std::set<EventType>> EventsOf(const TrainSpec& spec, const evaluate::Protocol& protocol) {
  const std::set<EventType>& learnt = spec.events.empty() ? protocol.events : spec.events;
  for (const auto& [type, weight] : spec.weights.by_event) {
    if (!learnt.empty() && !learnt.contains(type)) {
      return InvalidArgument(fmt::format(
          "the train spec weighs {} events and learns from {} only; add them to its events (or the "
          "protocol's), or take the weight out",
          EventName(type), JoinEvents(learnt)));
    }
  }
  if (protocol.events.empty()) {
    return spec.events;
  }
  for (const EventType type : spec.events) {
    if (!protocol.events.contains(type)) {
      return InvalidArgument(fmt::format(
          "the train spec learns from {} events, protocol '{}' reads only {}; add it to the "
          "protocol's events (and keep target_events) or take it out of the spec",
          EventName(type), protocol.name, JoinEvents(protocol.events)));
    }
  }
  return protocol.events;
}

Result<TrainingSet> MakeTrainingSet(const Material& material, const TrainSpec& spec,
                                    std::vector<data::FeatureDef> features,
                                    evaluate::FitFor purpose) {
  const data::Interactions& rows = material.interactions;
  const std::vector<bool> fitted = RowsFor(material, spec, purpose);
  TrainingSet set;
  set.vocabulary = VocabularyOf(rows, material.protocol, fitted);
  set.index = data::IndexItems(rows.items, set.vocabulary);
  FillSequences(rows, fitted, set);
  FillItems(material.items, set);
  if (set.rows == 0) {
    return InvalidArgument(fmt::format(
        "no row is left to learn from: the snapshot has {} rows, none in the part that is fitted{}",
        rows.rows(), spec.events.empty() ? "" : " of the event types that the train spec names"));
  }
  RETURN_IF_ERROR(FillWeights(spec.weights, set));
  // Whoever counts over rows may see the fitted ones only: what is held out does not exist.
  const Micros until{set.to.value + 1};
  if (CountsByTime(features)) {
    ASSIGN_OR_RETURN(set.features,
                     data::FeatureSpec::Fit(std::move(features), KeepRows(rows, fitted),
                                            material.items, set.vocabulary, until));
  } else {
    ASSIGN_OR_RETURN(set.features, data::FeatureSpec::Fit(std::move(features), rows, material.items,
                                                          set.vocabulary, until));
  }
  return set;
}

data::Interactions KeepRows(const data::Interactions& all, const std::vector<bool>& keep) {
  data::Interactions kept;
  kept.users = all.users;
  kept.items = all.items;
  kept.ordinal_time = all.ordinal_time;
  kept.snapshot = all.snapshot;
  kept.user_begin.assign(1, 0);
  for (std::size_t u = 0; u < all.users.size(); ++u) {
    for (std::size_t r = all.user_begin[u]; r < all.user_begin[u + 1]; ++r) {
      if (keep[r]) {
        kept.user.push_back(all.user[r]);
        kept.item.push_back(all.item[r]);
        kept.ts.push_back(all.ts[r]);
        kept.type.push_back(all.type[r]);
        kept.basket.push_back(all.basket[r]);
      }
    }
    kept.user_begin.push_back(kept.item.size());
  }
  return kept;
}

data::Vocabulary VocabularyOf(const data::Interactions& rows, const evaluate::Protocol& protocol,
                              const std::vector<bool>& fitted) {
  const std::vector<std::uint64_t> popularity =
      evaluate::Popularity(rows, fitted, protocol.popularity);
  std::vector<std::string> ids;
  for (const std::uint32_t item :
       evaluate::VocabularyOrder(rows.items, popularity, protocol.whole_catalogue)) {
    ids.push_back(rows.items[item]);
  }
  return data::Vocabulary(std::move(ids));
}

History HistoryOf(const Material& material, const evaluate::Case& c,
                  const std::vector<ItemIndex>& index) {
  return data::HistoryOfRows(material.interactions, material.split.HistoryRows(c), index);
}

}  // namespace vitrine::train
