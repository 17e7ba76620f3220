#include <map>

#include "data/features/field_transform.h"
#include "data/features/levels.h"
#include "data/features/maker.h"

namespace vitrine::data::features {
namespace {
class Level final : public FieldTransform<std::int64_t> {
 public:
  Level(Source source, Levels levels)
      : FieldTransform(std::move(source)), levels_(std::move(levels)) {}

  [[nodiscard]] Json Fitted() const override {
    Json fitted = {{"levels", levels_.words()}};
    SaveItems(fitted);
    return fitted;
  }

 protected:
  void Encode(const Fields& fields, std::span<std::int64_t> cells) const override {
    TextBuffer buffer;
    cells[0] = levels_.Find(TextOf(source(), fields, buffer));
  }

 private:
  Levels levels_;
};

/// Words of the catalogue with `min_count` items or more: most frequent first, equal ones by bytes.
std::vector<std::string> FrequentWords(const Source& source, const FitData& data, std::size_t most,
                                       std::size_t min_count) {
  std::map<std::string, std::size_t, std::less<>> counts;
  for (const Item* item : data.catalogue) {
    TextBuffer buffer;
    if (const auto text = TextOf(source, {item, nullptr, nullptr}, buffer)) {
      ++counts.try_emplace(std::string(*text), 0).first->second;
    }
  }
  std::vector<std::pair<std::string, std::size_t>> ranked(counts.begin(), counts.end());
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::vector<std::string> words;
  for (const auto& [word, count] : ranked) {
    if (words.size() < most && count >= min_count) {
      words.push_back(word);
    }
  }
  return words;
}

Result<TransformPtr> FitLevel(const FeatureDef& def, const FitData& data) {
  ASSIGN_OR_RETURN(Source source, ParseSource(def));
  RETURN_IF_ERROR(CheckFieldExists(def, source, data));
  ASSIGN_OR_RETURN(const std::int64_t most, IntOption(def, "max_levels", 1000, 1, 1 << 24));
  ASSIGN_OR_RETURN(const std::int64_t min_count, IntOption(def, "min_count", 1, 1, 1 << 30));
  std::vector<std::string> words = ListOption(def, "levels");
  if (words.empty()) {
    if (source.owner != Owner::kItem) {
      return FeatureError(def, fmt::format("'{}' is not in the training rows, so its levels cannot "
                                           "be fitted; give option levels (\"gold|silver\")",
                                           def.source));
    }
    words = FrequentWords(source, data, static_cast<std::size_t>(most),
                          static_cast<std::size_t>(min_count));
  } else if (Levels::HasRepeats(words)) {
    return FeatureError(def, "option levels names one level twice");
  }
  auto made = std::make_unique<Level>(std::move(source), Levels(std::move(words)));
  made->Freeze(data);
  return TransformPtr(std::move(made));
}

Result<TransformPtr> ParseLevel(const FeatureDef& def, const Json& fitted, std::size_t width) {
  ASSIGN_OR_RETURN(Source source, ParseSource(def));
  ASSIGN_OR_RETURN(std::vector<std::string> words, FittedWords(def, fitted, "levels"));
  if (Levels::HasRepeats(words)) {
    return FeatureError(def, "fitted.levels names one level twice");
  }
  auto made = std::make_unique<Level>(std::move(source), Levels(std::move(words)));
  RETURN_IF_ERROR(made->LoadItems(def, fitted, width));
  return TransformPtr(std::move(made));
}
}  // namespace

Maker LevelMaker() {
  return {"level", {"levels", "max_levels", "min_count"}, FitLevel, ParseLevel};
}

}  // namespace vitrine::data::features
