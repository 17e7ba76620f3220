#include "monitor/scores/binned_scores.h"

#include <algorithm>
#include <cmath>

namespace vitrine::monitor {

BinnedValue BinnedAuc(const BinnedScores& scores) {
  double wins = 0;
  double tied = 0;
  double below = 0;
  double labelled = 0;
  for (std::size_t bin = 0; bin < scores.labelled.size(); ++bin) {
    wins += scores.labelled[bin] * below;
    tied += scores.labelled[bin] * scores.others[bin];
    below += scores.others[bin];
    labelled += scores.labelled[bin];
  }
  const double pairs = labelled * below;
  if (pairs == 0) {
    return {.value = 0.5, .error = 0.5};
  }
  return {.value = (wins + tied / 2) / pairs, .error = tied / 2 / pairs};
}

double BinnedLogLoss(const BinnedScores& scores) {
  constexpr double kEdge = 1e-9;
  double sum = 0;
  double places = 0;
  for (std::size_t bin = 0; bin < scores.labelled.size(); ++bin) {
    const double p = std::clamp(scores.mean_scores[bin], kEdge, 1 - kEdge);
    sum -= scores.labelled[bin] * std::log(p) + scores.others[bin] * std::log1p(-p);
    places += scores.labelled[bin] + scores.others[bin];
  }
  return places == 0 ? 0 : sum / places;
}

double BinnedCalibrationError(const BinnedScores& scores, int parts) {
  double all = 0;
  for (std::size_t bin = 0; bin < scores.labelled.size(); ++bin) {
    all += scores.labelled[bin] + scores.others[bin];
  }
  double error = 0;
  double places = 0;  // of the part so far
  double miss = 0;
  double before = 0;  // places of finished parts
  int part = 1;
  for (std::size_t bin = 0; bin < scores.labelled.size(); ++bin) {
    const double n = scores.labelled[bin] + scores.others[bin];
    places += n;
    miss += n * scores.mean_scores[bin] - scores.labelled[bin];
    const bool last = bin + 1 == scores.labelled.size();
    if (last || before + places >= all * part / parts) {
      error += std::fabs(miss);
      before += places;
      places = 0;
      miss = 0;
      while (part < parts && before >= all * part / parts) {
        ++part;
      }
    }
  }
  return all == 0 ? 0 : error / all;
}

BinnedValue BinnedAccuracy(const BinnedScores& scores, double threshold) {
  double right = 0;
  double places = 0;
  double last_below = 0;
  double first_above = 0;
  for (std::size_t bin = 0; bin < scores.labelled.size(); ++bin) {
    const double n = scores.labelled[bin] + scores.others[bin];
    if (n == 0) {
      continue;
    }
    places += n;
    if (scores.mean_scores[bin] < threshold) {
      right += scores.others[bin];
      last_below = n;
    } else {
      right += scores.labelled[bin];
      first_above = first_above == 0 ? n : first_above;
    }
  }
  if (places == 0) {
    return {};
  }
  return {.value = right / places, .error = std::max(last_below, first_above) / places};
}

double BinnedExpected(const BinnedScores& scores) {
  double sum = 0;
  for (std::size_t bin = 0; bin < scores.labelled.size(); ++bin) {
    sum += (scores.labelled[bin] + scores.others[bin]) * scores.mean_scores[bin];
  }
  return sum;
}

}  // namespace vitrine::monitor
