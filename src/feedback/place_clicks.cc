#include "feedback/place_clicks.h"

#include <numeric>
#include <string>
#include <unordered_map>

namespace vitrine::feedback {
namespace {

/// Numbers of texts as they come.
class Names {
 public:
  std::size_t NumberOf(const std::string& name) {
    return numbers_.emplace(name, numbers_.size()).first->second;
  }
  [[nodiscard]] std::size_t size() const { return numbers_.size(); }

 private:
  std::unordered_map<std::string, std::size_t> numbers_;
};

std::string ContextOf(const Example& example, BiasContext context) {
  switch (context) {
    case BiasContext::kShopperItem:
      return example.subject + '\n' + example.item_id;
    case BiasContext::kItem:
      return example.item_id;
    case BiasContext::kRandomised:
      return "";
  }
  return "";
}

void Join(std::vector<std::size_t>& group, std::size_t a, std::size_t b) {
  const std::size_t from = group[b];
  const std::size_t to = group[a];
  for (std::size_t& g : group) {
    g = g == from ? to : g;
  }
}

}  // namespace

PlaceClicks CountClicks(std::span<const Example> examples, const BiasOptions& options) {
  PlaceClicks counts;
  counts.places = static_cast<std::size_t>(options.places);
  Names contexts;
  Names shoppers;
  for (const Example& example : examples) {
    const bool nobody = options.context == BiasContext::kShopperItem && example.subject.empty();
    if (example.position < 0 || example.position >= options.places || nobody) {
      continue;
    }
    const std::size_t context = contexts.NumberOf(ContextOf(example, options.context));
    const auto place = static_cast<std::size_t>(example.position);
    counts.shown.resize(contexts.size() * counts.places, 0);
    counts.clicks.resize(contexts.size() * counts.places, 0);
    counts.shown[context * counts.places + place] += 1;
    if (example.clicked) {
      counts.clicks[context * counts.places + place] += 1;
      // Whom nobody names is a shopper of each answer.
      const std::string& shopper = example.subject.empty() ? example.request_id : example.subject;
      counts.each.push_back({context, place, shoppers.NumberOf(shopper)});
    }
  }
  counts.shoppers = shoppers.size();
  return counts;
}

TellingContexts::TellingContexts(const PlaceClicks& counts, std::uint64_t least_clicks)
    : counts_(counts) {
  in_.assign(counts.places, true);
  // Leaving a place out may leave another with too few clicks.
  for (bool changed = true; changed;) {
    FindTelling();
    changed = false;
    for (std::size_t p = 0; p < counts.places; ++p) {
      if (in_[p] && (clicks_[p] < static_cast<double>(least_clicks) || !reached_[p])) {
        in_[p] = false;
        changed = true;
      }
    }
  }
}

void TellingContexts::FindTelling() {
  telling_.clear();
  tells_.assign(counts_.contexts(), false);
  shown_.assign(counts_.places, 0);
  clicks_.assign(counts_.places, 0);
  std::vector<std::size_t> group(counts_.places);
  std::iota(group.begin(), group.end(), std::size_t{0});
  for (std::size_t c = 0; c < counts_.contexts(); ++c) {
    const double* shown = counts_.shown.data() + c * counts_.places;
    const double* clicks = counts_.clicks.data() + c * counts_.places;
    std::vector<std::size_t> places;
    for (std::size_t p = 0; p < counts_.places; ++p) {
      if (in_[p] && shown[p] > 0) {
        places.push_back(p);
      }
    }
    if (places.size() < 2 || ClicksOf(c) == 0) {
      continue;
    }
    telling_.push_back(c);
    tells_[c] = true;
    for (const std::size_t p : places) {
      shown_[p] += shown[p];
      clicks_[p] += clicks[p];
      Join(group, places[0], p);
    }
  }
  reached_.assign(counts_.places, false);
  for (std::size_t p = 0; p < counts_.places; ++p) {
    reached_[p] = group[p] == group[0];
  }
}

}  // namespace vitrine::feedback
