#include "explain/attribution.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <random>
#include <string>
#include <utility>

namespace vitrine::explain {
namespace {

constexpr std::size_t kScoredAtMost = 800;

// One permutation's players in the order in which they join.
using Order = std::vector<std::size_t>;

class Attributor {
 public:
  Attributor(const Scorer& scorer, const History& history, std::span<const ItemIndex> targets,
             const AttributionOptions& options)
      : scorer_(scorer), history_(history), targets_(targets), options_(options) {
    for (std::size_t place = 0; place < history_.size(); ++place) {
      // Unknown items contribute nothing in any model, removed ones are not there.
      if (history_[place].item >= kFirstItem) {
        players_.push_back(place);
      }
    }
  }

  Result<Attribution> Run() {
    result_.contributions.assign(targets_.size(), std::vector<double>(history_.size(), 0));
    result_.errors = result_.contributions;
    RETURN_IF_ERROR(ScoreSinglesAndWhole());
    if (IsAdditive()) {
      result_.method = Method::kAdditive;
      UseSingles();
    } else if (players_.size() <= options_.subset_places) {
      result_.method = Method::kSubsets;
      RETURN_IF_ERROR(UseSubsets());
    } else {
      result_.method = Method::kPermutations;
      RETURN_IF_ERROR(UsePermutations());
    }
    CloseSums();
    return std::move(result_);
  }

 private:
  [[nodiscard]] History With(const std::vector<bool>& present) const {
    History variant = history_;
    for (std::size_t p = 0; p < players_.size(); ++p) {
      if (!present[p]) {
        variant[players_[p]].item = kPaddingItem;
      }
    }
    return variant;
  }

  // Scores of the targets for each variant, [variant][target].
  Result<std::vector<std::vector<double>>> Score(const std::vector<History>& variants) {
    std::vector<std::vector<double>> rows;
    std::vector<double> scores;
    for (std::size_t from = 0; from < variants.size(); from += options_.batch) {
      const std::size_t count = std::min(options_.batch, variants.size() - from);
      RETURN_IF_ERROR(scorer_.Score(std::span(variants).subspan(from, count), scores));
      for (std::size_t b = 0; b < count; ++b) {
        std::vector<double>& row = rows.emplace_back();
        for (const ItemIndex target : targets_) {
          row.push_back(scores[b * scorer_.width() + target]);
          if (!std::isfinite(row.back())) {
            return Internal("the model gives no finite score for item index " +
                            std::to_string(target) + " when places of the history are removed");
          }
        }
      }
    }
    result_.scored += variants.size();
    return rows;
  }

  Status ScoreSinglesAndWhole() {
    std::vector<bool> present(players_.size(), false);
    std::vector<History> variants = {With(present), history_};
    for (std::size_t p = 0; p < players_.size(); ++p) {
      present[p] = true;
      variants.push_back(With(present));
      present[p] = false;
    }
    ASSIGN_OR_RETURN(std::vector<std::vector<double>> rows, Score(variants));
    result_.base = std::move(rows[0]);
    result_.score = std::move(rows[1]);
    singles_.assign(std::make_move_iterator(rows.begin() + 2), std::make_move_iterator(rows.end()));
    return Status::Ok();
  }

  [[nodiscard]] bool IsAdditive() const {
    for (std::size_t t = 0; t < targets_.size(); ++t) {
      double sum = result_.base[t];
      double size = std::fabs(sum);
      for (const std::vector<double>& single : singles_) {
        sum += single[t] - result_.base[t];
        size = std::max(size, std::fabs(single[t]));
      }
      size = std::max(size, std::fabs(result_.score[t]));
      if (std::fabs(sum - result_.score[t]) > options_.tolerance * size) {
        return false;
      }
    }
    return true;
  }

  void UseSingles() {
    for (std::size_t t = 0; t < targets_.size(); ++t) {
      for (std::size_t p = 0; p < players_.size(); ++p) {
        result_.contributions[t][players_[p]] = singles_[p][t] - result_.base[t];
      }
    }
  }

  // phi(p) = sum over subsets S without p of |S|! (n - |S| - 1)! / n! * (v(S + p) - v(S)).
  Status UseSubsets() {
    const std::size_t n = players_.size();
    std::vector<History> variants;
    for (std::size_t subset = 0; subset < (std::size_t{1} << n); ++subset) {
      std::vector<bool> present(n);
      for (std::size_t p = 0; p < n; ++p) {
        present[p] = ((subset >> p) & 1U) != 0;
      }
      variants.push_back(With(present));
    }
    ASSIGN_OR_RETURN(const auto rows, Score(variants));
    std::vector<double> factorial(n + 1, 1);
    for (std::size_t i = 1; i <= n; ++i) {
      factorial[i] = factorial[i - 1] * static_cast<double>(i);
    }
    for (std::size_t subset = 0; subset < rows.size(); ++subset) {
      const auto size = static_cast<std::size_t>(std::popcount(subset));
      for (std::size_t p = 0; p < n; ++p) {
        if (((subset >> p) & 1U) != 0) {
          continue;
        }
        const double weight = factorial[size] * factorial[n - size - 1] / factorial[n];
        const std::vector<double>& joined = rows[subset | (std::size_t{1} << p)];
        for (std::size_t t = 0; t < targets_.size(); ++t) {
          result_.contributions[t][players_[p]] += weight * (joined[t] - rows[subset][t]);
        }
      }
    }
    return Status::Ok();
  }

