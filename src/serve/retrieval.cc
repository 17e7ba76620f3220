#include "serve/retrieval.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "core/check.h"
#include "search/top_k.h"

namespace vitrine::serve {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr std::size_t kFewQueries = 8;
constexpr std::size_t kMostEffort = 8192;
constexpr double kFaster = 2;
/// What may not be shown is dropped from what a walk finds, so that it is asked for more.
constexpr std::size_t kAskedPerItem = 3;

double Median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Both ways of finding the best k, timed query by query.
class Trial {
 public:
  Trial(const search::NearestItems& exact, std::span<const float> queries, std::size_t k)
      : exact_(exact), queries_(queries), k_(k), top_(queries.size() / exact.matrix().width()) {}

  [[nodiscard]] std::size_t queries() const { return top_.size(); }

  /// The first call is not counted: it brings the matrix into the caches.
  double ExactSeconds(std::size_t count) {
    std::vector<double> times;
    for (std::size_t q = 0; q < std::min(count, top_.size()); ++q) {
      times.push_back(Timed([&] {
        CHECK(exact_.Search(Query(q), k_, {}, scratch_, std::span(top_).subspan(q, 1)).ok());
      }));
    }
    if (times.size() > 1) {
      times.erase(times.begin());
    }
    return Median(std::move(times));
  }

  /// After ExactSeconds of every query. Asks for as many as a request of k would, and more. False where a walk
  /// failed, or nobody wants to know any more.
  bool MeasureNear(const search::HnswItems& near, std::size_t first_row,
                   const std::stop_token& stop, Retrieval& measured) {
    std::vector<double> times;
    std::size_t right = 0;
    std::size_t all = 0;
    measured.most = kAskedPerItem * k_;
    for (std::size_t q = 0; q < top_.size(); ++q) {
      bool walked = !stop.stop_requested();
      times.push_back(Timed([&] {
        walked = walked && near.Search(Query(q), std::min(measured.most, exact_.matrix().rows()),
                                       scratch_, found_);
      }));
      if (!walked) {
        return false;
      }
      for (const search::RankedItem& item : top_[q]) {
        if (item.index >= first_row) {
          ++all;
          right += std::find(found_.begin(), found_.end(), item.index) != found_.end() ? 1U : 0U;
        }
      }
    }
    measured.near_seconds = Median(std::move(times));
    measured.recall = all == 0 ? 1 : static_cast<double>(right) / static_cast<double>(all);
    measured.effort = near.effort();
    return true;
  }

 private:
  [[nodiscard]] std::span<const float> Query(std::size_t q) const {
    const std::size_t width = exact_.matrix().width();
    return queries_.subspan(q * width, width);
  }
  template <typename Work>
  static double Timed(const Work& work) {
    const auto start = Clock::now();
    work();
    return Seconds(Clock::now() - start).count();
  }

  const search::NearestItems& exact_;
  std::span<const float> queries_;
  std::size_t k_;
  std::vector<std::vector<search::RankedItem>> top_;
  search::NearestScratch scratch_;
  std::vector<ItemIndex> found_;
};

/// Raises the effort until the index finds enough; false where it stops being worth it.
bool FindEffort(Trial& trial, search::HnswItems& near, std::size_t first_row,
                const RetrievalOptions& options, const std::stop_token& stop, Retrieval& measured) {
  for (std::size_t effort = options.k; effort <= kMostEffort; effort *= 2) {
    near.set_effort(effort);
    if (!trial.MeasureNear(near, first_row, stop, measured) ||
        measured.near_seconds * kFaster > measured.exact_seconds) {
      return false;
    }
    if (measured.recall >= options.recall) {
      return true;
    }
  }
  return false;
}

}  // namespace

Retrieval MeasureScan(const search::NearestItems& exact, std::span<const float> queries,
                      const RetrievalOptions& options) {
  Retrieval scan;
  scan.exact_seconds = Trial(exact, queries, options.k).ExactSeconds(kFewQueries);
  scan.why = fmt::format("an exact scan takes {:.2g} ms, {:.3g} ms are allowed",
                         scan.exact_seconds * 1e3, options.exact_within.count() * 1e3);
  if (scan.exact_seconds > options.exact_within.count()) {
    scan.why += WantsIndex(scan, options) ? "; an index of neighbours is being built"
                                          : "; no time is given to an index of neighbours";
  }
  return scan;
}

bool WantsIndex(const Retrieval& scan, const RetrievalOptions& options) {
  return scan.exact_seconds > options.exact_within.count() && options.build_within.count() > 0;
}

Retrieval TryIndex(const search::NearestItems& exact, std::size_t first_row,
                   std::span<const float> queries, const RetrievalOptions& options,
                   const std::stop_token& stop) {
  Retrieval chosen;
  Trial trial(exact, queries, options.k);
  chosen.exact_seconds = trial.ExactSeconds(kFewQueries);
  const auto start = Clock::now();
  auto near = search::HnswItems::Build(
      exact.shared_matrix(),
      {.first_row = first_row, .build_within = options.build_within, .stop = stop});
  chosen.build_seconds = Seconds(Clock::now() - start).count();
  if (!near.ok()) {
    chosen.why = near.status().message();
    return chosen;
  }
  chosen.exact_seconds = trial.ExactSeconds(trial.queries());
  const bool taken = FindEffort(trial, **near, first_row, options, stop, chosen);
  const std::string figures = fmt::format(
      "it finds {:.1f} % of the best {} in {:.2g} ms, an exact scan takes {:.2g} ms",
      chosen.recall * 100, options.k, chosen.near_seconds * 1e3, chosen.exact_seconds * 1e3);
  if (taken) {
    chosen.near = *std::move(near);
    chosen.why = "an index of neighbours is used: " + figures;
  } else {
    chosen.why = fmt::format(
        "an index of neighbours is not used, {:.1f} % found twice as fast are "
        "asked for: {}",
        options.recall * 100, figures);
  }
  return chosen;
}

}  // namespace vitrine::serve
