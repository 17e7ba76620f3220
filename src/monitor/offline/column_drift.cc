#include "monitor/offline/column_drift.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "monitor/statistics/classifier_two_sample.h"
#include "monitor/statistics/distances.h"
#include "monitor/statistics/sample_tests.h"

namespace vitrine::monitor {
namespace {

constexpr std::size_t kDeciles = 9;

/// What one pass over ascending values gives: quantiles, moments, distances, the first distinct ones.
class FirstPass {
 public:
  FirstPass(double n, double m) : n_(n), pair_(n, m) {
    for (std::size_t i = 0; i < kDeciles; ++i) {
      places_[i] = (n - 1) * static_cast<double>(i + 1) / (kDeciles + 1);
    }
  }

  void Add(const ValueCounts& v) {
    pair_.Add(v.value, v.reference, v.current);
    distinct_ += 1;
    if (few_.size() <= kFewValues) {
      few_.push_back(v);
    }
    sum_ += v.value * v.reference;
    current_sum_ += v.value * v.current;
    // Deviations from the first value, so that large values with a small spread keep their digits.
    origin_ = distinct_ == 1 ? v.value : origin_;
    const double away = v.value - origin_;
    away_ += away * v.reference;
    squares_ += away * away * v.reference;
    const double upto = seen_ + v.reference;
    for (; low_ < kDeciles && std::floor(places_[low_]) < upto; ++low_) {
      lower_[low_] = v.value;
    }
    for (; high_ < kDeciles && std::ceil(places_[high_]) < upto; ++high_) {
      upper_[high_] = v.value;
    }
    seen_ = upto;
  }

  [[nodiscard]] std::vector<double> Deciles() const {
    std::vector<double> out;
    for (std::size_t i = 0; i < kDeciles; ++i) {
      const double part = places_[i] - std::floor(places_[i]);
      out.push_back(lower_[i] + part * (upper_[i] - lower_[i]));
    }
    return out;
  }
  [[nodiscard]] double Deviation() const {
    const double mean = away_ / n_;
    return std::sqrt(std::max(0.0, squares_ / n_ - mean * mean));
  }
  [[nodiscard]] const AscendingPair& pair() const { return pair_; }
  [[nodiscard]] const std::vector<ValueCounts>& few() const { return few_; }
  [[nodiscard]] double distinct() const { return distinct_; }
  [[nodiscard]] double sum() const { return sum_; }
  [[nodiscard]] double current_sum() const { return current_sum_; }

