#include "monitor/estimate/place_calibration.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

namespace vitrine::monitor {
namespace {

using nlohmann::json;

/// After that many hours with answers a count weighs half.
constexpr double kLongHours = 24;
constexpr double kLastHours = 1;
/// Fewer labels than that say nothing.
constexpr double kFewestLabels = 20;
/// Labels that a bin or a band must bring to move half the way from 1.
constexpr double kPrior = 4;
/// The same for the level.
constexpr double kLevelPrior = 10;
constexpr int kSweeps = 8;
constexpr double kHighestRate = 0.95;

template <typename Cells>
double Total(const Cells& cells) {
  return std::accumulate(cells.begin(), cells.end(), 0.0);
}

// Most cells are empty: index and value of the others.
template <typename Cells>
json Sparse(const Cells& cells) {
  json out = json::array();
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    if (cells[cell] != 0) {
      out.push_back(cell);
      out.push_back(cells[cell]);
    }
  }
  return out;
}

template <typename Cells>
void FromSparse(const json& saved, Cells& cells) {
  for (std::size_t i = 0; i + 1 < saved.size(); i += 2) {
    const auto cell = saved[i].get<std::size_t>();
    if (cell >= cells.size()) {
      throw json::other_error::create(501, "a cell that there is not", nullptr);
    }
    cells[cell] = saved[i + 1].get<double>();
  }
}

}  // namespace

std::size_t PlaceCalibration::BandOf(std::size_t place) {
  constexpr std::array<std::size_t, 6> kWide = {10, 12, 16, 20, 32, 64};  // where bands 8 to 13 end
  if (place < 8) {
    return place;
  }
  std::size_t band = 8;
  while (band + 1 < kBands && place >= kWide[band - 8]) {
    ++band;
  }
  return band;
}

void PlaceCalibration::Close(int hours, bool turned) {
  const double keep_last = turned ? 0 : std::pow(0.5, hours / kLastHours);
  const double keep_long = std::pow(0.5, hours / kLongHours);
  for (Counts* counts : {&shown_, &labelled_}) {
    for (std::size_t cell = 0; cell < kCells; ++cell) {
      counts->last[cell] = counts->last[cell] * keep_last + counts->now[cell];
      counts->long_[cell] = counts->long_[cell] * keep_long + counts->now[cell];
    }
    counts->now = {};
  }
  Fit();
}

void PlaceCalibration::Fit() {
  const double labels = Total(labelled_.long_);
  const double shown = Total(shown_.long_);
  ready_ = labels >= kFewestLabels;
  rates_ = {};
  if (!ready_) {
    return;
  }
  std::array<double, kBins> of_bin{};
  std::array<double, kBands> of_band{};
  std::array<double, kBins> bin_labels{};
  std::array<double, kBands> band_labels{};
  of_bin.fill(1);
  of_band.fill(1);
  for (std::size_t cell = 0; cell < kCells; ++cell) {
    bin_labels[cell % kBins] += labelled_.long_[cell];
    band_labels[cell / kBins] += labelled_.long_[cell];
  }
  const double rate = labels / shown;
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    std::array<double, kBins> bin_expected{};
    std::array<double, kBands> band_expected{};
    for (std::size_t cell = 0; cell < kCells; ++cell) {
      bin_expected[cell % kBins] += rate * shown_.long_[cell] * of_band[cell / kBins];
    }
    for (std::size_t bin = 0; bin < kBins; ++bin) {
      of_bin[bin] = (bin_labels[bin] + kPrior) / (bin_expected[bin] + kPrior);
    }
    for (std::size_t cell = 0; cell < kCells; ++cell) {
      band_expected[cell / kBins] += rate * shown_.long_[cell] * of_bin[cell % kBins];
    }
    for (std::size_t band = 0; band < kBands; ++band) {
      of_band[band] = (band_labels[band] + kPrior) / (band_expected[band] + kPrior);
    }
  }
  double expected = 0;
  for (std::size_t cell = 0; cell < kCells; ++cell) {
    rates_[cell] = std::min(kHighestRate, rate * of_bin[cell % kBins] * of_band[cell / kBins]);
    expected += shown_.last[cell] * rates_[cell];
  }
  const double recent = Total(labelled_.last);
  const double level = (recent + kLevelPrior) / (expected + kLevelPrior);
  for (double& cell : rates_) {
    cell = std::min(kHighestRate, cell * level);
  }
  level_variance_ = 1 / (recent + kLevelPrior);
}

PlaceCalibration PlaceCalibration::Inherited(double share, bool scores) const {
  PlaceCalibration other = *this;
  for (Counts* counts : {&other.shown_, &other.labelled_}) {
    counts->now = {};
    for (Cells* cells : {&counts->last, &counts->long_}) {
      for (std::size_t band = 0; band < kBands; ++band) {
        const auto first = cells->begin() + static_cast<std::ptrdiff_t>(band * kBins);
        const double mean = std::accumulate(first, first + kBins, 0.0) / kBins;
        for (std::size_t bin = 0; bin < kBins; ++bin) {
          double& cell = (*cells)[CellOf(bin, band)];
          cell = share * (scores ? cell : mean);
        }
      }
    }
  }
  other.Fit();
  return other;
}

json PlaceCalibration::Save() const {
  json out = json::array();
  for (const Counts* counts : {&shown_, &labelled_}) {
    for (const Cells* cells : {&counts->now, &counts->last, &counts->long_}) {
      out.push_back(Sparse(*cells));
    }
  }
  return out;
}

PlaceCalibration PlaceCalibration::Load(const json& saved) {
  PlaceCalibration read;
  std::size_t part = 0;
  for (Counts* counts : {&read.shown_, &read.labelled_}) {
    for (Cells* cells : {&counts->now, &counts->last, &counts->long_}) {
      FromSparse(saved.at(part++), *cells);
    }
  }
  read.Fit();
  return read;
}

}  // namespace vitrine::monitor
