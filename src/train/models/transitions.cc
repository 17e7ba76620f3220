#include "train/models/transitions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "train/models/event_columns.h"
#include "train/models/row_sum.h"
#include "train/sequences.h"

namespace vitrine::train {
namespace {

/// What one pair of events counts, by its distance and the time of the later one.
class PairWeight {
 public:
  PairWeight(const TransitionsOptions& options, Micros newest)
      : newest_(newest), half_life_days_(options.half_life_days) {
    by_distance_.push_back(options.same_basket);
    for (std::size_t d = 1; d <= options.window; ++d) {
      const auto distance = static_cast<double>(d);
      by_distance_.push_back(std::pow(options.gap_decay, distance - 1) /
                             std::pow(distance, options.gap));
    }
  }

  [[nodiscard]] double Of(std::size_t distance, Micros later) const {
    const double weight = by_distance_[distance];
    if (half_life_days_ == 0) {
      return weight;
    }
    const double days = static_cast<double>(newest_.value - later.value) / double{kMicrosPerDay};
    return weight * std::pow(0.5, days / half_life_days_);
  }

 private:
  Micros newest_;
  double half_life_days_;
  std::vector<double> by_distance_;
};

class Transitions : public NeighbourModel {
 public:
  explicit Transitions(const TransitionsOptions& options)
      : NeighbourModel(options.places), options_(options) {}

  Result<FitOutcome> Fit(const TrainingSequences& sequences, const FitContext& context) override {
    RETURN_IF_ERROR(Check(sequences));
    ASSIGN_OR_RETURN(const EventColumns events, ColumnsOf(sequences));
    RETURN_IF_ERROR(CountRows(events, context.progress));
    if (options_.two_step > 0) {
      RETURN_IF_ERROR(AddSecondStep(context.progress));
    }
    FitOutcome outcome;
    outcome.notes["pairs"] = static_cast<double>(table_.entries());
    return outcome;
  }

 private:
  [[nodiscard]] Status Check(const TrainingSequences& sequences) const {
    RETURN_IF_ERROR(CheckPlaces());
    if (options_.window == 0 || options_.window > 100'000) {
      return InvalidArgument(fmt::format("window is {}, it must be 1 to 100,000", options_.window));
    }
    if (options_.distance != "position" && options_.distance != "basket") {
      return InvalidArgument(
          fmt::format("distance is '{}', it must be position or basket", options_.distance));
    }
    if (options_.half_life_days > 0 && sequences.ordinal_time) {
      return FailedPrecondition(
          "half_life_days needs times, and this snapshot has only an order (ts = sequence); "
          "leave half_life_days at 0");
    }
    return Status::Ok();
  }

  /// visit(other event, weight) over the pairs that `event` is the first of. As an example a pair is its later event.
  template <typename Visit>
  void ForEachPair(const EventColumns& all, const PairWeight& weight, std::size_t event,
                   Visit&& visit) const {
    const bool baskets = options_.distance == "basket";
    const std::size_t begin = all.user_begin[all.user[event]];
    const std::size_t end = all.user_begin[all.user[event] + 1];
    const auto distance = [&](std::size_t earlier, std::size_t later) -> std::size_t {
      return baskets ? all.basket[later] - all.basket[earlier] : later - earlier;
    };
    for (std::size_t other = event + 1; other < end; ++other) {
      const std::size_t d = distance(event, other);
      if (d > options_.window) {
        break;
      }
      if (all.item[other] >= kFirstItem) {
        visit(other, weight.Of(d, all.ts[other]) * all.WeightOf(other));
      }
    }
    for (std::size_t other = event; other-- > begin;) {
      const std::size_t d = distance(other, event);
      if (d > options_.window || (options_.backward == 0 && d > 0)) {
        break;
      }
      if (all.item[other] >= kFirstItem) {
        visit(other,
              weight.Of(d, all.ts[event]) * (d == 0 ? 1 : options_.backward) * all.WeightOf(event));
      }
    }
  }

  /// (all weight to an item)^-to_power, of every item.
  [[nodiscard]] std::vector<double> ToScales(const EventColumns& all,
                                             const PairWeight& weight) const {
    std::vector<double> scale(all.item_begin.size() - 1, 0);
    if (options_.to_power > 0) {
      for (std::size_t e = 0; e < all.item.size(); ++e) {
        if (all.item[e] >= kFirstItem) {
          ForEachPair(all, weight, e,
                      [&](std::size_t other, double w) { scale[all.item[other]] += w; });
        }
      }
    }
    for (double& s : scale) {
      s = s > 0 ? std::pow(s, -options_.to_power) : 1;
    }
    return scale;
  }

  Status CountRows(const EventColumns& all, const Progress& progress) {
    const std::size_t width = all.item_begin.size() - 1;
    const PairWeight weight(options_, all.newest);
    const std::vector<double> to_scale = ToScales(all, weight);
    RowSum sum(width);
    std::vector<WeightedEntry> row;
    const std::size_t keep = EntriesPerRow(options_.neighbours, width);
    table_ = {};
    for (std::size_t i = 0; i < width; ++i) {
      RETURN_IF_ERROR(ReportItem(progress, "count pairs", i, width));
      double from = 0;
      for (const std::size_t e :
           i >= kFirstItem ? all.EventsOf(i) : std::span<const std::size_t>()) {
        ForEachPair(all, weight, e, [&](std::size_t other, double w) {
          sum.Add(all.item[other], w);
          from += w;
        });
      }
      sum.Take(row);
      const double from_scale = from > 0 ? std::pow(from, -options_.from_power) : 1;
      for (WeightedEntry& entry : row) {
        entry.weight *= from_scale * to_scale[static_cast<std::size_t>(entry.column)];
      }
      RETURN_IF_ERROR(AppendRow(row, keep, table_));
    }
    return Status::Ok();
  }

