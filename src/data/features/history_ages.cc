#include <algorithm>
#include <array>
#include <string>

#include <nlohmann/json.hpp>

#include "data/features/maker.h"
#include "data/features/options.h"
#include "data/features/sequence_transform.h"

namespace vitrine::data::features {
namespace {
enum class Unit : std::uint8_t { kPosition, kBasket, kDay };
constexpr std::int64_t kNoPlace = -1;

class HistoryAges final : public SequenceTransform {
 public:
  HistoryAges(Selection selection, Unit unit)
      : SequenceTransform(std::move(selection)), unit_(unit) {}

  [[nodiscard]] Json Fitted() const override { return Json::object(); }

  Status Apply(const Batch& batch, Tensor& out) const override {
    Write(batch, kNoPlace, out,
          [this](const FeatureInput& input, const SequencePlaces& places, std::size_t begin,
                 std::size_t p) -> std::int64_t {
            switch (unit_) {
              case Unit::kPosition:
                return static_cast<std::int64_t>(p - begin);
              case Unit::kBasket:
                return places.basket_age[p];
              case Unit::kDay:
                break;
            }
            // A clock a little ahead of ours makes an event of the future: it is of today.
            const std::int64_t age = input.as_of.value - input.history[places.event[p]].ts.value;
            return std::max<std::int64_t>(age, 0) / kMicrosPerDay;
          });
    return Status::Ok();
  }

 private:
  Unit unit_;
};

Result<TransformPtr> Make(const FeatureDef& def, bool ordinal) {
  ASSIGN_OR_RETURN(Selection selection, ParseSelection(def));
  static const std::array<std::string, 3> units = {"position", "basket", "day"};
  ASSIGN_OR_RETURN(const std::string unit, ChoiceOption(def, "unit", "position", units));
  if (unit == "day" && ordinal) {
    return FailedPrecondition("feature '" + def.name +
                              "': ages in days need times, and this snapshot has only an order "
                              "(ts = sequence); use unit = position or basket");
  }
  return TransformPtr(
      std::make_unique<HistoryAges>(std::move(selection), unit == "position" ? Unit::kPosition
                                                          : unit == "basket" ? Unit::kBasket
                                                                             : Unit::kDay));
}
}  // namespace

Maker HistoryAgesMaker() {
  return {"history_ages",
          {"sequence", "length", "fixed", "distinct", "events", "unit"},
          [](const FeatureDef& def, const FitData& data) {
            return Make(def, data.interactions.ordinal_time);
          },
          [](const FeatureDef& def, const Json&, std::size_t) { return Make(def, false); }};
}

}  // namespace vitrine::data::features
