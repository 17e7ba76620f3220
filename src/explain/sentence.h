/// Reasons in words, for shoppers and operators, in English and Chinese. Deterministic.
#pragma once

#include <string>
#include <string_view>

#include "explain/phrases.h"
#include "serve/reason.h"

namespace vitrine::explain {

/// One reason as a sentence without a full stop: "Because you bought Green Tea",
/// "因为你购买了 Green Tea". `title` names the reason's item, where it has one, or the query of kQuery; `source` is the
/// shown item's ("fallback:trending" reads otherwise than "fallback:popularity").
std::string Sentence(const serve::Reason& reason, std::string_view title, std::string_view source,
                     Language language);

/// Why an item is not in an answer, as a sentence: "It is out of stock", "已售罄".
std::string Sentence(const serve::AbsenceReason& why, Language language);

}  // namespace vitrine::explain
