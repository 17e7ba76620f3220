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
struct Window : RateOptions {
  Owner owner = Owner::kItem;
};

struct Counts {
  DailyCounts event;
  DailyCounts per;
  AlikeItems alike;  ///< of a user's
  double prior = 0;  ///< event / per over all fitted rows
};

/// (a + prior * strength) / (b + strength): few observations stay near the prior.
class RateAsOf final : public Transform {
 public:
  RateAsOf(Window window, Counts counts) : window_(window), counts_(std::move(counts)) {}

  [[nodiscard]] DType dtype() const override { return DType::kFloat32; }
  [[nodiscard]] Json Fitted() const override {
    Json fitted = {{"prior", counts_.prior}};
    if (window_.owner == Owner::kItem) {
      fitted["event"] = counts_.event.ToJson();
      fitted["per"] = counts_.per.ToJson();
    }
    counts_.alike.Save(fitted);
    return fitted;
  }

  Status Apply(const Batch& batch, Tensor& out) const override {
    const std::array<std::int64_t, 1> shape = {static_cast<std::int64_t>(batch.rows)};
    out.Resize(DType::kFloat32, shape);
    const std::span<float> values = out.values<float>();
    ForEachRow(batch.inputs, [&](std::size_t row, const FeatureInput& input, ItemIndex candidate,
                                 const Item*) {
      double a = 0;
      double b = 0;
      if (window_.owner == Owner::kItem) {
        a = counts_.event.Count(candidate, input.as_of, window_.days);
        b = counts_.per.Count(candidate, input.as_of, window_.days);
      } else if (counts_.alike.given()) {
        a = counts_.alike.Count(input, candidate, window_.event, window_.days);
        b = counts_.alike.Count(input, candidate, window_.per, window_.days);
      } else {
        a = CountInHistory(input, window_.event, window_.days);
        b = CountInHistory(input, window_.per, window_.days);
      }
      values[row] =
          static_cast<float>((a + counts_.prior * window_.strength) / (b + window_.strength));
    });
    return Status::Ok();
  }

 private:
  Window window_;
  Counts counts_;
};

Result<Window> ParseWindow(const FeatureDef& def) {
  ASSIGN_OR_RETURN(const Owner owner, CountOwner(def));
  ASSIGN_OR_RETURN(const RateOptions options, ReadRateOptions(def, {.days = 30, .strength = 10}));
  return Window{options, owner};
}

double Prior(const FitData& data, const Window& window) {
  double a = 0;
  double b = 0;
  const Interactions& rows = data.interactions;
  for (std::size_t r = 0; r < rows.rows(); ++r) {
    if (rows.ts[r] < data.until) {
      const auto type = static_cast<unsigned>(rows.type[r]);
      a += window.event >> type & 1U;
      b += window.per >> type & 1U;
    }
  }
  return b == 0 ? 0 : a / b;
}

Result<TransformPtr> FitRate(const FeatureDef& def, const FitData& data) {
  ASSIGN_OR_RETURN(const Window window, ParseWindow(def));
  RETURN_IF_ERROR(CheckTimes(def, data));
  Counts counts;
  counts.prior = Prior(data, window);
  ASSIGN_OR_RETURN(counts.alike, AlikeItems::Fit(def, data));
  if (window.owner == Owner::kItem) {
    counts.event = DailyCounts(data, window.event);
    counts.per = DailyCounts(data, window.per);
  }
  return TransformPtr(std::make_unique<RateAsOf>(window, std::move(counts)));
}

Result<TransformPtr> ParseRate(const FeatureDef& def, const Json& fitted, std::size_t width) {
  ASSIGN_OR_RETURN(const Window window, ParseWindow(def));
  Counts counts;
  ASSIGN_OR_RETURN(counts.prior, FittedNumber(def, fitted, "prior"));
  ASSIGN_OR_RETURN(counts.alike, AlikeItems::Parse(def, fitted, width));
  if (window.owner == Owner::kItem) {
    ASSIGN_OR_RETURN(counts.event,
                     DailyCounts::Parse(def, fitted.value("event", Json::object()), width));
    ASSIGN_OR_RETURN(counts.per,
                     DailyCounts::Parse(def, fitted.value("per", Json::object()), width));
  }
  return TransformPtr(std::make_unique<RateAsOf>(window, std::move(counts)));
}
}  // namespace

Maker RateAsOfMaker() {
  return {"rate_asof", {"event", "per", "days", "strength", "same"}, FitRate, ParseRate};
}

}  // namespace vitrine::data::features
