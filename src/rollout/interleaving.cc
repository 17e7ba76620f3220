#include "rollout/interleaving.h"

#include <algorithm>

#include "rollout/cuped.h"

namespace vitrine::rollout {
namespace {

/// splitmix64: 64 coins a call.   Source: Steele, Lea & Flood 2014
std::uint64_t Next(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31U);
}

/// One team's list and how far it was read.
class Drafter {
 public:
  Drafter(Arm team, std::span<const std::uint64_t> list) : team_(team), list_(list) {}

  /// Adds its next item that `drafted` lacks; false where its list has ended.
  bool Pick(std::vector<DraftedPlace>& drafted) {
    while (at_ < list_.size()) {
      const std::uint64_t item = list_[at_++];
      if (std::none_of(drafted.begin(), drafted.end(),
                       [item](const DraftedPlace& place) { return place.item == item; })) {
        drafted.push_back({item, team_, at_ - 1});
        return true;
      }
    }
    return false;
  }

 private:
  Arm team_;
  std::span<const std::uint64_t> list_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<DraftedPlace> TeamDraft(std::span<const std::uint64_t> control,
                                    std::span<const std::uint64_t> treatment, std::size_t n,
                                    std::uint64_t seed) {
  std::vector<DraftedPlace> drafted;
  drafted.reserve(n);
  Drafter first(Arm::kControl, control);
  Drafter second(Arm::kTreatment, treatment);
  bool picking = true;
  while (picking && drafted.size() < n) {
    const bool control_first = (Next(seed) >> 63U) == 0;
    picking = (control_first ? first : second).Pick(drafted);
    if (drafted.size() < n) {
      picking = (control_first ? second : first).Pick(drafted) || picking;
    }
  }
  return drafted;
}

void Preference::Update(const Credit& before, const Credit& now) {
  const auto unit = [](const Credit& credit) {
    return Unit{credit.treatment - credit.control, credit.treatment + credit.control};
  };
  if (!before.Empty()) {
    shoppers.Replace(unit(before), unit(now));
  } else if (!now.Empty()) {
    shoppers.Add(unit(now));
  }
}

Estimate Preference::Current() const { return MeanOf(RatioMoments(shoppers)); }

PreferenceVerdict JudgePreference(const Preference& preference, const SequenceOptions& options) {
  // Two shoppers more, one of each mind: where all agree, their spread is nothing, and says nothing.
  JointMoments doubted = preference.shoppers;
  doubted.Add({.value = -1, .weight = 1});
  doubted.Add({.value = 1, .weight = 1});
  PreferenceVerdict verdict;
  verdict.preference = preference.Current().value;
  verdict.interval = AlwaysValid(MeanOf(RatioMoments(doubted)), options);
  verdict.shoppers = preference.shoppers.n;
  verdict.treatment_wins = verdict.interval.judged && verdict.interval.low > 0;
  verdict.control_wins = verdict.interval.judged && verdict.interval.high < 0;
  return verdict;
}

}  // namespace vitrine::rollout
