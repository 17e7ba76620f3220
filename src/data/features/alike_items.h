/// Option `same` of counts and rates over a user's history: only events with items that share a word of
/// one field with the candidate count ("how often did she take things of this brand").
/// Threads: immutable once built.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/history.h"
#include "data/features/transform.h"

namespace vitrine::data::features {

class AlikeItems {
 public:
  /// Not given: every item is like any other.
  AlikeItems() = default;
  /// Of the option `same`, an item's field ("item.brand"); not given where the option is not.
  /// Errors: kInvalidArgument (a source that is not the user; no such field: names the feature).
  static Result<AlikeItems> Fit(const FeatureDef& def, const FitData& data);
  static Result<AlikeItems> Parse(const FeatureDef& def, const Json& fitted, std::size_t width);
  [[nodiscard]] bool given() const { return !begin_.empty(); }
  /// Adds what was fitted as "alike"; nothing where it is not given.
  void Save(Json& fitted) const;

  /// Marks the candidate's words for this thread; then IsMarked says which items share one. Holds until this
  /// thread marks again, for whatever feature.
  void Mark(ItemIndex candidate) const;
  [[nodiscard]] bool IsMarked(ItemIndex item) const;

  /// Events of the named types in [as_of - days, as_of) with items like the candidate. An item without a
  /// word, and the unknown one, are like none.
  [[nodiscard]] double Count(const FeatureInput& input, ItemIndex candidate, std::uint32_t types,
                             std::int64_t days) const;

 private:
  [[nodiscard]] std::span<const std::int64_t> WordsOf(ItemIndex item) const;

  std::vector<std::int64_t> begin_;  // by item, width + 1 offsets into words_
  std::vector<std::int64_t> words_;  // numbers of words
  std::size_t different_ = 0;
};

}  // namespace vitrine::data::features
