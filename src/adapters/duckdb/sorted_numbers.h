/// monitor::SortedNumbers in memory, and from a query that is sorted already.
#pragma once

#include <bit>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "adapters/duckdb/database.h"
#include "monitor/offline/frame_pair.h"

namespace vitrine::duckdb {

/// Puts finite doubles into ascending order, 0.0 for -0.0. Radix over sign, exponent and the first 21
/// bits of the fraction; the few values that share those are sorted among themselves. About 8 ns a
/// value; keeps 16 bytes a value between sorts, so that columns of one frame share the memory.
/// Threads: one caller.
class FiniteSorter {
 public:
  void Add(double value) { keys_.push_back(KeyOf(value)); }
  /// What was added since the last call.
  std::vector<double> Take();

 private:
  static std::uint64_t KeyOf(double value);
  std::vector<std::uint64_t> keys_;
  std::vector<std::uint64_t> other_;
};

/// Bits whose order as whole numbers is the order of the doubles.
inline std::uint64_t FiniteSorter::KeyOf(double value) {
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63U;
  const auto bits = std::bit_cast<std::uint64_t>(value + 0.0);
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

/// Both sides, each ascending.
std::unique_ptr<monitor::SortedNumbers> NumbersInMemory(std::vector<double> reference,
                                                        std::vector<double> current);

/// Over a query of (value, reference, current), DOUBLE, ascending; asked anew at each visit.
std::unique_ptr<monitor::SortedNumbers> NumbersOfQuery(Database& database, std::string query,
                                                       double reference, double current);

}  // namespace vitrine::duckdb
