/// What a graph is written with: values by name, axes, attributes of operators (graph/builder.h).
/// Threads: values.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/tensor.h"

namespace vitrine::graph {

/// A tensor inside one graph, by name. An empty one is a left-out optional input.
struct Value {
  std::string name;
};

/// One axis: a size, or a name where the size is free ("batch").
class Dim {
 public:
  template <std::integral T>
  Dim(T size) : size_(static_cast<std::int64_t>(size)) {}  // NOLINT(google-explicit-constructor)
  Dim(const char* name) : name_(name) {}                   // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool free() const { return !name_.empty(); }
  [[nodiscard]] std::int64_t size() const { return size_; }
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  std::int64_t size_ = -1;
  std::string name_;
};

/// An operator's attribute: {"axis", 1}, {"perm", Ints{0, 2, 1}}, {"epsilon", 1e-8F}.
using Ints = std::vector<std::int64_t>;
using Strings = std::vector<std::string>;
using AttributeValue =
    std::variant<std::int64_t, float, std::string, Ints, std::vector<float>, Strings, Tensor>;
struct Attribute {
  template <typename T>
  Attribute(std::string n, T v) : name(std::move(n)), value(Wider(std::move(v))) {}
  std::string name;
  AttributeValue value;

 private:
  template <typename T>
  static T Wider(T v) {
    return v;
  }
  static std::int64_t Wider(int v) { return v; }
  static std::string Wider(const char* v) { return v; }
};

}  // namespace vitrine::graph
