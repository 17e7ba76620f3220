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
constexpr unsigned kDigits = 3;
constexpr unsigned kTail = 64 - kDigits * kDigitBits;  // bits that the passes leave out
constexpr std::size_t kBuckets = std::size_t{1} << kDigitBits;
constexpr std::size_t kPiece = 4096;
constexpr double kEnd = std::numeric_limits<double>::infinity();  // above every finite value

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

std::vector<double> FiniteSorter::Take() {
  std::array<std::array<std::uint32_t, kBuckets>, kDigits> counts{};
  for (const std::uint64_t key : keys_) {
    for (unsigned d = 0; d < kDigits; ++d) {
      ++counts[d][(key >> (kTail + d * kDigitBits)) % kBuckets];
    }
  }
  other_.resize(keys_.size());
  for (unsigned d = 0; d < kDigits; ++d) {
    std::array<std::uint32_t, kBuckets>& count = counts[d];
    const unsigned shift = kTail + d * kDigitBits;
    if (keys_.empty() || count[(keys_[0] >> shift) % kBuckets] == keys_.size()) {
      continue;  // all share this digit
    }
    std::uint32_t place = 0;
    for (std::uint32_t& c : count) {
      place += std::exchange(c, place);
    }
    for (const std::uint64_t key : keys_) {
      other_[count[(key >> shift) % kBuckets]++] = key;
    }
    keys_.swap(other_);
  }
  const auto alike = [](std::uint64_t a, std::uint64_t b) { return (a >> kTail) == (b >> kTail); };
  for (auto from = keys_.begin(); from != keys_.end();) {
    auto to = from + 1;
    bool sorted = true;
    for (; to != keys_.end() && alike(*from, *to); ++to) {
      sorted = sorted && *(to - 1) <= *to;
    }
    if (!sorted) {
      std::sort(from, to);
    }
    from = to;
  }
  std::vector<double> values(keys_.size());
  std::transform(keys_.begin(), keys_.end(), values.begin(), ValueOf);
  keys_.clear();
  return values;
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
