#include "search/catalogue_index.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>
#include <variant>

#include "text/tokenise.h"

namespace vitrine::search {
namespace {

enum Field : std::size_t { kTitle, kBrand, kCategory, kText, kAttributes, kFields };

/// Chosen on judged queries over a catalogue of electronics (tests/search); docs/search.md.
Bm25fOptions Options() {
  Bm25fOptions options;
  options.k1 = 0.8;
  options.fields.resize(kFields);
  options.fields[kTitle] = {.weight = 2, .b = 0.5};
  options.fields[kBrand] = {.weight = 2, .b = 0.3};
  options.fields[kCategory] = {.weight = 2, .b = 0.3};
  options.fields[kText] = {.weight = 1, .b = 0.75};
  options.fields[kAttributes] = {.weight = 0.2, .b = 0.75};
  return options;
}

void AddText(const Attribute& attribute, std::vector<std::string>& tokens) {
  if (const auto* text = std::get_if<std::string>(&attribute)) {
    text::Tokenise(*text, {}, tokens);
  } else if (const auto* words = std::get_if<std::vector<std::string>>(&attribute)) {
    for (const std::string& word : *words) {
      text::Tokenise(word, {}, tokens);
    }
  }
}

std::array<std::vector<std::string>, kFields> FieldsOf(const Item& item) {
  std::array<std::vector<std::string>, kFields> fields;
  text::Tokenise(item.title, {}, fields[kTitle]);
  text::Tokenise(item.brand, {}, fields[kBrand]);
  for (const std::string& category : item.categories) {
    text::Tokenise(category, {}, fields[kCategory]);
  }
  for (const std::string& tag : item.tags) {
    text::Tokenise(tag, {}, fields[kCategory]);
  }
  text::Tokenise(item.description, {}, fields[kText]);
  for (const auto& [name, attribute] : item.attributes) {
    AddText(attribute, fields[kAttributes]);
  }
  return fields;
}

}  // namespace

Result<std::shared_ptr<const CatalogueIndex>> CatalogueIndex::Build(std::span<const Item> items,
                                                                    const CatalogueIndex* like) {
  IndexBuilder builder(Options());
  std::vector<std::string> ids;
  ids.reserve(items.size());
  for (const Item& item : items) {
    ids.push_back(item.id);
    builder.Add(FieldsOf(item));
  }
  ASSIGN_OR_RETURN(InvertedIndex index,
                   builder.Build(like == nullptr || like->size() == 0 ? nullptr : &like->index_));
  return std::shared_ptr<const CatalogueIndex>(
      new CatalogueIndex(std::move(ids), std::move(index)));
}

CatalogueIndex::CatalogueIndex(std::vector<std::string> ids, InvertedIndex index)
    : ids_(std::move(ids)), by_id_(ids_.size()), index_(std::move(index)) {
  std::iota(by_id_.begin(), by_id_.end(), 0U);
  std::sort(by_id_.begin(), by_id_.end(),
            [this](std::uint32_t a, std::uint32_t b) { return ids_[a] < ids_[b]; });
}

bool CatalogueIndex::Contains(std::string_view id) const {
  const auto at = std::lower_bound(
      by_id_.begin(), by_id_.end(), id,
      [this](std::uint32_t place, std::string_view wanted) { return ids_[place] < wanted; });
  return at != by_id_.end() && ids_[*at] == id;
}

std::vector<ItemHit> CatalogueIndex::Search(std::string_view query, std::size_t n,
                                            const std::function<bool(std::string_view)>& skip,
                                            bool explain) const {
  std::vector<std::string> terms;
  text::Tokenise(query, {}, terms);
  std::function<bool(DocId)> skip_doc;
  if (skip) {
    skip_doc = [this, &skip](DocId doc) { return skip(ids_[doc]); };
  }
  std::vector<ItemHit> found;
  for (const Hit& hit : index_.Search(terms, n, skip_doc)) {
    ItemHit item{.item_id = ids_[hit.doc], .score = hit.score, .terms = {}};
    if (explain) {
      item.terms = index_.Explain(terms, hit.doc);
    }
    found.push_back(std::move(item));
  }
  return found;
}

}  // namespace vitrine::search
