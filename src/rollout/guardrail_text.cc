#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "rollout/guardrail.h"

namespace vitrine::rollout {
namespace {

std::string Loss(const Guardrail& guardrail) {
  return guardrail.relative
             ? fmt::format("{:.4g} % of the control's value", guardrail.tolerated * 100)
             : fmt::format("{:.4g}", guardrail.tolerated);
}

std::string Conclusion(const GuardrailEvidence& evidence) {
  const std::string loss = Loss(evidence.guardrail);
  switch (evidence.verdict) {
    case Verdict::kHarmful:
      return fmt::format("the loss is surely above the tolerated {}", loss);
    case Verdict::kSafe:
      return fmt::format("the loss, if there is one, is surely below the tolerated {}", loss);
    case Verdict::kBetter:
      return "it is surely better";
    case Verdict::kUndecided:
      break;
  }
  return evidence.margin.judged
             ? fmt::format("that does not decide yet whether the loss is above the tolerated {}",
                           loss)
             : "that is too little to say anything";
}

nlohmann::json Ends(const Interval& interval) {
  const auto end = [](double value) {
    return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
  };
  return {end(interval.low), end(interval.high)};
}

}  // namespace

std::string Sentence(const GuardrailEvidence& evidence) {
  std::string name(VerdictName(evidence.verdict));
  name[0] = static_cast<char>(name[0] - 'a' + 'A');
  const std::string figures = fmt::format(
      "{}: {} is {:.4g} against {:.4g} of the control ({:.0f} and {:.0f} {})", name,
      evidence.guardrail.metric, evidence.treatment, evidence.control, evidence.treatment_n,
      evidence.control_n, evidence.exact ? "observations" : "shoppers");
  const std::string interval = evidence.difference.judged
                                   ? fmt::format(", a difference of {:+.3g} to {:+.3g}",
                                                 evidence.difference.low, evidence.difference.high)
                                   : "";
  return fmt::format("{}{}: {}. The chance of a false verdict is at most {:.3g} % over all looks.",
                     figures, interval, Conclusion(evidence), evidence.alpha * 100);
}

std::string ToJson(const GuardrailEvidence& evidence) {
  const Guardrail& guardrail = evidence.guardrail;
  return nlohmann::json{
      {"metric", guardrail.metric},
      {"better", guardrail.better == Better::kHigher ? "higher" : "lower"},
      {"tolerated", guardrail.tolerated},
      {"relative", guardrail.relative},
      {"verdict", VerdictName(evidence.verdict)},
      {"control", evidence.control},
      {"treatment", evidence.treatment},
      {"control_n", evidence.control_n},
      {"treatment_n", evidence.treatment_n},
      {"difference", Ends(evidence.difference)},
      {"margin", Ends(evidence.margin)},
      {"alpha", evidence.alpha},
      {"variance_left", evidence.variance_left},
      {"exact", evidence.exact},
      {"sentence", Sentence(evidence)},
  }
      .dump();
}

}  // namespace vitrine::rollout
