/// "did you mean": the known name that a mistyped one most likely meant.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace vitrine {

/// The nearest of `known` to `word` (edits: insert, delete, replace, swap of neighbours; case does
/// not count), or empty where even the nearest differs in more than a third of its letters.
/// Threads: any.   Source: restricted Damerau-Levenshtein distance
std::string NearestName(std::string_view word, std::span<const std::string> known);

/// "; did you mean 'x'?" or empty: ready to stand at the end of a message.
std::string DidYouMean(std::string_view word, std::span<const std::string> known);

}  // namespace vitrine
