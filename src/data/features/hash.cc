#include "data/features/field_transform.h"
#include "data/features/maker.h"
#include "data/features/stable_hash.h"

namespace vitrine::data::features {
namespace {
class Hash final : public FieldTransform<std::int64_t> {
 public:
  Hash(Source source, std::int64_t buckets)
      : FieldTransform(std::move(source)), buckets_(static_cast<std::uint64_t>(buckets)) {}

  [[nodiscard]] Json Fitted() const override {
    Json fitted = Json::object();
    SaveItems(fitted);
    return fitted;
  }

 protected:
  void Encode(const Fields& fields, std::span<std::int64_t> cells) const override {
    TextBuffer buffer;
    const std::optional<std::string_view> text = TextOf(source(), fields, buffer);
    cells[0] = text ? 1 + static_cast<std::int64_t>(StableHash(*text) % buckets_) : 0;
  }

 private:
  std::uint64_t buckets_;
};

Result<std::unique_ptr<Hash>> Make(const FeatureDef& def) {
  ASSIGN_OR_RETURN(Source source, ParseSource(def));
  ASSIGN_OR_RETURN(const std::int64_t buckets, IntOption(def, "buckets", 1024, 1, 1 << 30));
  return std::make_unique<Hash>(std::move(source), buckets);
}
}  // namespace

Maker HashMaker() {
  return {"hash",
          {"buckets"},
          [](const FeatureDef& def, const FitData& data) -> Result<TransformPtr> {
            ASSIGN_OR_RETURN(const Source source, ParseSource(def));
            RETURN_IF_ERROR(CheckFieldExists(def, source, data));
            ASSIGN_OR_RETURN(std::unique_ptr<Hash> made, Make(def));
            made->Freeze(data);
            return TransformPtr(std::move(made));
          },
          [](const FeatureDef& def, const Json& fitted, std::size_t width) -> Result<TransformPtr> {
            ASSIGN_OR_RETURN(std::unique_ptr<Hash> made, Make(def));
            RETURN_IF_ERROR(made->LoadItems(def, fitted, width));
            return TransformPtr(std::move(made));
          }};
}

}  // namespace vitrine::data::features
