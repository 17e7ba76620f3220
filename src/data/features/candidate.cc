#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "data/features/maker.h"

namespace vitrine::data::features {
namespace {
/// The candidate's own number in the vocabulary: what an embedding table of items is looked up with.
class Candidate final : public Transform {
 public:
  explicit Candidate(std::size_t width) : width_(width) {}
  [[nodiscard]] DType dtype() const override { return DType::kInt64; }
  [[nodiscard]] Json Fitted() const override { return Json::object(); }

  Status Apply(const Batch& batch, Tensor& out) const override {
    const std::array<std::int64_t, 1> shape = {static_cast<std::int64_t>(batch.rows)};
    out.Resize(DType::kInt64, shape);
    const std::span<std::int64_t> values = out.values<std::int64_t>();
    ItemIndex largest = 0;
    ForEachRow(batch.inputs,
               [&](std::size_t row, const FeatureInput&, ItemIndex candidate, const Item*) {
                 largest = std::max(largest, candidate);
                 values[row] = candidate;
               });
    if (largest >= width_) {
      return InvalidArgument(
          fmt::format("candidate {} is outside the vocabulary of {} (padding and unknown included)",
                      largest, width_));
    }
    return Status::Ok();
  }

 private:
  std::size_t width_;
};
}  // namespace

Maker CandidateMaker() {
  return {"candidate",
          {},
          [](const FeatureDef&, const FitData& data) -> Result<TransformPtr> {
            return TransformPtr(std::make_unique<Candidate>(data.vocabulary.width()));
          },
          [](const FeatureDef&, const Json&, std::size_t width) -> Result<TransformPtr> {
            return TransformPtr(std::make_unique<Candidate>(width));
          }};
}

}  // namespace vitrine::data::features
