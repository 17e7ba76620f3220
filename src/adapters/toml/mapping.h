/// Reads mappings from TOML; mappings/*.toml are the ready ones, built into the library.
/// docs/collect.md is the manual of the format.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/status.h"
#include "data/mapping.h"

namespace vitrine::adapters {

/// `origin` stands in messages, before line and column.
/// Errors: kInvalidArgument: not TOML, an unknown key ("did you mean"), a wrong type or value.
Result<data::Mapping> ParseMapping(std::string_view text, const std::string& origin);

/// A ready mapping by its name, or else a file.
/// Errors: kNotFound (names the ready ones), and ParseMapping's.
Result<data::Mapping> LoadMapping(const std::string& name_or_path);

struct ReadyMapping {
  std::string_view name;
  std::string_view text;
};
/// Sorted by name.
std::span<const ReadyMapping> ReadyMappings();

}  // namespace vitrine::adapters
