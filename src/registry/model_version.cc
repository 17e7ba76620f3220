#include "registry/model_version.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace vitrine::registry {

std::string VersionRef::ToString() const { return fmt::format("{}:{}", name, number); }

Result<VersionRef> VersionRef::Parse(std::string_view text) {
  const auto colon = text.rfind(':');
  VersionRef ref;
  if (colon != std::string_view::npos) {
    ref.name = text.substr(0, colon);
    const std::string_view digits = text.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), ref.number);
    if (error == std::errc() && end == digits.data() + digits.size() && ref.number > 0 &&
        CheckModelName(ref.name).ok()) {
      return ref;
    }
  }
  return InvalidArgument(
      fmt::format("'{}' is not a model version; write NAME:NUMBER, for example item-knn:3", text));
}

Status CheckModelName(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  const bool edges = !name.empty() && name.size() <= 64 && name.front() != '-' &&
                     name.front() != '_' && name.front() != '.';
  if (edges && std::all_of(name.begin(), name.end(), allowed)) {
    return Status::Ok();
  }
  return InvalidArgument(fmt::format(
      "'{}' cannot name a model: 1 to 64 characters of a-z, 0-9, '-', '_', '.', the first a letter "
      "or digit",
      name));
}

}  // namespace vitrine::registry