  // All walks are scored in one go; each is order.size() - 1 variants, the ends are known.
  Status UsePermutations() {
    std::mt19937_64 engine(options_.seed);
    Order order(players_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::vector<Order> orders;
    std::vector<History> variants;
    const std::size_t pairs =
        options_.pairs != 0 ? options_.pairs
                            : std::clamp<std::size_t>(kScoredAtMost / (2 * order.size()), 4, 64);
    for (std::size_t pair = 0; pair < pairs; ++pair) {
      for (std::size_t i = order.size(); i > 1; --i) {  // Fisher-Yates, the same everywhere
        std::swap(order[i - 1], order[engine() % i]);
      }
      orders.push_back(order);
      orders.emplace_back(order.rbegin(), order.rend());
    }
    for (const Order& walk : orders) {
      std::vector<bool> present(players_.size(), false);
      for (std::size_t step = 0; step + 1 < walk.size(); ++step) {
        present[walk[step]] = true;
        variants.push_back(With(present));
      }
    }
    ASSIGN_OR_RETURN(const auto rows, Score(variants));
    // Sums over the pairs and, in `errors`, over their squares.
    for (std::size_t w = 0; w < orders.size(); ++w) {
      if (w % 2 == 0) {
        pair_.assign(targets_.size(), std::vector<double>(history_.size(), 0));
      }
      AddWalk(orders[w], std::span(rows).subspan(w * (order.size() - 1), order.size() - 1));
      if (w % 2 == 1) {
        AddPair();
      }
    }
    TakeMeans(static_cast<double>(pairs));
    return Status::Ok();
  }

  void AddPair() {
    for (std::size_t t = 0; t < targets_.size(); ++t) {
      for (const std::size_t place : players_) {
        result_.contributions[t][place] += pair_[t][place];
        result_.errors[t][place] += pair_[t][place] * pair_[t][place];
      }
    }
  }

  // Pairs are independent of each other; the two walks of one are not.
  void TakeMeans(double pairs) {
    for (std::size_t t = 0; t < targets_.size(); ++t) {
      for (const std::size_t place : players_) {
        double& mean = result_.contributions[t][place];
        double& error = result_.errors[t][place];
        mean /= pairs;
        const double variance = std::max(0.0, error / pairs - mean * mean);
        error = pairs > 1 ? std::sqrt(variance / (pairs - 1)) : 0;
      }
    }
  }

  // Players join one by one; each gets what the score changes by. The steps telescope.
  void AddWalk(const Order& order, std::span<const std::vector<double>> rows) {
    for (std::size_t t = 0; t < targets_.size(); ++t) {
      double before = result_.base[t];
      for (std::size_t step = 0; step < order.size(); ++step) {
        const double after = step < rows.size() ? rows[step][t] : result_.score[t];
        pair_[t][players_[order[step]]] += (after - before) / 2;
        before = after;
      }
    }
  }

  // What rounding (and, for an additive float32 model, its own sums) left over goes to the largest
  // part, so that the parts of a reason list add up.
  void CloseSums() {
    for (std::size_t t = 0; t < targets_.size(); ++t) {
      std::vector<double>& parts = result_.contributions[t];
      const double sum = std::accumulate(parts.begin(), parts.end(), result_.base[t]);
      result_.residual = std::max(result_.residual, std::fabs(result_.score[t] - sum));
      if (players_.empty()) {
        continue;
      }
      const std::size_t largest = *std::max_element(
          players_.begin(), players_.end(), [&parts](std::size_t a, std::size_t b) {
            return std::fabs(parts[a]) < std::fabs(parts[b]);
          });
      parts[largest] += result_.score[t] - sum;
    }
  }

  const Scorer& scorer_;
  const History& history_;
  std::span<const ItemIndex> targets_;
  const AttributionOptions& options_;
  std::vector<std::size_t> players_;
  std::vector<std::vector<double>> singles_;  // [player][target]
  std::vector<std::vector<double>> pair_;     // [target][place]: means of the two walks of one pair
  Attribution result_;
};

}  // namespace

std::string_view MethodName(Method method) {
  switch (method) {
    case Method::kAdditive:
      return "additive";
    case Method::kSubsets:
      return "subsets";
    case Method::kPermutations:
      return "permutations";
  }
  return "unknown";
}

Result<Attribution> Attribute(const Scorer& scorer, const History& history,
                              std::span<const ItemIndex> targets,
                              const AttributionOptions& options) {
  for (const ItemIndex target : targets) {
    if (target >= scorer.width()) {
      return InvalidArgument("item index " + std::to_string(target) + " is outside the vocabulary");
    }
  }
  return Attributor(scorer, history, targets, options).Run();
}

}  // namespace vitrine::explain
