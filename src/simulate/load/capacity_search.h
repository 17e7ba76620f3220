/// The highest rate that a server holds: doubled or halved until one rate holds and another does
/// not, then bisected. Pure steps; the caller measures each rate that it is given.
/// Threads: a value.
#pragma once

#include <cstdint>
#include <optional>

namespace vitrine::simulate {

struct CapacityOptions {
  double first = 100;        ///< requests a second
  double resolution = 0.05;  ///< ends where the bracket is this share of its lower end, or less
  double lowest = 1;         ///< below it nothing is tried
  double highest = 1e6;      ///< above it nothing is tried
};

class CapacitySearch {
 public:
  explicit CapacitySearch(const CapacityOptions& options = {});

  /// The rate to measure; none where the search has ended.
  [[nodiscard]] std::optional<double> next() const;
  /// What came of next(). Precondition: there is one.
  void Tell(bool holds);

  /// The highest rate that held; 0 where none did.
  [[nodiscard]] double holds() const { return holds_; }
  /// The lowest rate above it that did not; 0 where every one held.
  [[nodiscard]] double fails() const { return fails_; }

 private:
  CapacityOptions options_;
  double next_;
  double holds_ = 0;
  double fails_ = 0;
  bool ended_ = false;
};

}  // namespace vitrine::simulate
