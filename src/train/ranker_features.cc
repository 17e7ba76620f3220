// RankerFeatures: what a spec's features mean under a protocol, and what of them is learnt from the rows.
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "data/features/options.h"
#include "data/features/source.h"
#include "train/ranker_set.h"
#include "train/training_set.h"

namespace vitrine::train {
namespace {
using data::FeatureDef;
using data::features::FeatureError;
using data::features::Source;

std::string Names(const std::set<EventType>& events) {
  std::vector<std::string_view> names;
  for (const EventType type : events) {
    names.push_back(EventName(type));
  }
  return fmt::format("{}", fmt::join(names, ","));
}

/// "target_events" and "events" in an option stand for the protocol's lists.
Status NameEvents(const evaluate::Protocol& protocol, FeatureDef& def) {
  for (const char* option : {"event", "per", "events"}) {
    const auto at = def.options.find(option);
    if (at == def.options.end() || (at->second != "target_events" && at->second != "events")) {
      continue;
    }
    const auto& events = at->second == "events" ? protocol.events : protocol.target_events;
    if (events.empty()) {
      return FeatureError(def, fmt::format("option {} is \"{}\", and protocol '{}' names none",
                                           option, at->second, protocol.name));
    }
    at->second = Names(events);
  }
  return Status::Ok();
}

/// The values of one field over the fitted rows.
class FieldValues {
 public:
  FieldValues(const RankerMaterial& material, const std::vector<bool>& fitted, Source source)
      : material_(material), fitted_(fitted), source_(std::move(source)) {}

  /// Every number that is there, in row order.
  [[nodiscard]] std::vector<double> Numbers() const {
    std::vector<double> numbers;
    ForEach([&](const data::features::Fields& fields) {
      if (const auto number = data::features::NumberOf(source_, fields)) {
        numbers.push_back(*number);
      }
    });
    return numbers;
  }
  /// Words by how many rows have them.
  [[nodiscard]] std::map<std::string, std::size_t> Words() const {
    std::map<std::string, std::size_t> words;
    ForEach([&](const data::features::Fields& fields) {
      data::features::TextBuffer buffer;
      if (const auto text = data::features::TextOf(source_, fields, buffer)) {
        ++words[std::string(*text)];
      }
    });
    return words;
  }

 private:
  template <typename F>
  void ForEach(F&& f) const {
    for (std::size_t place = 0; place < fitted_.size(); ++place) {
      if (!fitted_[place]) {
        continue;
      }
      const evaluate::LabelledRow& row = material_.set.rows[place];
      const User* user =
          row.user == evaluate::kNobody ? nullptr : &material_.set.users[row.user].user;
      f(data::features::Fields{nullptr, user, &row.context});
    }
  }

  const RankerMaterial& material_;
  const std::vector<bool>& fitted_;
  Source source_;
};

Status NothingThere(const FeatureDef& def, std::string_view what) {
  return FeatureError(def,
                      fmt::format("no row that is learnt from has a {} in '{}'", what, def.source));
}

/// Most frequent first, equal ones by bytes. A '|' would end a level in the list that options are.
Status LearnLevels(const FieldValues& values, FeatureDef& def) {
  ASSIGN_OR_RETURN(const std::int64_t most,
                   data::features::IntOption(def, "max_levels", 1000, 1, 1 << 24));
  ASSIGN_OR_RETURN(const std::int64_t least,
                   data::features::IntOption(def, "min_count", 1, 1, 1 << 30));
  const std::map<std::string, std::size_t> words = values.Words();
  std::vector<std::pair<std::string, std::size_t>> ranked(words.begin(), words.end());
  std::erase_if(ranked, [least](const auto& word) {
    return word.second < static_cast<std::size_t>(least) ||
           word.first.find('|') != std::string::npos;
  });
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  if (ranked.empty()) {
    return NothingThere(def, "text");
  }
  std::vector<std::string> levels;
  for (std::size_t i = 0; i < std::min(ranked.size(), static_cast<std::size_t>(most)); ++i) {
    levels.push_back(ranked[i].first);
  }
  def.options.insert_or_assign("levels", fmt::format("{}", fmt::join(levels, "|")));
  return Status::Ok();
}

Status LearnEdges(const FieldValues& values, FeatureDef& def) {
  ASSIGN_OR_RETURN(const std::int64_t bins, data::features::IntOption(def, "bins", 10, 2, 10'000));
  std::vector<double> numbers = values.Numbers();
  if (numbers.empty()) {
    return NothingThere(def, "number");
  }
  std::sort(numbers.begin(), numbers.end());
  std::vector<double> edges;
  for (std::int64_t k = 1; k < bins; ++k) {
    const auto place =
        static_cast<std::size_t>(k) * numbers.size() / static_cast<std::size_t>(bins);
    const double edge = numbers[place];
    if (edge < numbers.back() && (edges.empty() || edge > edges.back())) {
      edges.push_back(edge);
    }
  }
  if (edges.empty()) {
    edges.push_back(numbers.front());
  }
  def.options.insert_or_assign("edges", fmt::format("{}", fmt::join(edges, "|")));
  return Status::Ok();
}

Status LearnMoments(const FieldValues& values, bool log, FeatureDef& def) {
  std::vector<double> numbers = values.Numbers();
  if (numbers.empty()) {
    return NothingThere(def, "number");
  }
  double sum = 0;
  for (double& x : numbers) {
    x = log ? std::log1p(std::max(x, 0.0)) : x;
    sum += x;
  }
  const auto n = static_cast<double>(numbers.size());
  double squares = 0;
  for (const double x : numbers) {
    squares += (x - sum / n) * (x - sum / n);
  }
  const double deviation = std::sqrt(squares / n);
  def.options.try_emplace("mean", fmt::format("{}", sum / n));
  def.options.try_emplace("deviation", fmt::format("{}", deviation > 0 ? deviation : 1));
  return Status::Ok();
}

/// Options that ops need for fields which no catalogue holds.
Status LearnOptions(const RankerMaterial& material, const std::vector<bool>& fitted,
                    FeatureDef& def) {
  if (!def.source.starts_with("user.") && !def.source.starts_with("context.")) {
    return Status::Ok();
  }
  ASSIGN_OR_RETURN(const Source source, data::features::ParseSource(def));
  const FieldValues values(material, fitted, source);
  if (def.op == "level" && !def.options.contains("levels")) {
    return LearnLevels(values, def);
  }
  if (def.op == "bucket" && !def.options.contains("edges")) {
    return LearnEdges(values, def);
  }
  const bool moments = def.options.contains("mean") && def.options.contains("deviation");
  if ((def.op == "standardise" || def.op == "log_standardise") && !moments) {
    return LearnMoments(values, def.op == "log_standardise", def);
  }
  return Status::Ok();
}
}  // namespace

Result<std::vector<FeatureDef>> RankerFeatures(const RankerMaterial& material,
                                               const TrainSpec& spec,
                                               const std::vector<bool>& fitted) {
  if (spec.features.empty()) {
    return InvalidArgument(
        fmt::format("train spec '{}' has no [[feature]]; a ranker knows of a row what its features "
                    "say and nothing else",
                    spec.model_name()));
  }
  std::vector<FeatureDef> defs = FeaturesOf(spec, material.protocol, {});
  for (FeatureDef& def : defs) {
    RETURN_IF_ERROR(NameEvents(material.protocol, def));
    RETURN_IF_ERROR(LearnOptions(material, fitted, def));
  }
  return defs;
}

}  // namespace vitrine::train
