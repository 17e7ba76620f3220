/// Clicks by context and place, and which of them tell places apart. Internal to feedback/.
/// Threads: values.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "feedback/position_bias.h"

namespace vitrine::feedback {

struct Click {
  std::size_t context;
  std::size_t place;
  std::size_t shopper;
};

/// What was shown and clicked, by context and place.
struct PlaceClicks {
  std::size_t places = 0;
  std::vector<double> shown;   // [contexts, places]
  std::vector<double> clicks;  // [contexts, places]
  std::vector<Click> each;     // every click
  std::size_t shoppers = 0;

  [[nodiscard]] std::size_t contexts() const { return shown.size() / places; }
};

/// Places from options.places on are left out.
PlaceClicks CountClicks(std::span<const Example> examples, const BiasOptions& options);

/// Places that contexts tell apart from the first one; contexts at fewer than two of them, or without a click, tell
/// nothing.
class TellingContexts {
 public:
  /// `counts` outlive it.
  TellingContexts(const PlaceClicks& counts, std::uint64_t least_clicks);

  [[nodiscard]] bool Has(std::size_t place) const { return in_[place]; }
  [[nodiscard]] const std::vector<std::size_t>& telling() const { return telling_; }
  [[nodiscard]] bool Tells(std::size_t context) const { return tells_[context]; }
  [[nodiscard]] double ShownAt(std::size_t place) const { return shown_[place]; }
  [[nodiscard]] double ClicksAt(std::size_t place) const { return clicks_[place]; }

  /// At the places that it has.
  [[nodiscard]] double ClicksOf(std::size_t context) const {
    double sum = 0;
    for (std::size_t p = 0; p < counts_.places; ++p) {
      sum += in_[p] ? counts_.clicks[context * counts_.places + p] : 0;
    }
    return sum;
  }

  /// Share of a context's clicks that each place gets, by the logarithms of examination.
  void SharesOf(std::size_t context, const std::vector<double>& logs,
                std::vector<double>& shares) const {
    const double* shown = counts_.shown.data() + context * counts_.places;
    double sum = 0;
    for (std::size_t p = 0; p < counts_.places; ++p) {
      shares[p] = in_[p] ? shown[p] * std::exp(logs[p]) : 0;
      sum += shares[p];
    }
    for (double& share : shares) {
      share /= sum;
    }
  }

 private:
  void FindTelling();
  const PlaceClicks& counts_;
  std::vector<bool> in_;
  std::vector<bool> reached_;
  std::vector<bool> tells_;
  std::vector<std::size_t> telling_;
  std::vector<double> shown_;
  std::vector<double> clicks_;
};

}  // namespace vitrine::feedback
