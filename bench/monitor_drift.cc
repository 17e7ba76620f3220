#include "bench/monitor_drift.h"

#include <cmath>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <utility>

#include "monitor/statistics/classifier_two_sample.h"
#include "monitor/statistics/concept_drift.h"
#include "monitor/statistics/drift_verdict.h"
#include "monitor/statistics/sample_tests.h"

namespace vitrine::bench {
namespace {

using monitor::DriftInput;
using Values = std::vector<double>;

constexpr std::size_t kRows = 1000;  // a side
constexpr double kNominal = 0.05;

using Random = std::mt19937_64;

Values Normals(Random& random, double mean, double spread) {
  std::normal_distribution<double> normal(mean, spread);
  Values out(kRows);
  for (double& x : out) {
    x = normal(random);
  }
  return out;
}

/// Counts of Zipf levels; `tilt` weighs odd ones 1.6 and even ones 0.6.
Values Levels(Random& random, std::size_t levels, bool tilt) {
  Values weights;
  for (std::size_t l = 0; l < levels; ++l) {
    const double shifted = l % 2 == 1 ? 1.6 : 0.6;
    weights.push_back(std::pow(static_cast<double>(l + 1), -1.05) * (tilt ? shifted : 1));
  }
  std::discrete_distribution<std::size_t> draw(weights.begin(), weights.end());
  Values counts(levels, 0);
  for (std::size_t i = 0; i < kRows; ++i) {
    counts[draw(random)] += 1;
  }
  return counts;
}

/// A number's counts in 20 bins that are even for a standard normal.
Values Bins(Random& random, double mean, double spread) {
  Values counts(20, 0);
  for (const double x : Normals(random, mean, spread)) {
    const double below = std::erfc(-x / std::sqrt(2.0)) / 2;
    counts[static_cast<std::size_t>(std::min(below, 0.999999) * 20)] += 1;
  }
  return counts;
}

std::vector<monitor::SparseRow> Texts(Random& random, double more) {
  std::uniform_real_distribution<double> uniform;
  std::vector<monitor::SparseRow> rows;
  for (std::size_t i = 0; i < kRows; ++i) {
    std::string text;
    for (int word = 0; word < 6; ++word) {
      const std::size_t half = uniform(random) < more ? 40 : 0;
      text += "w" + std::to_string(half + random() % 40) + "x ";
    }
    rows.push_back(monitor::TextVector(text));
  }
  return rows;
}

double EmbeddingP(Random& random, double mean) {
  constexpr std::size_t kWidth = 32;
  std::normal_distribution<float> normal;
  std::vector<float> a(kRows * kWidth);
  std::vector<float> b(kRows * kWidth);
  for (float& x : a) {
    x = normal(random);
  }
  for (std::size_t i = 0; i < b.size(); ++i) {
    b[i] = normal(random) + (i % kWidth < 8 ? static_cast<float>(mean) : 0);
  }
  const auto rows = monitor::WithSquares(a, b, kWidth);
  const std::span<const monitor::SparseRow> all(rows);
  return monitor::ClassifierTwoSample(all.first(kRows), all.subspan(kRows), 2 * kWidth).p_value;
}

double ConceptP(Random& random, double gain) {
  std::uniform_real_distribution<double> uniform;
  std::vector<monitor::LabelStratum> strata(10);
  for (std::size_t i = 0; i < 2 * kRows; ++i) {
    const double score = uniform(random);
    monitor::LabelStratum& s = strata[static_cast<std::size_t>(score * 10)];
    const bool current = i >= kRows;
    const double hit = uniform(random) < 0.1 + 0.3 * score * (current ? gain : 1) ? 1 : 0;
    (current ? s.current_rows : s.reference_rows) += 1;
    (current ? s.current_positives : s.reference_positives) += hit;
  }
  return monitor::CompareLabels(std::move(strata), {}).concept_p;
}

/// 20 columns of a shop, four of which move where `moved`; how many are called drifted of the four,
/// and of the others.
struct Frames {
  double of_moved = 0;
  double of_others = 0;
};

Frames Verdicts(Random& random, bool moved) {
  static constexpr std::size_t kLevels[] = {10, 20, 50, 100, 200, 300, 400, 500, 750, 1000};
  std::vector<DriftInput> inputs;
  for (std::size_t c = 0; c < 10; ++c) {
    inputs.push_back({"n", Bins(random, 0, 1),
                      Bins(random, moved && c == 0 ? 0.3 : 0, moved && c == 1 ? 1.3 : 1)});
  }
  for (std::size_t c = 0; c < 10; ++c) {
    DriftInput& input = inputs.emplace_back();
    input.feature = "c";
    input.reference = Levels(random, kLevels[c], false);
    input.current = Levels(random, kLevels[c], moved && (c == 0 || c == 9));
    input.ordered = false;
  }
  Frames found;
  const auto verdicts = monitor::JudgeDrift(inputs, {});
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    const bool truly = i == 0 || i == 1 || i == 10 || i == 19;
    (truly ? found.of_moved : found.of_others) += verdicts[i].drifted ? 1 : 0;
  }
  return found;
}

/// How often `p` stays below the nominal share, without and with a change.
void Rate(const std::string& name, int runs, const std::function<double(Random&, bool)>& p,
          std::vector<Bar>& bars) {
  for (const bool moved : {false, true}) {
    int alarms = 0;
    for (int run = 0; run < runs; ++run) {
      Random random(static_cast<std::uint64_t>(run) * 2 + (moved ? 1 : 0) + 77);
      alarms += p(random, moved) <= kNominal ? 1 : 0;
    }
    // Four standard errors above the nominal share are not chance.
    const double bound = kNominal + 4 * std::sqrt(kNominal * (1 - kNominal) / runs);
    bars.push_back({name + (moved ? ": found at p 0.05" : ": false alarms at p 0.05"),
                    100.0 * alarms / runs, "%", moved, moved ? 0 : 100 * bound, runs, 0});
  }
}

}  // namespace

