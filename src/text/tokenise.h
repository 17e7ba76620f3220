/// Text -> tokens, the one way for search, features and content models.
/// Road: NFKC and case folding (ICU) -> runs by script -> Latin and digit runs kept whole and
/// stemmed (Snowball English), Han runs cut into words, other scripts by run.
/// Threads: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace vitrine::text {

struct TokenOptions {
  bool stem = true;          ///< English stems: "shoes" -> "shoe"
  std::size_t longest = 64;  ///< bytes; longer tokens are cut
};

/// Appends the tokens of `text` to `tokens`. Bytes that are not UTF-8 separate tokens.
void Tokenise(std::string_view text, const TokenOptions& options, std::vector<std::string>& tokens);

/// NFKC, case folded, runs of white space as one blank. Not UTF-8: U+FFFD.
std::string Normalise(std::string_view text);

}  // namespace vitrine::text
