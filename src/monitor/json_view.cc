#include "monitor/json_view.h"

#include <simdjson.h>
#include <bit>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
#include <utility>

namespace vitrine::monitor {
namespace {

using Element = simdjson::dom::element;
static_assert(std::is_trivially_copyable_v<Element> &&
              sizeof(Element) == sizeof(std::array<std::uint64_t, 2>));

[[noreturn]] void Fail(simdjson::error_code error) {
  throw nlohmann::json::other_error::create(501, simdjson::error_message(error), nullptr);
}

template <typename T>
T Of(simdjson::simdjson_result<T> result) {
  if (result.error() != simdjson::SUCCESS) {
    Fail(result.error());
  }
  return result.value_unsafe();
}

Element ElementOf(const std::array<std::uint64_t, 2>& kept) { return std::bit_cast<Element>(kept); }

simdjson::dom::array ArrayOf(const std::array<std::uint64_t, 2>& kept) {
  return Of(ElementOf(kept).get_array());
}

simdjson::dom::array ArrayOf(const std::array<std::uint64_t, 2>& kept, std::size_t size) {
  const simdjson::dom::array array = ArrayOf(kept);
  if (array.size() != size) {
    Fail(simdjson::INDEX_OUT_OF_BOUNDS);
  }
  return array;
}

template <typename T>
T Within(std::int64_t value) {
  if (!std::in_range<T>(value)) {
    Fail(simdjson::NUMBER_OUT_OF_RANGE);
  }
  return static_cast<T>(value);
}

}  // namespace

JsonView JsonView::at(std::size_t place) const {
  JsonView view;
  view.element_ = std::bit_cast<decltype(element_)>(Of(ElementOf(element_).at(place)));
  return view;
}

JsonView JsonView::at(std::string_view key) const {
  JsonView view;
  view.element_ = std::bit_cast<decltype(element_)>(Of(ElementOf(element_).at_key(key)));
  return view;
}

std::size_t JsonView::size() const { return ArrayOf(element_).size(); }

bool JsonView::contains(std::string_view key) const {
  return ElementOf(element_).at_key(key).error() == simdjson::SUCCESS;
}

void JsonView::Read(bool& value) const { value = Of(ElementOf(element_).get_bool()); }
void JsonView::Read(double& value) const { value = Of(ElementOf(element_).get_double()); }
void JsonView::Read(std::uint64_t& value) const { value = Of(ElementOf(element_).get_uint64()); }

void JsonView::Read(std::vector<double>& values) const {
  for (const Element one : ArrayOf(element_)) {
    values.push_back(Of(one.get_double()));
  }
}

void JsonView::Read(std::vector<int>& values) const {
  for (const Element one : ArrayOf(element_)) {
    values.push_back(Within<int>(Of(one.get_int64())));
  }
}

void JsonView::Read(std::vector<std::uint64_t>& values) const {
  for (const Element one : ArrayOf(element_)) {
    values.push_back(Of(one.get_uint64()));
  }
}

void JsonView::ReadExactly(std::span<double> values) const {
  std::size_t at = 0;
  for (const Element one : ArrayOf(element_, values.size())) {
    values[at++] = Of(one.get_double());
  }
}

void JsonView::ReadExactly(std::span<std::uint32_t> values) const {
  std::size_t at = 0;
  for (const Element one : ArrayOf(element_, values.size())) {
    values[at++] = Within<std::uint32_t>(Of(one.get_int64()));
  }
}

struct JsonDocument::Impl {
  simdjson::dom::parser parser;
};

JsonDocument::JsonDocument() : impl_(std::make_unique<Impl>()) {}
JsonDocument::~JsonDocument() = default;

JsonView JsonDocument::Parse(std::string_view text) {
  JsonView view;
  view.element_ =
      std::bit_cast<decltype(view.element_)>(Of(impl_->parser.parse(text.data(), text.size())));
  return view;
}

}  // namespace vitrine::monitor
