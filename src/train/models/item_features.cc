#include "train/models/item_features.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <unordered_map>

#include "text/tokenise.h"

namespace vitrine::train {
namespace {

constexpr double kSaturation = 1.2;         // BM25's k1
constexpr double kLengthShare = 0.75;       // BM25's b
constexpr std::string_view kLevel = " > ";  // between the levels of a category path

/// Feature -> what its field weighs times how often the item has it, before the idf.
using Words = std::map<std::uint32_t, double>;

/// Numbers features by first sight and counts the items that have them.
class Dictionary {
 public:
  std::uint32_t NumberOf(char field, std::string_view text) {
    std::string key(1, field);
    key += text;
    const auto [at, fresh] = numbers_.emplace(std::move(key), numbers_.size());
    return static_cast<std::uint32_t>(at->second);
  }
  [[nodiscard]] std::size_t size() const { return numbers_.size(); }

 private:
  std::unordered_map<std::string, std::size_t> numbers_;
};

void AddCategories(const Item& item, double weight, Dictionary& dictionary, Words& words) {
  for (const std::string& path : item.categories) {
    for (std::size_t end = path.find(kLevel);; end = path.find(kLevel, end + kLevel.size())) {
      words[dictionary.NumberOf('c', std::string_view(path).substr(0, end))] = weight;
      if (end == std::string::npos) {
        break;
      }
    }
  }
}

/// Title words by their count in each title, and how long titles are.
class Titles {
 public:
  /// Adds the pairs to `words` right away.
  void Add(std::size_t item, std::string_view title, double phrases, Dictionary& dictionary,
           Words& words) {
    tokens_.clear();
    text::Tokenise(title, {}, tokens_);
    for (std::size_t t = 1; t < tokens_.size() && phrases > 0; ++t) {
      words[dictionary.NumberOf('p', tokens_[t - 1] + ' ' + tokens_[t])] = phrases;
    }
    for (const std::string& token : tokens_) {
      counts_[item][dictionary.NumberOf('t', token)] += 1;
    }
    all_ += static_cast<double>(tokens_.size());
    titles_ += tokens_.empty() ? 0 : 1;
    lengths_[item] = static_cast<double>(tokens_.size());
  }

  void Saturate(std::size_t item, double weight, Words& words) {
    for (const auto& [word, count] : counts_[item]) {
      const double length = 1 - kLengthShare + kLengthShare * lengths_[item] * titles_ / all_;
      words[word] = weight * count * (kSaturation + 1) / (count + kSaturation * length);
    }
  }

 private:
  std::unordered_map<std::size_t, Words> counts_;
  std::unordered_map<std::size_t, double> lengths_;
  std::vector<std::string> tokens_;
  double all_ = 0;
  double titles_ = 0;
};

std::vector<Words> WordsOf(const std::vector<const Item*>& items, const FieldWeights& fields,
                           Dictionary& dictionary) {
  std::vector<Words> words(items.size());
  Titles titles;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i] == nullptr) {
      continue;
    }
    const Item& item = *items[i];
    if (fields.brand > 0 && !item.brand.empty()) {
      words[i][dictionary.NumberOf('b', text::Normalise(item.brand))] = fields.brand;
    }
    if (fields.categories > 0) {
      AddCategories(item, fields.categories, dictionary, words[i]);
    }
    for (const std::string& tag : fields.tags > 0 ? item.tags : std::vector<std::string>()) {
      words[i][dictionary.NumberOf('g', text::Normalise(tag))] = fields.tags;
    }
    if (fields.title > 0 || fields.phrases > 0) {
      titles.Add(i, item.title, fields.phrases, dictionary, words[i]);
    }
  }
  for (std::size_t i = 0; i < items.size() && fields.title > 0; ++i) {
    titles.Saturate(i, fields.title, words[i]);
  }
  return words;
}

}  // namespace

ItemFeatures FeaturesOfItems(const std::vector<const Item*>& items, const FieldWeights& fields,
                             std::size_t widest) {
  Dictionary dictionary;
  const std::vector<Words> words = WordsOf(items, fields, dictionary);
  std::vector<std::size_t> holders(dictionary.size(), 0);
  double described = 0;
  for (const Words& own : words) {
    described += own.empty() ? 0 : 1;
    for (const auto& [feature, weight] : own) {
      ++holders[feature];
    }
  }
  ItemFeatures table;
  table.features = dictionary.size();
  for (const Words& own : words) {
    // What is left out still belongs to the item's length: sharing the rest then says less.
    double squares = 0;
    const std::size_t first = table.entries.size();
    for (const auto& [feature, weight] : own) {
      const auto items_with = static_cast<double>(holders[feature]);
      const double value = weight * std::log(1 + described / items_with);
      squares += value * value;
      if (holders[feature] > 1 && holders[feature] <= widest) {
        table.entries.push_back({feature, static_cast<float>(value)});
      }
    }
    const auto length = static_cast<float>(std::sqrt(squares));
    for (std::size_t e = first; e < table.entries.size(); ++e) {
      table.entries[e].weight /= length;
    }
    table.begin.push_back(table.entries.size());
  }
  return table;
}

}  // namespace vitrine::train
