#include "data/attributes_json.h"

#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace vitrine::data {
namespace {
using nlohmann::json;

std::string TextOf(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace

Attributes AttributesFromJson(std::string_view text) {
  Attributes out;
  const json parsed = text.empty() ? json() : json::parse(text, nullptr, false);
  if (!parsed.is_object()) {
    return out;
  }
  for (const auto& [name, value] : parsed.items()) {
    if (value.is_boolean()) {
      out[name] = value.get<bool>();
    } else if (value.is_number()) {
      out[name] = value.get<double>();
    } else if (value.is_array()) {
      std::vector<std::string> texts;
      for (const json& element : value) {
        texts.push_back(TextOf(element));
      }
      out[name] = std::move(texts);
    } else if (!value.is_null()) {
      out[name] = TextOf(value);
    }
  }
  return out;
}

std::string AttributesToJson(const Attributes& attributes) {
  json out = json::object();
  for (const auto& [name, value] : attributes) {
    std::visit([&](const auto& held) { out[name] = held; }, value);
  }
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace vitrine::data
