/// The dictionary: what explanations say, in English and Chinese. A phrase without words in both does not compile.
/// Threads: pure.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "core/status.h"

namespace vitrine::explain {

enum class Language : std::uint8_t { kEnglish, kChinese };
/// "en", "zh". Errors: kInvalidArgument, names what there is.
Result<Language> ParseLanguage(std::string_view name);

struct Words {
  std::string_view english;
  std::string_view chinese;

  [[nodiscard]] std::string_view In(Language language) const {
    return language == Language::kChinese ? chinese : english;
  }
};

/// {0}, {1}, ... stand for values.
enum class Phrase : std::uint8_t {
  // Parts of a score. {0}: the attribute
  kUserRaises,
  kUserLowers,
  kContextRaises,
  kContextLowers,
  // Where it stands. {0}: places
  kVariedUp,
  kVariedUpOne,
  kVariedDown,
  kVariedDownOne,
  kHasNewPlace,
  kMadeRoomMany,
  kMadeRoomOne,
  // Why an item is not in an answer. {0}: the rule
  kIsShown,
  kIsDown,
  kIsOutOfStock,
  kIsNotInCatalogue,
  kIsHiddenByRule,
  kIsHiddenByUser,
  kIsBought,
  kIsSeen,
  kIsExcluded,
  kIsNotIncluded,
  kIsNoMatch,
  kIsAskedAbout,
  kIsNotInModel,
  kIsNotCandidate,
  kIsOverBrandLimit,
  kIsOverCategoryLimit,
  kIsTooNearItsBrand,
  kIsTooAlike,
  kIsDisplacedByNew,
  kIsMovedByRules,
  kIsMovedByAllRules,
  kIsDisplacedByPin,
  kIsOutranked,
  kAnswerChanged,
  // What a version's answers rest on.
  kRestsOn,       ///< {0}: answers, {1}: the version
  kGained,        ///< {0}: feature, {1}: share before, {2}: share now
  kLost,          ///< the same
  kAgrees,        ///< {0}: nDCG
  kDiffers,       ///< {0}: nDCG, {1}: the least that agrees
  kLiveAgrees,    ///< {0}: nDCG
  kLiveDiffers,   ///< {0}: nDCG, {1}: the least that agrees
  kNoLiveWindow,  ///< {0}: answers so far, {1}: answers needed
  kLast = kNoLiveWindow,
};

Words WordsOf(Phrase phrase);

/// The phrase with its values. A value may hold braces: they stay as they are.
std::string Say(Phrase phrase, Language language,
                std::initializer_list<std::string_view> values = {});

}  // namespace vitrine::explain