 private:
  double n_;
  AscendingPair pair_;
  std::array<double, kDeciles> places_{}, lower_{}, upper_{};
  std::size_t low_ = 0, high_ = 0;
  double seen_ = 0, distinct_ = 0, sum_ = 0, current_sum_ = 0, origin_ = 0, away_ = 0, squares_ = 0;
  std::vector<ValueCounts> few_;
};

/// The distances of binned counts; a bin of missing ones is the last where there are any.
void MeasureDistances(const DriftInput& input, ColumnDrift& out) {
  out.hellinger = Hellinger(input.reference, input.current);
  out.total_variation = TotalVariation(input.reference, input.current);
  out.l_infinity = LInfinity(input.reference, input.current);
  out.kullback_leibler = KullbackLeibler(input.reference, input.current);
  const TestResult chi = ChiSquareTwoSamples(input.reference, input.current);
  out.chi_square = chi.statistic;
  out.chi_square_degrees = chi.degrees;
  out.chi_square_p = chi.p_value;
}

Status CountBins(SortedNumbers& numbers, const std::vector<Cut>& cuts, DriftInput& input) {
  std::vector<ValueCounts> bins;
  RETURN_IF_ERROR(numbers.CountBins(cuts, bins));
  for (const ValueCounts& bin : bins) {
    input.reference.push_back(bin.reference);
    input.current.push_back(bin.current);
  }
  return Status::Ok();
}

void AddMissing(double reference, double current, DriftInput& input) {
  if (reference + current > 0) {
    input.reference.push_back(reference);
    input.current.push_back(current);
  }
}

Result<ColumnDrift> MeasureNumbers(FramePair& frames, const std::string& column,
                                   const DriftOptions& options) {
  ColumnDrift out;
  ASSIGN_OR_RETURN(const auto numbers, frames.Numbers(column));
  const double n = numbers->values(FrameSide::kReference);
  const double m = numbers->values(FrameSide::kCurrent);
  const double lost_n = frames.rows(FrameSide::kReference) - n;
  const double lost_m = frames.rows(FrameSide::kCurrent) - m;
  out.reference_missing = lost_n / frames.rows(FrameSide::kReference);
  out.current_missing = lost_m / frames.rows(FrameSide::kCurrent);
  DriftInput input;
  if (n > 0 && m > 0) {
    FirstPass pass(n, m);
    RETURN_IF_ERROR(numbers->Visit([&](std::span<const ValueCounts> values) {
      for (const ValueCounts& v : values) {
        pass.Add(v);
      }
    }));
    out.levels = pass.distinct();
    out.constant = pass.distinct() == 1 && lost_n + lost_m == 0;
    out.reference_mean = pass.sum() / n;
    out.current_mean = pass.current_sum() / m;
    out.wasserstein = pass.pair().wasserstein();
    const double spread = pass.Deviation();
    out.wasserstein_over_spread = spread > 0 ? out.wasserstein / spread : 0;
    input.ks = pass.pair().ks();
    out.ks_p = KolmogorovTwoSampleTail(*input.ks, static_cast<std::size_t>(n),
                                       static_cast<std::size_t>(m), KsMethod::kAuto);
    input.ks_p_value = out.ks_p;
    if (pass.few().size() <= kFewValues) {
      for (std::size_t i = 0; i < pass.few().size(); ++i) {
        input.reference.push_back(pass.few()[i].reference);
        input.current.push_back(pass.few()[i].current);
        if (i > 0) {
          out.cuts.push_back({pass.few()[i].value, false});
        }
      }
    } else {
      out.cuts = CutsAtDeciles(pass.Deciles());
      RETURN_IF_ERROR(CountBins(*numbers, out.cuts, input));
    }
  } else {
    input.reference.push_back(n);
    input.current.push_back(m);
  }
  AddMissing(lost_n, lost_m, input);
  MeasureDistances(input, out);
  input.feature = column;
  out.verdict = Measure(input, options);
  return out;
}

Result<ColumnDrift> MeasureWords(FramePair& frames, const std::string& column,
                                 const DriftOptions& options) {
  ColumnDrift out;
  DriftInput input;
  input.feature = column;
  input.ordered = false;
  double lost_n = 0;
  double lost_m = 0;
  double unseen = 0;
  RETURN_IF_ERROR(frames.Levels(column, [&](FramePair::Group level, double r, double c) {
    if (!level) {
      lost_n += r;
      lost_m += c;
      return;
    }
    out.levels += 1;
    unseen += r == 0 ? c : 0;
    if (input.reference.size() < kMostLevels) {
      input.reference.push_back(r);
      input.current.push_back(c);
    } else {
      input.reference.back() += r;
      input.current.back() += c;
    }
  }));
  out.reference_missing = lost_n / frames.rows(FrameSide::kReference);
  out.current_missing = lost_m / frames.rows(FrameSide::kCurrent);
  out.unseen_share = unseen / frames.rows(FrameSide::kCurrent);
  out.constant = out.levels == 1 && lost_n + lost_m == 0;
  AddMissing(lost_n, lost_m, input);
  MeasureDistances(input, out);
  out.verdict = Measure(input, options);
  return out;
}

Result<ColumnDrift> MeasureTexts(FramePair& frames, const std::string& column,
                                 const DriftOptions& options) {
  ColumnDrift out;
  std::array<std::vector<SparseRow>, 2> rows;
  for (const FrameSide side : {FrameSide::kReference, FrameSide::kCurrent}) {
    ASSIGN_OR_RETURN(const auto texts, frames.Texts(column, side, kSampledRows));
    std::size_t values = 0;
    for (auto text = texts.begin(); text != texts.end() && values < kSampledValues; ++text) {
      values += rows[static_cast<std::size_t>(side)].emplace_back(TextVector(*text)).size();
    }
  }
  out.verdict = MeasureVectors(column, rows[0], rows[1], kTextWidth, options);
  return out;
}

Result<ColumnDrift> MeasureEmbeddings(FramePair& frames, const std::string& column,
                                      const DriftOptions& options) {
  ColumnDrift out;
  std::size_t width = 0;
  std::size_t other = 0;
  RETURN_IF_ERROR(frames.Vectors(column, FrameSide::kReference, 1, width).status());
  const std::size_t most =
      std::min(kSampledRows, kSampledValues / (2 * std::max<std::size_t>(width, 1)));
  ASSIGN_OR_RETURN(const auto reference,
                   frames.Vectors(column, FrameSide::kReference, most, width));
  ASSIGN_OR_RETURN(const auto current, frames.Vectors(column, FrameSide::kCurrent, most, other));
  if (width != other || width == 0) {
    return InvalidArgument("column '" + column + "' holds vectors of " + std::to_string(width) +
                           " values in the reference and of " + std::to_string(other) +
                           " in current; leave it out by naming the others with --columns");
  }
  const std::vector<SparseRow> rows = WithSquares(reference, current, width);
  const std::span<const SparseRow> all(rows);
  const std::size_t n = reference.size() / width;
  out.verdict = MeasureVectors(column, all.first(n), all.subspan(n), 2 * width, options);
  return out;
}

}  // namespace

std::string_view KindName(ColumnKind kind) {
  static constexpr std::array<std::string_view, 4> kNames = {"number", "word", "text", "vector"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::vector<Cut> CutsAtDeciles(const std::vector<double>& deciles) {
  std::vector<Cut> cuts;
  for (std::size_t i = 0; i < deciles.size(); ++i) {
    if (i == 0 || deciles[i] != deciles[i - 1]) {
      cuts.push_back({deciles[i], false});
    } else if (!cuts.back().above) {
      cuts.push_back({deciles[i], true});
    }
  }
  return cuts;
}

Result<ColumnDrift> MeasureColumn(FramePair& frames, const FrameColumn& column,
                                  const DriftOptions& options) {
  const auto measure = column.kind == ColumnKind::kNumber ? MeasureNumbers
                       : column.kind == ColumnKind::kWord ? MeasureWords
                       : column.kind == ColumnKind::kText ? MeasureTexts
                                                          : MeasureEmbeddings;
  ASSIGN_OR_RETURN(ColumnDrift out, measure(frames, column.name, options));
  out.column = column.name;
  out.kind = column.kind;
  return out;
}

}  // namespace vitrine::monitor
