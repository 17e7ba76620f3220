/// Protobuf's text format without a schema: fields by name, in order. For files of which only a few fields
/// matter, where a schema's reader stops at what it does not know.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace vitrine::graph {

/// `name: text`, or `name { fields }`; an element of `name: [ … ]` is a field of its own.
struct TextField {
  std::string name;
  std::string text;  ///< a number, word or string as it is meant; empty for a message
  bool message = false;
  std::vector<TextField> fields;
};

/// Errors: kInvalidArgument (line and column of what cannot be read, or is nested deeper than 16).
Result<std::vector<TextField>> ReadTextFields(std::string_view text);

}  // namespace vitrine::graph
