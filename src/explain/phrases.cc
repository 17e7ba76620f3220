#include "explain/phrases.h"

#include <algorithm>
#include <array>

namespace vitrine::explain {
namespace {

constexpr std::size_t kPhrases = static_cast<std::size_t>(Phrase::kLast) + 1;

struct Entry {
  Phrase phrase;
  Words words;
};

constexpr std::array<Entry, kPhrases> kDictionary = {{
    {Phrase::kUserRaises, {"Because of your {0}", "因为你的 {0}"}},
    {Phrase::kUserLowers, {"Counts less because of your {0}", "因为你的 {0}，分数降低"}},
    {Phrase::kContextRaises, {"Because of the request's {0}", "因为此次请求的 {0}"}},
    {Phrase::kContextLowers,
     {"Counts less because of the request's {0}", "因为此次请求的 {0}，分数降低"}},
    {Phrase::kVariedUp,
     {"Moved up {0} places for variety: it is less like what stands above",
      "为增加多样性上移 {0} 位：与前面的商品差异更大"}},
    {Phrase::kVariedUpOne,
     {"Moved up a place for variety: it is less like what stands above",
      "为增加多样性上移 1 位：与前面的商品差异更大"}},
    {Phrase::kVariedDown,
     {"Moved down {0} places for variety: it is more like what stands above",
      "为增加多样性下移 {0} 位：与前面的商品更相似"}},
    {Phrase::kVariedDownOne,
     {"Moved down a place for variety: it is more like what stands above",
      "为增加多样性下移 1 位：与前面的商品更相似"}},
    {Phrase::kHasNewPlace, {"The shop keeps this place for a new item", "店铺为新品保留的位置"}},
    {Phrase::kMadeRoomMany,
     {"Moved down {0} places to make room for new items", "为新品让位，下移 {0} 位"}},
    {Phrase::kMadeRoomOne,
     {"Moved down a place to make room for new items", "为新品让位，下移 1 位"}},
    {Phrase::kIsShown, {"It is in the answer", "它在推荐结果中"}},
    {Phrase::kIsDown, {"The shop has taken it down", "已被店铺下架"}},
    {Phrase::kIsOutOfStock, {"It is out of stock", "已售罄"}},
    {Phrase::kIsNotInCatalogue, {"The catalogue does not know it", "商品目录中没有它"}},
    {Phrase::kIsHiddenByRule, {"The shop's rule \"{0}\" hides it", "店铺规则“{0}”隐藏了它"}},
    {Phrase::kIsHiddenByUser, {"The shopper hid it", "顾客屏蔽了它"}},
    {Phrase::kIsBought, {"The shopper has bought it", "顾客已购买过"}},
    {Phrase::kIsSeen, {"The shopper has seen it", "顾客已看过"}},
    {Phrase::kIsExcluded, {"The request leaves it out", "请求排除了它"}},
    {Phrase::kIsNotIncluded, {"The request asks for other items only", "请求只允许其他商品"}},
    {Phrase::kIsNoMatch, {"It does not match the request's filter", "不符合请求的筛选条件"}},
    {Phrase::kIsAskedAbout,
     {"It is the item whose like was asked for", "它就是被询问相似商品的商品"}},
    {Phrase::kIsNotInModel, {"The model does not know it yet", "模型还不认识它"}},
    {Phrase::kIsNotCandidate,
     {"It is not among the candidates that the ranker saw", "没有进入精排的候选集"}},
    {Phrase::kIsOverBrandLimit,
     {"Better items have used up what a brand may have here", "同品牌的名额已被更靠前的商品占满"}},
    {Phrase::kIsOverCategoryLimit,
     {"Better items have used up what a category may have here",
      "同类目的名额已被更靠前的商品占满"}},
    {Phrase::kIsTooNearItsBrand,
     {"It would stand too near another item of its brand", "与同品牌商品间隔过近"}},
    {Phrase::kIsTooAlike,
     {"It is too like what is shown: the scene asks for variety",
      "与已展示的商品过于相似，场景要求多样性"}},
    {Phrase::kIsDisplacedByNew,
     {"Its place is kept for a new item of the shop", "它的位置保留给了店铺新品"}},
    {Phrase::kIsMovedByRules,
     {"The shop's rule \"{0}\" put others before it", "店铺规则“{0}”让其他商品排到了前面"}},
    {Phrase::kIsMovedByAllRules,
     {"The shop's rules put others before it", "店铺规则让其他商品排到了前面"}},
    {Phrase::kIsDisplacedByPin,
     {"The shop's rule \"{0}\" took its place", "店铺规则“{0}”占用了它的位置"}},
    {Phrase::kIsOutranked, {"Others have a higher score", "其他商品得分更高"}},
    {Phrase::kAnswerChanged,
     {"The answer would be another one now: catalogue, rules or filters differ",
      "现在的推荐结果已不同：目录、规则或筛选条件有变化"}},
    {Phrase::kRestsOn,
     {"What {0} answers of {1} rest on, as shares of all contributions",
      "{1} 的 {0} 个结果所依据的内容，按贡献占比"}},
    {Phrase::kGained, {"{0} gained: {1} before, {2} now", "{0} 上升：此前 {1}，现在 {2}"}},
    {Phrase::kLost, {"{0} lost: {1} before, {2} now", "{0} 下降：此前 {1}，现在 {2}"}},
    {Phrase::kAgrees,
     {"Both rest on the same things in the same order: nDCG {0}",
      "两个版本依据的内容及次序一致：nDCG {0}"}},
    {Phrase::kDiffers,
     {"They rest on different things: nDCG {0}, below {1}",
      "两个版本依据的内容不同：nDCG {0}，低于 {1}"}},
    {Phrase::kLiveAgrees,
     {"Live answers rest on what the reference rests on: nDCG {0}",
      "线上结果所依据的内容与基准一致：nDCG {0}"}},
    {Phrase::kLiveDiffers,
     {"Live answers rest on other things than the reference: nDCG {0}, below {1}",
      "线上结果所依据的内容偏离基准：nDCG {0}，低于 {1}"}},
    {Phrase::kNoLiveWindow,
     {"No live window yet: {0} answers, {1} are needed",
      "尚无线上窗口：已有 {0} 个结果，需要 {1} 个"}},
}};

constexpr bool IsComplete() {
  for (std::size_t i = 0; i < kDictionary.size(); ++i) {
    const Entry& entry = kDictionary[i];
    if (static_cast<std::size_t>(entry.phrase) != i || entry.words.english.empty() ||
        entry.words.chinese.empty()) {
      return false;
    }
  }
  return true;
}
static_assert(IsComplete(), "every phrase, in the order of the enumeration, in both languages");

}  // namespace

Result<Language> ParseLanguage(std::string_view name) {
  if (name == "en") {
    return Language::kEnglish;
  }
  if (name == "zh") {
    return Language::kChinese;
  }
  return InvalidArgument("language '" + std::string(name) + "' is not known; use en or zh");
}

Words WordsOf(Phrase phrase) { return kDictionary.at(static_cast<std::size_t>(phrase)).words; }

std::string Say(Phrase phrase, Language language, std::initializer_list<std::string_view> values) {
  const std::string_view pattern = WordsOf(phrase).In(language);
  std::string text;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const bool hole = pattern[i] == '{' && i + 2 < pattern.size() && pattern[i + 2] == '}';
    if (!hole) {
      text += pattern[i];
      continue;
    }
    const auto value = static_cast<std::size_t>(pattern[i + 1] - '0');
    if (value < values.size()) {
      text += values.begin()[value];
    }
    i += 2;
  }
  return text;
}

}  // namespace vitrine::explain
