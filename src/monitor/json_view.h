/// JSON that was parsed by simdjson, read as nlohmann::json is read, so that one function reads kept counts from
/// either: of a state at start, and of the thousands of rows that a page of hours adds up, where parsing is the cost.
/// Threads: a JsonDocument by one at a time; its views live as long as it and until its next Parse.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace vitrine::monitor {

class JsonView {
 public:
  /// Throw nlohmann::json::exception where it is no array (object), or nothing is there.
  [[nodiscard]] JsonView at(std::size_t place) const;
  [[nodiscard]] JsonView at(std::string_view key) const;
  /// Of an array. Throws as `at`.
  [[nodiscard]] std::size_t size() const;
  /// False where it is no object, too.
  [[nodiscard]] bool contains(std::string_view key) const;
  /// bool, double, std::uint64_t, vectors of double, int and std::uint64_t, arrays of double and std::uint32_t.
  /// Throws nlohmann::json::exception where it is none.
  template <typename T>
  [[nodiscard]] T get() const {
    T value{};
    Read(value);
    return value;
  }

 private:
  friend class JsonDocument;
  void Read(bool& value) const;
  void Read(double& value) const;
  void Read(std::uint64_t& value) const;
  void Read(std::vector<double>& values) const;
  void Read(std::vector<int>& values) const;
  void Read(std::vector<std::uint64_t>& values) const;
  void ReadExactly(std::span<double> values) const;
  void ReadExactly(std::span<std::uint32_t> values) const;
  template <typename T, std::size_t N>
  void Read(std::array<T, N>& values) const {
    ReadExactly(std::span<T>(values));
  }

  /// A simdjson::dom::element, whose header costs seconds of every file that includes it.
  std::array<std::uint64_t, 2> element_{};
};

class JsonDocument {
 public:
  JsonDocument();
  ~JsonDocument();
  JsonDocument(const JsonDocument&) = delete;
  JsonDocument& operator=(const JsonDocument&) = delete;

  /// Throws nlohmann::json::exception where it is no JSON.
  JsonView Parse(std::string_view text);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vitrine::monitor
