#include "explain/sentence.h"

#include <gtest/gtest.h>

namespace vitrine::explain {
namespace {

using serve::Reason;
using serve::ReasonKind;

std::string En(const Reason& reason, std::string_view title = "", std::string_view source = "") {
  return Sentence(reason, title, source, Language::kEnglish);
}
std::string Zh(const Reason& reason, std::string_view title = "", std::string_view source = "") {
  return Sentence(reason, title, source, Language::kChinese);
}

TEST(Sentence, SaysWhatWasDoneWithTheItem) {
  Reason reason{.kind = ReasonKind::kHistory, .type = EventType::kPurchase, .contribution = 0.5};
  EXPECT_EQ(En(reason, "Green Tea"), "Because you bought Green Tea");
  EXPECT_EQ(Zh(reason, "绿茶"), "因为你购买了 绿茶");
  reason.type = EventType::kView;
  EXPECT_EQ(En(reason, "Green Tea"), "Because you viewed Green Tea");
  EXPECT_EQ(Zh(reason, "绿茶"), "因为你浏览了 绿茶");
  reason.contribution = -0.5;
  EXPECT_EQ(En(reason, "Green Tea"), "Counts less because you viewed Green Tea");
  EXPECT_EQ(Zh(reason, "绿茶"), "因为你浏览了 绿茶，分数降低");
}

TEST(Sentence, ATitleMayHoldTheSignsOfThePattern) {
  const Reason reason{.kind = ReasonKind::kHistory, .type = EventType::kPurchase};
  EXPECT_EQ(En(reason, "A$AP @ Home"), "Because you bought A$AP @ Home");
}

TEST(Sentence, NamesTheRuleAndWhatItDid) {
  Reason reason{.kind = ReasonKind::kRule, .rule = "summer", .contribution = 1};
  EXPECT_EQ(En(reason), "Raised by the shop's rule \"summer\"");
  EXPECT_EQ(Zh(reason), "店铺规则“summer”提升了它");
  reason.contribution = -1;
  EXPECT_EQ(En(reason), "Lowered by the shop's rule \"summer\"");
  reason.contribution = 0;
  EXPECT_EQ(En(reason), "Placed here by the shop's rule \"summer\"");
  EXPECT_EQ(Zh(reason), "店铺规则“summer”把它放在这里");
}

TEST(Sentence, SaysHowFarVarietyAndNewItemsMovedIt) {
  Reason reason{.kind = ReasonKind::kDiversity, .places = 3};
  EXPECT_EQ(En(reason), "Moved up 3 places for variety: it is less like what stands above");
  EXPECT_EQ(Zh(reason), "为增加多样性上移 3 位：与前面的商品差异更大");
  reason.places = -1;
  EXPECT_EQ(En(reason), "Moved down a place for variety: it is more like what stands above");
  EXPECT_EQ(Zh(reason), "为增加多样性下移 1 位：与前面的商品更相似");
  reason.kind = ReasonKind::kExposure;
  EXPECT_EQ(En(reason), "Moved down a place to make room for new items");
  EXPECT_EQ(Zh(reason), "为新品让位，下移 1 位");
  reason.places = 0;  // a new item that no order held
  EXPECT_EQ(En(reason), "The shop keeps this place for a new item");
  EXPECT_EQ(Zh(reason), "店铺为新品保留的位置");
}

TEST(Sentence, TellsTheFallbacksApart) {
  const Reason reason{.kind = ReasonKind::kPopularity};
  EXPECT_EQ(En(reason, "", "fallback:popularity"), "Popular in this shop");
  EXPECT_EQ(Zh(reason, "", "fallback:popularity"), "本店热门");
  EXPECT_EQ(En(reason, "", "fallback:trending"), "Popular in this shop right now");
  EXPECT_EQ(Zh(reason, "", "fallback:category"), "同类商品中的热门");
}

TEST(Sentence, EveryKindHasWordsInBothLanguages) {
  for (int k = 0; k <= static_cast<int>(ReasonKind::kExposure); ++k) {
    for (int t = 0; t < kEventTypes; ++t) {
      const Reason reason{.kind = static_cast<ReasonKind>(k), .type = static_cast<EventType>(t)};
      EXPECT_FALSE(En(reason, "x").empty());
      EXPECT_FALSE(Zh(reason, "x").empty());
      EXPECT_NE(En(reason, "x"), Zh(reason, "x"));
    }
  }
}

TEST(Language, IsEnglishOrChinese) {
  EXPECT_EQ(ParseLanguage("en").value(), Language::kEnglish);
  EXPECT_EQ(ParseLanguage("zh").value(), Language::kChinese);
  EXPECT_EQ(ParseLanguage("fr").status().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace vitrine::explain