void MeasureDriftRates(int runs, std::vector<Bar>& bars) {
  Rate(
      "KS exact, mean +0.15", runs,
      [](Random& r, bool moved) {
        const Values a = Normals(r, 0, 1);
        return monitor::KolmogorovSmirnov(a, Normals(r, moved ? 0.15 : 0, 1),
                                          monitor::KsMethod::kAuto)
            .p_value;
      },
      bars);
  Rate(
      "KS asymptotic, mean +0.15", runs,
      [](Random& r, bool moved) {
        const Values a = Normals(r, 0, 1);
        return monitor::KolmogorovSmirnov(a, Normals(r, moved ? 0.15 : 0, 1)).p_value;
      },
      bars);
  Rate(
      "Mann-Whitney, mean +0.15", runs,
      [](Random& r, bool moved) {
        const Values a = Normals(r, 0, 1);
        return monitor::MannWhitney(a, Normals(r, moved ? 0.15 : 0, 1)).p_value;
      },
      bars);
  Rate(
      "chi-square of 10 levels, tilted", runs,
      [](Random& r, bool moved) {
        const Values a = Levels(r, 10, false);
        return monitor::ChiSquareTwoSamples(a, Levels(r, 10, moved)).p_value;
      },
      bars);
  Rate(
      "chi-square of 1,000 levels as they are, tilted", runs,
      [](Random& r, bool moved) {
        const Values a = Levels(r, 1000, false);
        return monitor::ChiSquareTwoSamples(a, Levels(r, 1000, moved)).p_value;
      },
      bars);
  Rate(
      "verdict's p of 1,000 levels, tilted", runs,
      [](Random& r, bool moved) {
        DriftInput input{"c", Levels(r, 1000, false), Levels(r, 1000, moved)};
        input.ordered = false;
        return monitor::Measure(input, {}).p_value;
      },
      bars);
  Rate(
      "verdict's p of 20 bins, spread x 1.15", runs,
      [](Random& r, bool moved) {
        const Values a = Bins(r, 0, 1);
        return monitor::Measure({"n", a, Bins(r, 0, moved ? 1.15 : 1)}, {}).p_value;
      },
      bars);
  Rate(
      "classifier on embeddings of 32, 8 means +0.15", runs,
      [](Random& r, bool moved) { return EmbeddingP(r, moved ? 0.15 : 0); }, bars);
  Rate(
      "classifier on texts, half the words 30 % to 36 %", runs,
      [](Random& r, bool moved) {
        const auto a = Texts(r, 0.3);
        return monitor::ClassifierTwoSample(a, Texts(r, moved ? 0.36 : 0.3), monitor::kTextWidth)
            .p_value;
      },
      bars);
  Rate(
      "label within strata, slope x 1.5", runs,
      [](Random& r, bool moved) { return ConceptP(r, moved ? 1.5 : 1); }, bars);
  double false_reports = 0;
  double others = 0;
  double found = 0;
  for (int run = 0; run < runs; ++run) {
    Random random(static_cast<std::uint64_t>(run) + 5000);
    const Frames still = Verdicts(random, false);
    false_reports += still.of_moved + still.of_others > 0 ? 1 : 0;
    const Frames moved = Verdicts(random, true);
    found += moved.of_moved;
    others += moved.of_others;
  }
  bars.push_back({"default verdict of 20 columns: false reports at alpha 0.01",
                  100 * false_reports / runs, "%", false,
                  100 * (0.01 + 4 * std::sqrt(0.0099 / runs)), runs, 0});
  bars.push_back(
      {"default verdict: moved columns found, of 4", found / runs, "columns", true, 3, runs, 0});
  bars.push_back({"default verdict: others called drifted, of 16", others / runs, "columns", false,
                  1, runs, 0});
}

}  // namespace vitrine::bench
