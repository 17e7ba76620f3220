/// Chinese word segmentation (cppjieba, query mode: long words are also given in their parts).
/// The dictionary takes about half a second and 110 MB; it is loaded when the first Chinese text
/// comes, or by Load().
/// Threads: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace vitrine::text {

/// Where the dictionary lies; the build's own place unless a program says otherwise. To be called
/// before the first use.
void SetChineseDictionary(std::string folder);

/// Loads the dictionary now. Errors: kNotFound (names the folder and the setting).
Status LoadChineseDictionary();
[[nodiscard]] bool ChineseDictionaryLoaded();

/// Appends the words of a run of Han characters. Without a dictionary: each pair of neighbouring
/// characters, so that search still finds what contains the query.
void CutChinese(std::string_view run, std::vector<std::string>& words);

}  // namespace vitrine::text
