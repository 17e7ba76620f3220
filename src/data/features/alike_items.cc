#include "data/features/alike_items.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data/features/field_transform.h"
#include "data/features/fitted.h"
#include "data/features/options.h"
#include "data/features/source.h"

namespace vitrine::data::features {
namespace {

/// Words are marked with the number of the marking, so that nothing is ever cleared.
struct Marks {
  std::vector<std::uint64_t> of_word;
  std::uint64_t now = 0;
};
Marks& ThreadMarks() {
  thread_local Marks marks;
  return marks;
}

/// The option's field; nothing where it is not there.
Result<std::optional<Source>> SameOption(const FeatureDef& def) {
  const auto at = def.options.find("same");
  if (at == def.options.end()) {
    return std::optional<Source>();
  }
  if (def.source != "user") {
    return FeatureError(def, "option same is of what a user did; source must be \"user\"");
  }
  FeatureDef field = def;
  field.source = at->second;
  ASSIGN_OR_RETURN(Source source, ParseSource(field));
  if (source.owner != Owner::kItem) {
    return FeatureError(def, fmt::format("option same is '{}'; it must be item.FIELD", at->second));
  }
  return std::optional<Source>(std::move(source));
}

}  // namespace

Result<AlikeItems> AlikeItems::Fit(const FeatureDef& def, const FitData& data) {
  ASSIGN_OR_RETURN(const std::optional<Source> source, SameOption(def));
  AlikeItems alike;
  if (!source) {
    return alike;
  }
  RETURN_IF_ERROR(CheckFieldExists(def, *source, data));
  std::map<std::string, std::int64_t, std::less<>> numbers;
  alike.begin_ = {0};
  for (const Item* item : data.catalogue) {
    std::vector<std::string_view> texts;
    TextBuffer buffer;
    const Fields fields{item, nullptr, nullptr};
    AppendTexts(*source, fields, texts);
    if (texts.empty()) {
      if (const auto text = TextOf(*source, fields, buffer)) {
        texts.push_back(*text);
      }
    }
    for (const std::string_view text : texts) {
      if (!text.empty()) {
        const auto next = static_cast<std::int64_t>(numbers.size());
        alike.words_.push_back(numbers.try_emplace(std::string(text), next).first->second);
      }
    }
    alike.begin_.push_back(static_cast<std::int64_t>(alike.words_.size()));
  }
  alike.different_ = numbers.size();
  return alike;
}

Result<AlikeItems> AlikeItems::Parse(const FeatureDef& def, const Json& fitted, std::size_t width) {
  ASSIGN_OR_RETURN(const std::optional<Source> source, SameOption(def));
  AlikeItems alike;
  if (!source) {
    return alike;
  }
  const Json kept = fitted.value("alike", Json::object());
  ASSIGN_OR_RETURN(alike.begin_, FittedInts(def, kept, "begin"));
  ASSIGN_OR_RETURN(alike.words_, FittedInts(def, kept, "words"));
  const auto size = static_cast<std::int64_t>(alike.words_.size());
  const bool whole = alike.begin_.size() == width + 1 && alike.begin_.front() == 0 &&
                     alike.begin_.back() == size &&
                     std::is_sorted(alike.begin_.begin(), alike.begin_.end());
  for (const std::int64_t word : alike.words_) {
    if (word < 0 || word > size) {
      return FeatureError(def, "fitted.alike.words holds no word's number");
    }
    alike.different_ = std::max(alike.different_, static_cast<std::size_t>(word) + 1);
  }
  return whole ? Result<AlikeItems>(std::move(alike))
               : FeatureError(def, "fitted.alike.begin and words do not fit each other");
}

void AlikeItems::Save(Json& fitted) const {
  if (given()) {
    fitted["alike"] = {{"begin", begin_}, {"words", words_}};
  }
}

std::span<const std::int64_t> AlikeItems::WordsOf(ItemIndex item) const {
  if (item + std::size_t{1} >= begin_.size()) {
    return {};
  }
  const auto begin = static_cast<std::size_t>(begin_[item]);
  return std::span(words_).subspan(begin, static_cast<std::size_t>(begin_[item + 1]) - begin);
}

void AlikeItems::Mark(ItemIndex candidate) const {
  Marks& marks = ThreadMarks();
  if (marks.of_word.size() < different_) {
    marks.of_word.resize(different_, 0);
  }
  ++marks.now;
  for (const std::int64_t word : WordsOf(candidate)) {
    marks.of_word[static_cast<std::size_t>(word)] = marks.now;
  }
}

bool AlikeItems::IsMarked(ItemIndex item) const {
  const Marks& marks = ThreadMarks();
  const auto words = WordsOf(item);
  return std::any_of(words.begin(), words.end(), [&marks](std::int64_t word) {
    return marks.of_word[static_cast<std::size_t>(word)] == marks.now;
  });
}

double AlikeItems::Count(const FeatureInput& input, ItemIndex candidate, std::uint32_t types,
                         std::int64_t days) const {
  Mark(candidate);
  const std::int64_t from = input.as_of.value - days * kMicrosPerDay;
  double count = 0;
  for (const HistoryEvent& event : input.history) {
    const bool counts = event.ts.value >= from && event.ts < input.as_of &&
                        (types >> static_cast<unsigned>(event.type) & 1U) != 0;
    count += counts && IsMarked(event.item) ? 1 : 0;
  }
  return count;
}

}  // namespace vitrine::data::features
