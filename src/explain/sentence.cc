#include "explain/sentence.h"

#include <cstdlib>

namespace vitrine::explain {
namespace {

// What was done with the item: "you ... X".
Words Deed(EventType type) {
  switch (type) {
    case EventType::kPurchase:
      return {"bought", "购买了"};
    case EventType::kCart:
      return {"put in your cart", "加购了"};
    case EventType::kFavourite:
      return {"saved", "收藏了"};
    case EventType::kRating:
      return {"rated", "评价了"};
    case EventType::kLike:
      return {"liked", "喜欢"};
    case EventType::kShare:
      return {"shared", "分享了"};
    case EventType::kClick:
      return {"clicked", "点击了"};
    case EventType::kDwell:
      return {"took a long look at", "细看过"};
    case EventType::kReturn:
      return {"returned", "退回了"};
    case EventType::kHide:
      return {"hid", "屏蔽了"};
    case EventType::kImpression:
      return {"were shown", "看到过"};
    default:
      return {"viewed", "浏览了"};
  }
}

std::string Replaced(std::string_view pattern, std::string_view deed, std::string_view name) {
  std::string text;
  for (const char c : pattern) {
    if (c == '$') {
      text += deed;
    } else if (c == '@') {
      text += name;
    } else {
      text += c;
    }
  }
  return text;
}

Words HistoryPattern(double contribution) {
  return contribution < 0 ? Words{"Counts less because you $ @", "因为你$ @，分数降低"}
                          : Words{"Because you $ @", "因为你$ @"};
}

Words RulePattern(double contribution) {
  if (contribution > 0) {
    return {"Raised by the shop's rule \"@\"", "店铺规则“@”提升了它"};
  }
  if (contribution < 0) {
    return {"Lowered by the shop's rule \"@\"", "店铺规则“@”降低了它"};
  }
  return {"Placed here by the shop's rule \"@\"", "店铺规则“@”把它放在这里"};
}

Words PopularityWords(std::string_view source) {
  if (source == "fallback:trending") {
    return {"Popular in this shop right now", "近期本店热门"};
  }
  if (source == "fallback:category") {
    return {"Popular in the same category", "同类商品中的热门"};
  }
  return {"Popular in this shop", "本店热门"};
}

// "user.level" is the user's; "context.hour" the request's.
std::string FeatureSentence(const serve::Reason& reason, Language language) {
  const std::size_t dot = reason.feature.find('.');
  const std::string name =
      dot == std::string::npos ? reason.feature : reason.feature.substr(dot + 1);
  const bool users = reason.feature.starts_with("user.");
  const bool lowers = reason.contribution < 0;
  const Phrase phrase = users ? (lowers ? Phrase::kUserLowers : Phrase::kUserRaises)
                              : (lowers ? Phrase::kContextLowers : Phrase::kContextRaises);
  return Say(phrase, language, {name});
}

std::string PlaceSentence(const serve::Reason& reason, Language language) {
  const std::string places = std::to_string(std::abs(reason.places));
  const bool one = std::abs(reason.places) == 1;
  if (reason.kind == serve::ReasonKind::kDiversity) {
    return Say(reason.places > 0 ? (one ? Phrase::kVariedUpOne : Phrase::kVariedUp)
                                 : (one ? Phrase::kVariedDownOne : Phrase::kVariedDown),
               language, {places});
  }
  return reason.places >= 0
             ? Say(Phrase::kHasNewPlace, language)
             : Say(one ? Phrase::kMadeRoomOne : Phrase::kMadeRoomMany, language, {places});
}

Phrase PhraseOf(serve::AbsenceCause cause) {
  using serve::AbsenceCause;
  switch (cause) {
    case AbsenceCause::kShown:
      return Phrase::kIsShown;
    case AbsenceCause::kDown:
      return Phrase::kIsDown;
    case AbsenceCause::kOutOfStock:
      return Phrase::kIsOutOfStock;
    case AbsenceCause::kNotInCatalogue:
      return Phrase::kIsNotInCatalogue;
    case AbsenceCause::kHiddenByRule:
      return Phrase::kIsHiddenByRule;
    case AbsenceCause::kHiddenByUser:
      return Phrase::kIsHiddenByUser;
    case AbsenceCause::kBought:
      return Phrase::kIsBought;
    case AbsenceCause::kSeen:
      return Phrase::kIsSeen;
    case AbsenceCause::kExcluded:
      return Phrase::kIsExcluded;
    case AbsenceCause::kNotIncluded:
      return Phrase::kIsNotIncluded;
    case AbsenceCause::kNoMatch:
      return Phrase::kIsNoMatch;
    case AbsenceCause::kAskedAbout:
      return Phrase::kIsAskedAbout;
    case AbsenceCause::kNotInModel:
      return Phrase::kIsNotInModel;
    case AbsenceCause::kNotCandidate:
      return Phrase::kIsNotCandidate;
    case AbsenceCause::kBrandLimit:
      return Phrase::kIsOverBrandLimit;
    case AbsenceCause::kCategoryLimit:
      return Phrase::kIsOverCategoryLimit;
    case AbsenceCause::kBrandGap:
      return Phrase::kIsTooNearItsBrand;
    case AbsenceCause::kTooAlike:
      return Phrase::kIsTooAlike;
    case AbsenceCause::kMadeRoom:
      return Phrase::kIsDisplacedByNew;
    case AbsenceCause::kMovedByRules:
      return Phrase::kIsMovedByRules;
    case AbsenceCause::kPinned:
      return Phrase::kIsDisplacedByPin;
    case AbsenceCause::kOutranked:
      return Phrase::kIsOutranked;
  }
  return Phrase::kIsOutranked;
}

}  // namespace

std::string Sentence(const serve::AbsenceReason& why, Language language) {
  if (why.cause == serve::AbsenceCause::kMovedByRules && why.rule.empty()) {
    return Say(Phrase::kIsMovedByAllRules, language);
  }
  return Say(PhraseOf(why.cause), language, {why.rule});
}

std::string Sentence(const serve::Reason& reason, std::string_view title, std::string_view source,
                     Language language) {
  switch (reason.kind) {
    case serve::ReasonKind::kHistory:
      return Replaced(HistoryPattern(reason.contribution).In(language),
                      Deed(reason.type).In(language), title);
    case serve::ReasonKind::kSimilar:
      return Replaced(Words{"Goes with @", "与 @ 相关"}.In(language), "", title);
    case serve::ReasonKind::kRule:
      return Replaced(RulePattern(reason.contribution).In(language), "", reason.rule);
    case serve::ReasonKind::kBid:
      return std::string(Words{"The advertiser's bid", "广告主出价"}.In(language));
    case serve::ReasonKind::kPopularity:
      return std::string(PopularityWords(source).In(language));
    case serve::ReasonKind::kQuery:
      return Replaced(Words{"Matches your search \"@\"", "与搜索“@”匹配"}.In(language), "", title);
    case serve::ReasonKind::kOutside:
      return std::string(Words{"Scored by another server, which gives no reasons",
                               "由外部服务评分，该服务不提供理由"}
                             .In(language));
    case serve::ReasonKind::kFeature:
      return FeatureSentence(reason, language);
    case serve::ReasonKind::kDiversity:
    case serve::ReasonKind::kExposure:
      return PlaceSentence(reason, language);
    case serve::ReasonKind::kBase:
      return std::string(
          Words{"What the model gives this item without any history", "没有历史时模型给出的基础分"}
              .In(language));
  }
  return "";
}

}  // namespace vitrine::explain
