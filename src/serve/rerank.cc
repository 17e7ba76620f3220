#include "serve/rerank.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace vitrine::serve {
namespace {

constexpr double kNone = -std::numeric_limits<double>::infinity();

// Rounding may take a squared distance below what the kernel allows, 1 - kDppLikeness.
constexpr double kLeastRest = 1e-6;

// floor(share * places), where a share such as 0.29 of 100 places is 29 of them.
std::size_t Owed(double share, std::size_t places) {
  return static_cast<std::size_t>(std::floor(share * static_cast<double>(places) + 1e-9));
}

class Greedy {
 public:
  Greedy(const RerankPlan& plan, std::span<const RerankItem> items, const PairAlikeness& alike,
         RerankScratch& scratch)
      : plan_(plan),
        items_(items),
        alike_(alike),
        to_(scratch),
        spaced_(plan.spacing, scratch.spaced),
        varied_(plan.strength > 0 ? std::min(plan.n, kMostVaried) : 0) {
    to_.places.clear();
    to_.taken.assign(items.size(), false);
    if (varied_ == 0) {
      return;
    }
    if (plan.method == DiversityMethod::kMmr) {
      to_.nearest.assign(items.size(), 0);
    } else {
      to_.rest.assign(items.size(), 1);
      if (to_.rows.size() < items.size() * varied_) {
        to_.rows.resize(items.size() * varied_);
      }
    }
  }

  void Run() {
    while (to_.places.size() < plan_.n) {
      std::size_t item = NextByGain();
      bool kept = false;
      if (new_placed_ < Owed(plan_.new_share, to_.places.size() + 1)) {
        const std::size_t fresh = NextNew();
        kept = fresh != items_.size() && fresh != item;
        item = kept ? fresh : item;
      }
      if (item == items_.size()) {
        return;
      }
      Place(item, kept);
    }
  }

 private:
  [[nodiscard]] double GainOf(std::size_t i) const {
    if (to_.places.size() >= varied_) {
      return items_[i].relevance;
    }
    const double variety = plan_.method == DiversityMethod::kMmr
                               ? -to_.nearest[i]
                               : std::log(std::max(to_.rest[i], kLeastRest));
    return (1 - plan_.strength) * items_[i].relevance + plan_.strength * variety;
  }

  // The most gain of those that `may` have the place; of those without a score the first. items_.size(): none.
  template <typename May>
  std::size_t Best(const May& may, bool in_limits) const {
    std::size_t best = items_.size();
    double most = kNone;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      if (to_.taken[i] || !may(items_[i])) {
        continue;
      }
      if (!items_[i].scored && best != items_.size()) {
        break;  // those without a score come last
      }
      const double gain = items_[i].scored ? GainOf(i) : 0;
      if (best != items_.size() && !(gain > most)) {
        continue;
      }
      if (!in_limits || spaced_.Fits(items_[i].likeness)) {
        best = i;
        most = gain;
      }
    }
    return best;
  }

  [[nodiscard]] std::size_t NextByGain() const {
    const auto may = [](const RerankItem& item) { return !item.reserve; };
    const std::size_t fitting = Best(may, true);
    return fitting == items_.size() && plan_.all ? Best(may, false) : fitting;
  }

  [[nodiscard]] std::size_t NextNew() const {
    return Best([](const RerankItem& item) { return item.is_new; }, true);
  }

  void Place(std::size_t item, bool kept) {
    const std::size_t place = to_.places.size();
    to_.taken[item] = true;
    to_.places.push_back({static_cast<std::uint32_t>(item), kept});
    spaced_.Add(items_[item].likeness);
    new_placed_ += items_[item].is_new ? 1U : 0U;
    if (place + 1 >= varied_) {
      return;
    }
    if (plan_.method == DiversityMethod::kMmr) {
      for (std::size_t i = 0; i < items_.size(); ++i) {
        if (!to_.taken[i]) {
          to_.nearest[i] = std::max(to_.nearest[i], alike_(i, item));
        }
      }
    } else {
      AddRow(item, place);
    }
  }

  // One more column of the Cholesky factor of the kernel of what is placed, for every item that is not.
  void AddRow(std::size_t item, std::size_t place) {
    const double* placed = to_.rows.data() + item * varied_;
    const double length = std::sqrt(std::max(to_.rest[item], kLeastRest));
    for (std::size_t i = 0; i < items_.size(); ++i) {
      if (to_.taken[i]) {
        continue;
      }
      double* row = to_.rows.data() + i * varied_;
      double inner = 0;
      for (std::size_t k = 0; k < place; ++k) {
        inner += placed[k] * row[k];
      }
      row[place] = (kDppLikeness * alike_(i, item) - inner) / length;
      to_.rest[i] -= row[place] * row[place];
    }
  }

  const RerankPlan& plan_;
  std::span<const RerankItem> items_;
  const PairAlikeness& alike_;
  RerankScratch& to_;
  SpacedPlaces spaced_;
  std::size_t varied_;  // places
  std::size_t new_placed_ = 0;
};

}  // namespace

std::span<const RerankPlace> Rerank(const RerankPlan& plan, std::span<const RerankItem> items,
                                    const PairAlikeness& alike, RerankScratch& scratch) {
  Greedy(plan, items, alike, scratch).Run();
  return scratch.places;
}

}  // namespace vitrine::serve
