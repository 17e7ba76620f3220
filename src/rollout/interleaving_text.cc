// What shoppers prefer, for people and for audit entries.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "rollout/interleaving.h"

namespace vitrine::rollout {
namespace {

std::string Percent(double share) { return fmt::format("{:.3g} %", share * 100); }

}  // namespace

std::string Sentence(const PreferenceVerdict& verdict) {
  return verdict.interval.judged
             ? fmt::format(
                   "of the items that {:.0f} shoppers took, the candidate's are ahead by "
                   "{} (surely {} to {})",
                   verdict.shoppers, Percent(verdict.preference), Percent(verdict.interval.low),
                   Percent(verdict.interval.high))
             : fmt::format(
                   "{:.0f} shoppers took something so far: too few to say whose items they "
                   "prefer",
                   verdict.shoppers);
}

std::string ToJson(const PreferenceVerdict& verdict) {
  nlohmann::ordered_json out = {{"shoppers", verdict.shoppers},
                                {"preference", verdict.preference},
                                {"sentence", Sentence(verdict)}};
  if (verdict.interval.judged) {
    out["interval"] = {verdict.interval.low, verdict.interval.high};
  }
  return out.dump();
}

}  // namespace vitrine::rollout
