#include <cmath>

#include "data/features/field_transform.h"
#include "data/features/maker.h"

namespace vitrine::data::features {
namespace {
/// Identity, or log1p of what is not negative.
double Scaled(double x, bool log) { return log ? std::log1p(std::max(x, 0.0)) : x; }

class Standardise final : public FieldTransform<float> {
 public:
  Standardise(Source source, bool log, double mean, double deviation)
      : FieldTransform(std::move(source)), log_(log), mean_(mean), deviation_(deviation) {}

  [[nodiscard]] Json Fitted() const override {
    Json fitted = {{"mean", mean_}, {"deviation", deviation_}};
    SaveItems(fitted);
    return fitted;
  }

 protected:
  void Encode(const Fields& fields, std::span<float> cells) const override {
    const std::optional<double> number = NumberOf(source(), fields);
    // A missing number is the mean.
    cells[0] = number ? static_cast<float>((Scaled(*number, log_) - mean_) / deviation_) : 0.0F;
  }

 private:
  bool log_;
  double mean_;
  double deviation_;
};

struct Moments {
  double mean = 0;
  double deviation = 1;
};

/// Two passes, so that large values of small spread keep their digits.
Moments MomentsOf(const std::vector<double>& values, bool log) {
  Moments m;
  if (values.empty()) {
    return m;
  }
  double sum = 0;
  for (const double x : values) {
    sum += Scaled(x, log);
  }
  m.mean = sum / static_cast<double>(values.size());
  double squares = 0;
  for (const double x : values) {
    squares += (Scaled(x, log) - m.mean) * (Scaled(x, log) - m.mean);
  }
  const double deviation = std::sqrt(squares / static_cast<double>(values.size()));
  m.deviation = deviation > 0 ? deviation : 1;
  return m;
}

Result<TransformPtr> FitOne(const FeatureDef& def, const FitData& data, bool log) {
  ASSIGN_OR_RETURN(Source source, ParseSource(def));
  RETURN_IF_ERROR(CheckFieldExists(def, source, data));
  ASSIGN_OR_RETURN(const std::optional<double> mean, NumberOption(def, "mean"));
  ASSIGN_OR_RETURN(const std::optional<double> deviation, NumberOption(def, "deviation"));
  if (deviation && *deviation <= 0) {
    return FeatureError(def, "option deviation must be above 0");
  }
  if (source.owner != Owner::kItem && (!mean || !deviation)) {
    return FeatureError(def,
                        fmt::format("'{}' is not in the training rows, so it cannot be fitted; "
                                    "give options mean and deviation",
                                    def.source));
  }
  Moments m;
  if (source.owner == Owner::kItem) {
    m = MomentsOf(CatalogueNumbers(source, data), log);
  }
  auto made = std::make_unique<Standardise>(std::move(source), log, mean.value_or(m.mean),
                                            deviation.value_or(m.deviation));
  made->Freeze(data);
  return TransformPtr(std::move(made));
}

Result<TransformPtr> ParseOne(const FeatureDef& def, const Json& fitted, std::size_t width,
                              bool log) {
  ASSIGN_OR_RETURN(Source source, ParseSource(def));
  ASSIGN_OR_RETURN(const double mean, FittedNumber(def, fitted, "mean"));
  ASSIGN_OR_RETURN(const double deviation, FittedNumber(def, fitted, "deviation"));
  if (deviation <= 0) {
    return FeatureError(def, "fitted.deviation is not above 0");
  }
  auto made = std::make_unique<Standardise>(std::move(source), log, mean, deviation);
  RETURN_IF_ERROR(made->LoadItems(def, fitted, width));
  return TransformPtr(std::move(made));
}

Maker Make(std::string op, bool log) {
  return {std::move(op),
          {"mean", "deviation"},
          [log](const FeatureDef& def, const FitData& data) { return FitOne(def, data, log); },
          [log](const FeatureDef& def, const Json& fitted, std::size_t width) {
            return ParseOne(def, fitted, width, log);
          }};
}
}  // namespace

Maker StandardiseMaker() { return Make("standardise", false); }
Maker LogStandardiseMaker() { return Make("log_standardise", true); }

}  // namespace vitrine::data::features
