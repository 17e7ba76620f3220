#include <array>

#include "data/features/field_transform.h"
#include "data/features/levels.h"
#include "data/features/maker.h"

namespace vitrine::data::features {
namespace {
/// With option levels: the number of a word.
class ContextLevel final : public FieldTransform<std::int64_t> {
 public:
  ContextLevel(Source source, Levels levels)
      : FieldTransform(std::move(source)), levels_(std::move(levels)) {}
  [[nodiscard]] Json Fitted() const override { return Json::object(); }

 protected:
  void Encode(const Fields& fields, std::span<std::int64_t> cells) const override {
    TextBuffer buffer;
    cells[0] = levels_.Find(TextOf(source(), fields, buffer));
  }

 private:
  Levels levels_;
};

/// Without: the number itself.
class ContextNumber final : public FieldTransform<float> {
 public:
  ContextNumber(Source source, double missing)
      : FieldTransform(std::move(source)), missing_(missing) {}
  [[nodiscard]] Json Fitted() const override { return Json::object(); }

 protected:
  void Encode(const Fields& fields, std::span<float> cells) const override {
    cells[0] = static_cast<float>(NumberOf(source(), fields).value_or(missing_));
  }

 private:
  double missing_;
};

Result<TransformPtr> Make(const FeatureDef& def) {
  ASSIGN_OR_RETURN(Source source, ParseSource(def));
  if (source.owner != Owner::kContext) {
    return FeatureError(def,
                        fmt::format("source is '{}'; op context takes context.FIELD", def.source));
  }
  std::vector<std::string> words = ListOption(def, "levels");
  if (words.empty()) {
    ASSIGN_OR_RETURN(const std::optional<double> missing, NumberOption(def, "missing"));
    return TransformPtr(std::make_unique<ContextNumber>(std::move(source), missing.value_or(0)));
  }
  if (Levels::HasRepeats(words)) {
    return FeatureError(def, "option levels names one level twice");
  }
  return TransformPtr(std::make_unique<ContextLevel>(std::move(source), Levels(std::move(words))));
}
}  // namespace

Maker ContextMaker() {
  return {"context",
          {"levels", "missing"},
          [](const FeatureDef& def, const FitData&) { return Make(def); },
          [](const FeatureDef& def, const Json&, std::size_t) { return Make(def); }};
}

}  // namespace vitrine::data::features
