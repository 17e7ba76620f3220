// How much more a user takes of what she meets than others do of the same items.
#include <array>

#include <nlohmann/json.hpp>

#include "data/features/alike_items.h"
#include "data/features/daily_counts.h"
#include "data/features/fitted.h"
#include "data/features/maker.h"
#include "data/features/options.h"
#include "data/features/rate_options.h"

namespace vitrine::data::features {
namespace {
/// What an item's own rate is drawn towards the common one with.
constexpr double kItemStrength = 10;

struct Counts {
  DailyCounts event;
  DailyCounts per;
  AlikeItems alike;
  double prior = 0;  ///< event / per over all fitted rows
};

/// Sum over the user's `per` events of (was it `event` - the item's rate on the days before it), over
/// (their number + strength).
class LiftAsOf final : public Transform {
 public:
  LiftAsOf(RateOptions window, Counts counts) : window_(window), counts_(std::move(counts)) {}

  [[nodiscard]] DType dtype() const override { return DType::kFloat32; }
  [[nodiscard]] Json Fitted() const override {
    Json fitted = {
        {"prior", counts_.prior}, {"event", counts_.event.ToJson()}, {"per", counts_.per.ToJson()}};
    counts_.alike.Save(fitted);
    return fitted;
  }

  Status Apply(const Batch& batch, Tensor& out) const override {
    const std::array<std::int64_t, 1> shape = {static_cast<std::int64_t>(batch.rows)};
    out.Resize(DType::kFloat32, shape);
    const std::span<float> values = out.values<float>();
    thread_local std::vector<Surprise> surprises;
    const FeatureInput* seen = nullptr;
    ForEachRow(batch.inputs,
               [&](std::size_t row, const FeatureInput& input, ItemIndex candidate, const Item*) {
                 if (&input != seen) {
                   seen = &input;
                   FindSurprises(input, surprises);
                 }
                 values[row] = static_cast<float>(Lift(surprises, candidate));
               });
    return Status::Ok();
  }

 private:
  struct Surprise {
    ItemIndex item = kPaddingItem;
    double by = 0;
  };

  /// Once an input, whatever the number of its candidates.
  void FindSurprises(const FeatureInput& input, std::vector<Surprise>& surprises) const {
    surprises.clear();
    const std::int64_t from = input.as_of.value - window_.days * kMicrosPerDay;
    for (const HistoryEvent& event : input.history) {
      const auto type = static_cast<unsigned>(event.type);
      if (event.item == kPaddingItem || event.ts.value < from || event.ts >= input.as_of ||
          (window_.per >> type & 1U) == 0) {
        continue;
      }
      const double a = counts_.event.Count(event.item, event.ts, window_.days);
      const double b = counts_.per.Count(event.item, event.ts, window_.days);
      const double rate = (a + counts_.prior * kItemStrength) / (b + kItemStrength);
      surprises.push_back({event.item, ((window_.event >> type & 1U) != 0 ? 1 : 0) - rate});
    }
  }

  [[nodiscard]] double Lift(const std::vector<Surprise>& surprises, ItemIndex candidate) const {
    if (counts_.alike.given()) {
      counts_.alike.Mark(candidate);
    }
    double sum = 0;
    double count = 0;
    for (const Surprise& surprise : surprises) {
      if (!counts_.alike.given() || counts_.alike.IsMarked(surprise.item)) {
        sum += surprise.by;
        ++count;
      }
    }
    return sum / (count + window_.strength);
  }

  RateOptions window_;
  Counts counts_;
};

Result<RateOptions> ParseWindow(const FeatureDef& def) {
  if (def.source != "user") {
    return FeatureError(def, "source must be \"user\": the lift is of what a user did");
  }
  return ReadRateOptions(def, {.days = 3650, .strength = 5});
}

Result<TransformPtr> FitLift(const FeatureDef& def, const FitData& data) {
  ASSIGN_OR_RETURN(const RateOptions window, ParseWindow(def));
  RETURN_IF_ERROR(CheckTimes(def, data));
  Counts counts{.event = DailyCounts(data, window.event),
                .per = DailyCounts(data, window.per),
                .alike = {},
                .prior = 0};
  const auto per = static_cast<double>(counts.per.total());
  counts.prior = per > 0 ? static_cast<double>(counts.event.total()) / per : 0;
  ASSIGN_OR_RETURN(counts.alike, AlikeItems::Fit(def, data));
  return TransformPtr(std::make_unique<LiftAsOf>(window, std::move(counts)));
}

Result<TransformPtr> ParseLift(const FeatureDef& def, const Json& fitted, std::size_t width) {
  ASSIGN_OR_RETURN(const RateOptions window, ParseWindow(def));
  Counts counts;
  ASSIGN_OR_RETURN(counts.prior, FittedNumber(def, fitted, "prior"));
  ASSIGN_OR_RETURN(counts.event,
                   DailyCounts::Parse(def, fitted.value("event", Json::object()), width));
  ASSIGN_OR_RETURN(counts.per, DailyCounts::Parse(def, fitted.value("per", Json::object()), width));
  ASSIGN_OR_RETURN(counts.alike, AlikeItems::Parse(def, fitted, width));
  return TransformPtr(std::make_unique<LiftAsOf>(window, std::move(counts)));
}
}  // namespace

Maker LiftAsOfMaker() {
  return {"lift_asof", {"event", "per", "days", "strength", "same"}, FitLift, ParseLift};
}

}  // namespace vitrine::data::features
