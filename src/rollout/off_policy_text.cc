// An off-policy report for people and for programs.
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "rollout/off_policy.h"

namespace vitrine::rollout {
namespace {

using nlohmann::json;

/// An interval may be open where too little is known.
json Finite(double number) { return std::isfinite(number) ? json(number) : json(); }

json Of(const PolicyValue& value) {
  return {{"value", value.value},
          {"low", Finite(value.low)},
          {"high", Finite(value.high)},
          {"standard_error", Finite(value.standard_error)}};
}

std::string Row(const char* name, const PolicyValue& value, const PolicyValue& logged) {
  const double than = logged.value == 0 ? 0 : 100 * (value.value / logged.value - 1);
  return fmt::format("{:<16} {:>12.6g} {:>12.6g} {:>12.6g}   {:>+7.1f} %\n", name, value.value,
                     value.low, value.high, than);
}

}  // namespace

std::string ToJson(const OffPolicyReport& report) {
  return json({{"rows", report.rows},
               {"users", report.users},
               {"logged", Of(report.logged)},
               {"ips", Of(report.ips)},
               {"snips", Of(report.snips)},
               {"doubly_robust", Of(report.doubly_robust)},
               {"mean_weight", report.mean_weight},
               {"weight_error", Finite(report.weight_error)},
               {"largest_weight", report.largest_weight},
               {"effective_rows", report.effective_rows},
               {"clipped", report.clipped},
               {"problems", report.problems}})
      .dump(2);
}

std::string ToText(const OffPolicyReport& report, const OffPolicyOptions& options) {
  std::string text = fmt::format(
      "{} places shown to {} shoppers; the weights leave as much as {:.0f} of them\n\n"
      "{:<16} {:>12} {:>12} {:>12}   {:>9}\n",
      report.rows, report.users, report.effective_rows, "reward a place", "value",
      fmt::format("{:.4g} % from", 100 * (1 - options.alpha)), "to", "than log");
  text += Row("as logged", report.logged, report.logged);
  text += Row("IPS", report.ips, report.logged);
  text += Row("SNIPS", report.snips, report.logged);
  text += Row("doubly robust", report.doubly_robust, report.logged);
  for (const std::string& problem : report.problems) {
    text += "\nproblem: " + problem;
  }
  text += report.problems.empty()
              ? "\nNothing speaks against the estimates. They replace no test on shoppers: "
                "vitrine rollout start NAME:NUMBER\n"
              : "\n";
  return text;
}

}  // namespace vitrine::rollout
