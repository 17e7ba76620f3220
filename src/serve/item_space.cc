#include "serve/item_space.h"

namespace vitrine::serve {

Result<ItemSpace> ItemSpace::OfVocabulary(const data::Vocabulary& vocabulary, data::EventLog& log) {
  ItemSpace space;
  space.numbers_.assign(vocabulary.width(), 0);
  for (ItemIndex index = kFirstItem; index < vocabulary.width(); ++index) {
    ASSIGN_OR_RETURN(const data::ItemNumber number, log.InternItem(vocabulary.Id(index)));
    space.numbers_[index] = number;
    if (number >= space.indexes_.size()) {
      space.indexes_.resize(number + std::size_t{1}, kUnknownItem);
    }
    space.indexes_[number] = index;
  }
  return space;
}

ItemSpace ItemSpace::OfNumbers(std::size_t numbers) {
  ItemSpace space;
  space.numbers_.assign(numbers + kFirstItem, 0);
  space.indexes_.resize(numbers);
  for (std::size_t number = 0; number < numbers; ++number) {
    space.numbers_[number + kFirstItem] = static_cast<data::ItemNumber>(number);
    space.indexes_[number] = static_cast<ItemIndex>(number + kFirstItem);
  }
  return space;
}

}  // namespace vitrine::serve
