#include "adapters/duckdb/sorted_numbers.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>

namespace vitrine::duckdb {
namespace {

using monitor::FrameSide;
using monitor::ValueCounts;

constexpr unsigned kDigitBits = 11;
constexpr std::size_t kDigits = 6;
constexpr std::size_t kBuckets = std::size_t{1} << kDigitBits;
constexpr std::size_t kPiece = 4096;
constexpr double kEnd = std::numeric_limits<double>::infinity();  // above every finite value
constexpr std::size_t kSmall = 2048;  // below it the standard sort is faster

/// Bits whose order as a whole number is the order of the doubles.
std::uint64_t KeyOf(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value + 0.0);
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63U;
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

double ValueOf(std::uint64_t key) {
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63U;
  return std::bit_cast<double>((key & kSign) != 0 ? key ^ kSign : ~key);
}

class InMemory final : public monitor::SortedNumbers {
 public:
  InMemory(std::vector<double> reference, std::vector<double> current)
      : reference_(std::move(reference)), current_(std::move(current)) {}

  [[nodiscard]] double values(FrameSide side) const override {
    return static_cast<double>(side == FrameSide::kReference ? reference_.size() : current_.size());
  }

  [[nodiscard]] Status Visit(const OnValues& visit) override {
    std::vector<ValueCounts> piece(kPiece);
    std::size_t filled = 0;
    std::size_t i = 0;
    std::size_t j = 0;
    const std::size_t n = reference_.size();
    const std::size_t m = current_.size();
    while (i < n || j < m) {
      // Which side is next is a coin toss: decided without a branch, which would cost 10 ns.
      const double a = i < n ? reference_[i] : kEnd;
      const double b = j < m ? current_[j] : kEnd;
      const double value = a <= b ? a : b;
      std::size_t in_a = a == value ? 1 : 0;
      std::size_t in_b = b == value ? 1 : 0;
      while (i + in_a < n && reference_[i + in_a] == value) {
        ++in_a;
      }
      while (j + in_b < m && current_[j + in_b] == value) {
        ++in_b;
      }
      i += in_a;
      j += in_b;
      piece[filled++] = {value, static_cast<double>(in_a), static_cast<double>(in_b)};
      if (filled == kPiece) {
        visit(piece);
        filled = 0;
      }
    }
    visit(std::span(piece).first(filled));
    return Status::Ok();
  }

  [[nodiscard]] Status CountBins(const std::vector<monitor::Cut>& cuts,
                                 std::vector<ValueCounts>& bins) override {
    bins.assign(cuts.size() + 1, {});
    const auto count = [&](const std::vector<double>& values, double ValueCounts::* side) {
      auto from = values.begin();
      for (std::size_t bin = 0; bin <= cuts.size(); ++bin) {
        const auto to = bin == cuts.size() ? values.end()
                        : cuts[bin].above  ? std::upper_bound(from, values.end(), cuts[bin].value)
                                           : std::lower_bound(from, values.end(), cuts[bin].value);
        bins[bin].*side = static_cast<double>(to - from);
        from = to;
      }
    };
    count(reference_, &ValueCounts::reference);
    count(current_, &ValueCounts::current);
    return Status::Ok();
  }

 private:
  std::vector<double> reference_;
  std::vector<double> current_;
};

class OfQuery final : public monitor::SortedNumbers {
 public:
  OfQuery(Database& database, std::string query, double reference, double current)
      : database_(database), query_(std::move(query)), reference_(reference), current_(current) {}

  [[nodiscard]] double values(FrameSide side) const override {
    return side == FrameSide::kReference ? reference_ : current_;
  }

  [[nodiscard]] Status Visit(const OnValues& visit) override {
    ASSIGN_OR_RETURN(Rows rows, database_.Query(query_));
    std::vector<ValueCounts> piece;
    while (true) {
      ASSIGN_OR_RETURN(const bool more, rows.Next());
      if (!more) {
        return Status::Ok();
      }
      piece.clear();
      for (std::size_t row = 0; row < rows.size(); ++row) {
        piece.push_back({rows.Number(0, row), rows.Number(1, row), rows.Number(2, row)});
      }
      visit(piece);
    }
  }

  [[nodiscard]] Status CountBins(const std::vector<monitor::Cut>& cuts,
                                 std::vector<ValueCounts>& bins) override {
    bins.assign(cuts.size() + 1, {});
    std::size_t bin = 0;  // values ascend, so bins do
    return Visit([&](std::span<const ValueCounts> values) {
      for (const ValueCounts& v : values) {
        while (bin < cuts.size() &&
               (cuts[bin].above ? v.value > cuts[bin].value : v.value >= cuts[bin].value)) {
          ++bin;
        }
        bins[bin].reference += v.reference;
        bins[bin].current += v.current;
      }
    });
  }

 private:
  Database& database_;
  std::string query_;
  double reference_;
  double current_;
};

}  // namespace

void SortFinite(std::vector<double>& values) {
  if (values.size() < kSmall) {
    std::sort(values.begin(), values.end());
    return;
  }
  std::vector<std::uint64_t> keys(values.size());
  std::vector<std::array<std::uint32_t, kBuckets>> counts(kDigits);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint64_t key = KeyOf(values[i]);
    keys[i] = key;
    for (std::size_t d = 0; d < kDigits; ++d) {
      ++counts[d][(key >> (d * kDigitBits)) % kBuckets];
    }
  }
  auto* from = keys.data();
  std::vector<std::uint64_t> other(values.size());
  auto* to = other.data();
  for (std::size_t d = 0; d < kDigits; ++d) {
    std::array<std::uint32_t, kBuckets>& count = counts[d];
    if (count[(from[0] >> (d * kDigitBits)) % kBuckets] == values.size()) {
      continue;  // all share this digit
    }
    std::uint32_t place = 0;
    for (std::uint32_t& c : count) {
      place += std::exchange(c, place);
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::uint64_t key = from[i];
      to[count[(key >> (d * kDigitBits)) % kBuckets]++] = key;
    }
    std::swap(from, to);
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = ValueOf(from[i]);
  }
}

std::unique_ptr<monitor::SortedNumbers> NumbersInMemory(std::vector<double> reference,
                                                        std::vector<double> current) {
  return std::make_unique<InMemory>(std::move(reference), std::move(current));
}

std::unique_ptr<monitor::SortedNumbers> NumbersOfQuery(Database& database, std::string query,
                                                       double reference, double current) {
  return std::make_unique<OfQuery>(database, std::move(query), reference, current);
}

}  // namespace vitrine::duckdb
