#include <algorithm>
#include <limits>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/check.h"
#include "data/feature_spec.h"

namespace vitrine::data {

Vocabulary::Vocabulary(std::vector<std::string> ids) : ids_(std::move(ids)) {
  CHECK(ids_.size() < std::numeric_limits<ItemIndex>::max() - kFirstItem);
  by_id_.resize(ids_.size());
  std::iota(by_id_.begin(), by_id_.end(), kFirstItem);
  std::sort(by_id_.begin(), by_id_.end(),
            [this](ItemIndex a, ItemIndex b) { return Id(a) < Id(b); });
  for (std::size_t i = 0; i < by_id_.size(); ++i) {
    CHECK(!Id(by_id_[i]).empty());
    CHECK(i == 0 || Id(by_id_[i - 1]) != Id(by_id_[i]));
  }
}

ItemIndex Vocabulary::Find(std::string_view id) const {
  const auto at = std::lower_bound(by_id_.begin(), by_id_.end(), id,
                                   [this](ItemIndex a, std::string_view b) { return Id(a) < b; });
  return at != by_id_.end() && Id(*at) == id ? *at : kUnknownItem;
}

std::string_view Vocabulary::Id(ItemIndex index) const {
  if (index < kFirstItem || index >= width()) {
    return {};
  }
  return ids_[index - kFirstItem];
}

std::string Vocabulary::ToText() const {
  std::string text;
  for (const std::string& id : ids_) {
    text += id;
    text += '\n';
  }
  return text;
}

Result<Vocabulary> Vocabulary::Parse(std::string_view text) {
  if (!text.empty() && text.back() != '\n') {
    return InvalidArgument("vocabulary: the last line has no end; the file was cut off");
  }
  std::vector<std::string> ids;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == 0) {
      return InvalidArgument(fmt::format("vocabulary: line {} is empty", ids.size() + 1));
    }
    ids.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  std::vector<std::string_view> sorted(ids.begin(), ids.end());
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice != sorted.end()) {
    return InvalidArgument(fmt::format("vocabulary: id '{}' stands there twice", *twice));
  }
  return Vocabulary(std::move(ids));
}

}  // namespace vitrine::data
