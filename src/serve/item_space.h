/// A dense numbering of items that one ranking runs over, tied to the shop's stable item numbers.
/// Every id of a vocabulary is interned when its space is made, so a number that is interned later
/// belongs to an item the vocabulary does not hold: the space never has to grow.
/// Threads: immutable.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/history.h"
#include "core/status.h"
#include "data/event_log.h"
#include "data/feature_spec.h"

namespace vitrine::serve {

class ItemSpace {
 public:
  /// Indexes are the vocabulary's.
  /// Errors: those of EventLog::InternItem.
  static Result<ItemSpace> OfVocabulary(const data::Vocabulary& vocabulary, data::EventLog& log);
  /// Every number below `numbers`, in order: index = number + kFirstItem. For answers without a
  /// model.
  static ItemSpace OfNumbers(std::size_t numbers);

  /// Indexes are 0 .. width - 1, padding and unknown included.
  [[nodiscard]] std::size_t width() const { return numbers_.size(); }
  /// kUnknownItem where the space does not hold the number.
  [[nodiscard]] ItemIndex IndexOf(data::ItemNumber number) const {
    return number < indexes_.size() ? indexes_[number] : kUnknownItem;
  }
  /// Precondition: kFirstItem <= index < width().
  [[nodiscard]] data::ItemNumber NumberOf(ItemIndex index) const { return numbers_[index]; }

 private:
  std::vector<data::ItemNumber> numbers_;  // by index; entries 0 and 1 are never read
  std::vector<ItemIndex> indexes_;         // by number
};

}  // namespace vitrine::serve
