#include <array>

#include <nlohmann/json.hpp>

#include "data/features/alike_items.h"
#include "data/features/daily_counts.h"
#include "data/features/maker.h"
#include "data/features/options.h"

namespace vitrine::data::features {
namespace {
struct Window {
  Owner owner = Owner::kItem;
  std::uint32_t types = 0;
  std::int64_t days = 7;
};

class CountAsOf final : public Transform {
 public:
  CountAsOf(Window window, DailyCounts counts, AlikeItems alike)
      : window_(window), counts_(std::move(counts)), alike_(std::move(alike)) {}

  [[nodiscard]] DType dtype() const override { return DType::kFloat32; }
  [[nodiscard]] Json Fitted() const override {
    Json fitted = window_.owner == Owner::kItem ? counts_.ToJson() : Json::object();
    alike_.Save(fitted);
    return fitted;
  }

  Status Apply(const Batch& batch, Tensor& out) const override {
    const std::array<std::int64_t, 1> shape = {static_cast<std::int64_t>(batch.rows)};
    out.Resize(DType::kFloat32, shape);
    const std::span<float> values = out.values<float>();
    ForEachRow(batch.inputs, [&](std::size_t row, const FeatureInput& input, ItemIndex candidate,
                                 const Item*) {
      values[row] = static_cast<float>(
          window_.owner == Owner::kItem ? counts_.Count(candidate, input.as_of, window_.days)
          : alike_.given() ? alike_.Count(input, candidate, window_.types, window_.days)
                           : CountInHistory(input, window_.types, window_.days));
    });
    return Status::Ok();
  }

 private:
  Window window_;
  DailyCounts counts_;
  AlikeItems alike_;
};

Result<Window> ParseWindow(const FeatureDef& def) {
  Window window;
  ASSIGN_OR_RETURN(window.owner, CountOwner(def));
  ASSIGN_OR_RETURN(window.types, EventsOption(def, "event", 0));
  if (window.types == 0) {
    return FeatureError(def, "option event is missing: which events are counted?");
  }
  ASSIGN_OR_RETURN(window.days, IntOption(def, "days", 7, 1, 3650));
  return window;
}
}  // namespace

Maker CountAsOfMaker() {
  return {"count_asof",
          {"event", "days", "same"},
          [](const FeatureDef& def, const FitData& data) -> Result<TransformPtr> {
            ASSIGN_OR_RETURN(const Window window, ParseWindow(def));
            RETURN_IF_ERROR(CheckTimes(def, data));
            DailyCounts counts;
            if (window.owner == Owner::kItem) {
              counts = DailyCounts(data, window.types);
            }
            ASSIGN_OR_RETURN(AlikeItems alike, AlikeItems::Fit(def, data));
            return TransformPtr(
                std::make_unique<CountAsOf>(window, std::move(counts), std::move(alike)));
          },
          [](const FeatureDef& def, const Json& fitted, std::size_t width) -> Result<TransformPtr> {
            ASSIGN_OR_RETURN(const Window window, ParseWindow(def));
            DailyCounts counts;
            if (window.owner == Owner::kItem) {
              ASSIGN_OR_RETURN(counts, DailyCounts::Parse(def, fitted, width));
            }
            ASSIGN_OR_RETURN(AlikeItems alike, AlikeItems::Parse(def, fitted, width));
            return TransformPtr(
                std::make_unique<CountAsOf>(window, std::move(counts), std::move(alike)));
          }};
}

}  // namespace vitrine::data::features
