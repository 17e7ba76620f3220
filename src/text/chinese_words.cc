#include "text/chinese_words.h"

#include <fmt/format.h>

#include <atomic>
#include <exception>
#include <filesystem>
#include <memory>
#include <mutex>
#include <utility>

#include <cppjieba/QuerySegment.hpp>

namespace vitrine::text {
namespace {

struct Dictionary {
  explicit Dictionary(const std::string& folder)
      : words(folder + "/jieba.dict.utf8"),
        model(folder + "/hmm_model.utf8"),
        segment(&words, &model) {}
  cppjieba::DictTrie words;
  cppjieba::HMMModel model;
  cppjieba::QuerySegment segment;
};

struct Place {
  std::mutex mutex;
  std::string folder = VITRINE_CHINESE_DICTIONARY;
  std::unique_ptr<const Dictionary> owned;
  bool tried = false;
  std::atomic<const Dictionary*> dictionary{nullptr};
};

Place& ThePlace() {
  static Place place;
  return place;
}

/// Null where there is none.
const Dictionary* Loaded() {
  Place& place = ThePlace();
  if (const Dictionary* ready = place.dictionary.load(std::memory_order_acquire)) {
    return ready;
  }
  static_cast<void>(LoadChineseDictionary());
  return place.dictionary.load(std::memory_order_acquire);
}

void CutPairs(std::string_view run, std::vector<std::string>& words) {
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < run.size(); ++i) {
    if ((static_cast<unsigned char>(run[i]) & 0xC0U) != 0x80U) {
      starts.push_back(i);
    }
  }
  starts.push_back(run.size());
  if (starts.size() == 2) {
    words.emplace_back(run);
  }
  for (std::size_t i = 0; i + 2 < starts.size(); ++i) {
    words.emplace_back(run.substr(starts[i], starts[i + 2] - starts[i]));
  }
}

}  // namespace

void SetChineseDictionary(std::string folder) {
  Place& place = ThePlace();
  const std::scoped_lock lock(place.mutex);
  place.folder = std::move(folder);
  place.tried = false;
}

Status LoadChineseDictionary() {
  Place& place = ThePlace();
  const std::scoped_lock lock(place.mutex);
  if (place.dictionary.load() != nullptr) {
    return Status::Ok();
  }
  // cppjieba ends the process where a file is missing: look first.
  std::error_code error;
  if (place.tried || !std::filesystem::exists(place.folder + "/jieba.dict.utf8", error) ||
      !std::filesystem::exists(place.folder + "/hmm_model.utf8", error)) {
    place.tried = true;
    return NotFound(
        fmt::format("{}: the Chinese dictionary (jieba.dict.utf8, hmm_model.utf8) is not there; "
                    "set search.chinese_dictionary to its folder",
                    place.folder));
  }
  try {
    place.owned = std::make_unique<const Dictionary>(place.folder);
  } catch (const std::exception& e) {
    place.tried = true;
    return DataLoss(
        fmt::format("{}: the Chinese dictionary cannot be read: {}", place.folder, e.what()));
  }
  place.dictionary.store(place.owned.get(), std::memory_order_release);
  return Status::Ok();
}

bool ChineseDictionaryLoaded() { return ThePlace().dictionary.load() != nullptr; }

void CutChinese(std::string_view run, std::vector<std::string>& words) {
  const Dictionary* dictionary = Loaded();
  if (dictionary == nullptr) {
    CutPairs(run, words);
    return;
  }
  std::vector<std::string> cut;
  dictionary->segment.Cut(std::string(run), cut, /*hmm=*/true);
  for (std::string& word : cut) {
    words.push_back(std::move(word));
  }
}

}  // namespace vitrine::text
