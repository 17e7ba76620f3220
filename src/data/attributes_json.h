/// Free attributes as a JSON object, in files and in the lake's columns.
/// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "core/catalogue.h"

namespace vitrine::data {

/// Booleans, numbers, texts, lists of texts; other values as their JSON. Not an object: empty.
Attributes AttributesFromJson(std::string_view json);
std::string AttributesToJson(const Attributes& attributes);

}  // namespace vitrine::data
