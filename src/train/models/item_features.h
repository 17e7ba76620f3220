/// What the catalogue says of an item as weighted words: brand, category levels, tags, title words and pairs of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/catalogue.h"

namespace vitrine::train {

/// How much each field counts; 0 leaves it out.
struct FieldWeights {
  double title = 1;
  double phrases = 0.5;  ///< two words of the title that stand together
  double brand = 2;
  double categories = 0.5;
  double tags = 1;
};

/// One feature of one item.
struct ItemFeature {
  std::uint32_t feature;
  float weight;
};

/// Row i holds the features of item i, by rising number, of length 1 as a vector (or none).
struct ItemFeatures {
  std::vector<std::size_t> begin = {0};
  std::vector<ItemFeature> entries;
  std::size_t features = 0;  ///< distinct ones
};

/// A field's weight times log(1 + N / n) with n of the N described items having the feature; title words
/// also times BM25's saturation by their count and the title's length. A category path has a feature for each of its
/// levels. Features of one item only, or of more than `widest`, are left out: the first joins nothing, the others say
/// little and cost n^2. `items` may hold null.
/// Source:  Robertson & Zaragoza, The probabilistic relevance framework: BM25 and beyond, 2009, section 3.4 (k1 = 1.2,
///          b = 0.75). Words: text/tokenise.h.
ItemFeatures FeaturesOfItems(const std::vector<const Item*>& items, const FieldWeights& fields,
                             std::size_t widest);

}  // namespace vitrine::train