  Status AddSecondStep(const Progress& progress) {
    const std::size_t width = table_.rows();
    std::vector<double> share(width, 0);
    for (std::size_t k = 0; k < width; ++k) {
      double total = 0;
      for (const float w : table_.WeightsOf(k)) {
        total += w;
      }
      share[k] = total > 0 ? options_.two_step / total : 0;
    }
    RowSum sum(width);
    std::vector<WeightedEntry> row;
    const std::size_t keep = EntriesPerRow(options_.neighbours, width);
    WeightedRows both;
    for (std::size_t i = 0; i < width; ++i) {
      RETURN_IF_ERROR(ReportItem(progress, "second step", i, width));
      const auto columns = table_.ColumnsOf(i);
      const auto weights = table_.WeightsOf(i);
      for (std::size_t e = 0; e < columns.size(); ++e) {
        const auto k = static_cast<std::size_t>(columns[e]);
        sum.Add(static_cast<ItemIndex>(k), weights[e]);
        const auto next = table_.ColumnsOf(k);
        const auto next_weights = table_.WeightsOf(k);
        for (std::size_t n = 0; n < next.size(); ++n) {
          sum.Add(static_cast<ItemIndex>(next[n]), weights[e] * share[k] * next_weights[n]);
        }
      }
      sum.Take(row);
      RETURN_IF_ERROR(AppendRow(row, keep, both));
    }
    table_ = std::move(both);
    return Status::Ok();
  }

  TransitionsOptions options_;
};

std::vector<ParameterDef> CountParameters(const TransitionsOptions& o) {
  return {
      {.name = "window",
       .standard = static_cast<std::int64_t>(o.window),
       .help = "Farthest distance of two places that make a pair.",
       .min = 1,
       .max = 100'000},
      {.name = "distance",
       .standard = o.distance,
       .help = "What distance counts in.",
       .choices = {"position", "basket"}},
      {.name = "gap",
       .standard = o.gap,
       .help = "A pair at distance d counts 1 / d^gap; 0: all the same.",
       .min = 0,
       .max = 10},
      {.name = "gap_decay",
       .standard = o.gap_decay,
       .help = "And this to the power of d - 1.",
       .min = 1e-6,
       .max = 1},
      {.name = "backward",
       .standard = o.backward,
       .help = "What a pair counts the other way round; 0: order is strict, 1: both ways alike.",
       .min = 0,
       .max = 1},
      {.name = "same_basket",
       .standard = o.same_basket,
       .help = "What a pair within one basket counts, where distance is by basket.",
       .min = 0,
       .max = 100},
      {.name = "half_life_days",
       .standard = o.half_life_days,
       .help = "A pair loses half its weight in this many days; 0: none. Needs times.",
       .min = 0}};
}

std::vector<ParameterDef> TableParameters(const TransitionsOptions& o) {
  return {{.name = "from_power",
           .standard = o.from_power,
           .help = "Divides by the item's own weight to this power; 1: shares, both 0.5: cosine.",
           .min = 0,
           .max = 1},
          {.name = "to_power",
           .standard = o.to_power,
           .help = "Divides by the other item's weight to this power: less for what is popular.",
           .min = 0,
           .max = 1},
          {.name = "two_step",
           .standard = o.two_step,
           .help = "Weight of what follows the followers; 0: none. Set neighbours with it.",
           .min = 0,
           .max = 10}};
}

}  // namespace

std::unique_ptr<TrainableModel> MakeTransitions(const TransitionsOptions& options) {
  return std::make_unique<Transitions>(options);
}

ModelFactory TransitionsFactory() {
  const TransitionsOptions standard;
  std::vector<ParameterDef> parameters = CountParameters(standard);
  for (const auto& more : {TableParameters(standard), NeighbourParameters(standard.places, 0)}) {
    parameters.insert(parameters.end(), more.begin(), more.end());
  }
  return {
      .algorithm = "transitions",
      .summary = "What came within a few places after the newest items, less the farther apart.",
      .parameters = std::move(parameters),
      .create = [](const Parameters& p) -> Result<std::unique_ptr<TrainableModel>> {
        return MakeTransitions({.window = static_cast<std::size_t>(p.Int("window")),
                                .distance = p.Word("distance"),
                                .gap = p.Number("gap"),
                                .gap_decay = p.Number("gap_decay"),
                                .backward = p.Number("backward"),
                                .same_basket = p.Number("same_basket"),
                                .half_life_days = p.Number("half_life_days"),
                                .from_power = p.Number("from_power"),
                                .to_power = p.Number("to_power"),
                                .two_step = p.Number("two_step"),
                                .neighbours = static_cast<std::size_t>(p.Int("neighbours")),
                                .places = PlacesOf(p)});
      },
      .weighs_examples = true};
}

}  // namespace vitrine::train
