/// Reasons in words, for shoppers and operators, in English and Chinese. Deterministic.
#pragma once

#include <string>
#include <string_view>

#include "core/status.h"
#include "serve/recommend.h"

namespace vitrine::explain {

enum class Language : std::uint8_t { kEnglish, kChinese };
/// "en", "zh". Errors: kInvalidArgument, names what there is.
Result<Language> ParseLanguage(std::string_view name);

/// One reason as a sentence without a full stop: "Because you bought Green Tea",
/// "因为你购买了 Green Tea". `title` names the reason's item, where it has one, or the query of kQuery; `source` is the
/// shown item's ("fallback:trending" reads otherwise than "fallback:popularity").
std::string Sentence(const serve::Reason& reason, std::string_view title, std::string_view source,
                     Language language);

}  // namespace vitrine::explain
