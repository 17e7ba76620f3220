#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "data/features/field_transform.h"
#include "data/features/maker.h"
#include "data/features/stable_hash.h"
#include "text/tokenise.h"

namespace vitrine::data::features {
namespace {
class Tokens final : public FieldTransform<std::int64_t> {
 public:
  struct Options {
    std::int64_t length = 16;
    std::int64_t buckets = 1 << 16;
    bool stem = true;
  };
  Tokens(Source source, Options options) : FieldTransform(std::move(source)), options_(options) {}

  [[nodiscard]] std::int64_t columns() const override { return options_.length; }
  [[nodiscard]] Json Fitted() const override {
    Json fitted = Json::object();
    SaveItems(fitted);
    return fitted;
  }

 protected:
  /// Words in their order from the left; what is too long is cut at the end.
  void Encode(const Fields& fields, std::span<std::int64_t> cells) const override {
    std::fill(cells.begin(), cells.end(), 0);
    std::vector<std::string_view> texts;
    AppendTexts(source(), fields, texts);
    std::vector<std::string> words;
    for (const std::string_view text : texts) {
      text::Tokenise(text, {.stem = options_.stem}, words);
    }
    const auto buckets = static_cast<std::uint64_t>(options_.buckets);
    for (std::size_t i = 0; i < std::min(words.size(), cells.size()); ++i) {
      cells[i] = 1 + static_cast<std::int64_t>(StableHash(words[i]) % buckets);
    }
  }

 private:
  Options options_;
};

Result<std::unique_ptr<Tokens>> Make(const FeatureDef& def) {
  ASSIGN_OR_RETURN(Source source, ParseSource(def));
  Tokens::Options options;
  ASSIGN_OR_RETURN(options.length, IntOption(def, "length", options.length, 1, 4096));
  ASSIGN_OR_RETURN(options.buckets, IntOption(def, "buckets", options.buckets, 1, 1 << 30));
  ASSIGN_OR_RETURN(options.stem, FlagOption(def, "stem", options.stem));
  return std::make_unique<Tokens>(std::move(source), options);
}
}  // namespace

Maker TokensMaker() {
  return {"tokens",
          {"length", "buckets", "stem"},
          [](const FeatureDef& def, const FitData& data) -> Result<TransformPtr> {
            ASSIGN_OR_RETURN(std::unique_ptr<Tokens> made, Make(def));
            ASSIGN_OR_RETURN(const Source source, ParseSource(def));
            RETURN_IF_ERROR(CheckFieldExists(def, source, data));
            made->Freeze(data);
            return TransformPtr(std::move(made));
          },
          [](const FeatureDef& def, const Json& fitted, std::size_t width) -> Result<TransformPtr> {
            ASSIGN_OR_RETURN(std::unique_ptr<Tokens> made, Make(def));
            RETURN_IF_ERROR(made->LoadItems(def, fitted, width));
            return TransformPtr(std::move(made));
          }};
}

}  // namespace vitrine::data::features
