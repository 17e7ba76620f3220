#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "data/features/maker.h"
#include "data/features/sequence_transform.h"

namespace vitrine::data::features {
namespace {
class HistoryItems final : public SequenceTransform {
 public:
  HistoryItems(Selection selection, std::size_t width)
      : SequenceTransform(std::move(selection)), width_(width) {}

  [[nodiscard]] Json Fitted() const override { return Json::object(); }

  Status Apply(const Batch& batch, Tensor& out) const override {
    ItemIndex largest = 0;
    Write(batch, kPaddingItem, out,
          [&largest](const FeatureInput& input, const SequencePlaces& places, std::size_t,
                     std::size_t p) {
            const ItemIndex item = input.history[places.event[p]].item;
            largest = std::max(largest, item);
            return static_cast<std::int64_t>(item);
          });
    if (largest >= width_) {
      return InvalidArgument(fmt::format(
          "a history holds item index {}, the vocabulary has {} (padding and unknown included); "
          "map ids with the artifact's own vocabulary",
          largest, width_));
    }
    return Status::Ok();
  }

 private:
  std::size_t width_;
};
}  // namespace

Maker HistoryItemsMaker() {
  return {"history_items",
          {"sequence", "length", "fixed", "distinct", "events"},
          [](const FeatureDef& def, const FitData& data) -> Result<TransformPtr> {
            ASSIGN_OR_RETURN(Selection selection, ParseSelection(def));
            return TransformPtr(
                std::make_unique<HistoryItems>(std::move(selection), data.vocabulary.width()));
          },
          [](const FeatureDef& def, const Json&, std::size_t width) -> Result<TransformPtr> {
            ASSIGN_OR_RETURN(Selection selection, ParseSelection(def));
            return TransformPtr(std::make_unique<HistoryItems>(std::move(selection), width));
          }};
}

}  // namespace vitrine::data::features
