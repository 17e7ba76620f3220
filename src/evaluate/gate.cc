#include "evaluate/gate.h"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "evaluate/compare.h"
#include "evaluate/labelled_metrics.h"

namespace vitrine::evaluate {
namespace {

std::string Sentence(const GateCheck& check, const std::string& champion, bool must_improve) {
  const std::string where = check.slice == "all" ? "" : fmt::format(" on slice {}", check.slice);
  const std::string figures = fmt::format(
      "{} {:.4f} against {:.4f} of {}{}: difference {:+.4f}, 95 % interval {:+.4f} to "
      "{:+.4f} over {} cases",
      check.metric, check.candidate, check.champion, champion, where, check.difference.mean,
      check.difference.low, check.difference.high, check.cases);
  const bool lower = LowerIsBetter(check.metric);
  if (check.pass) {
    return (lower ? check.difference.high < 0 : check.difference.low > 0)
               ? fmt::format("Better: {}.", figures)
               : fmt::format("Not worse than allowed ({:+.4f}): {}.", check.allowed, figures);
  }
  if (must_improve && check.slice == "all" &&
      (lower ? check.difference.mean < 0 : check.difference.mean > 0)) {
    return fmt::format("Not surely better: {}.", figures);
  }
  return fmt::format("It may be worse by more than allowed ({:+.4f}): {}.", check.allowed, figures);
}

/// Both values of the check's metric on its slice, and how many cases they are of.
Status FillMeans(const EvalReport& candidate, const EvalReport& other, GateCheck& check) {
  if (!candidate.labelled.empty()) {
    const MetricValue* ours = candidate.Find(check.slice, check.metric);
    const MetricValue* theirs = other.Find(check.slice, check.metric);
    if (ours == nullptr || theirs == nullptr) {
      return FailedPrecondition(fmt::format("slice '{}' has no {}", check.slice, check.metric));
    }
    check.candidate = ours->mean;
    check.champion = theirs->mean;
    ASSIGN_OR_RETURN(const auto rows, candidate.LabelledOf(check.slice));
    check.cases = rows.size();
    return Status::Ok();
  }
  ASSIGN_OR_RETURN(const std::vector<double> values,
                   CaseValues(candidate, check.slice, check.metric));
  ASSIGN_OR_RETURN(const std::vector<double> others, CaseValues(other, check.slice, check.metric));
  check.cases = values.size();
  for (std::size_t i = 0; i < values.size(); ++i) {
    check.candidate += values[i] / static_cast<double>(values.size());
    check.champion += others[i] / static_cast<double>(values.size());
  }
  return Status::Ok();
}

/// Cases that a guard slice has. Errors: kNotFound, kInvalidArgument.
Result<std::size_t> CasesOf(const EvalReport& report, const std::string& slice,
                            const std::string& metric) {
  if (!report.labelled.empty()) {
    ASSIGN_OR_RETURN(const auto rows, report.LabelledOf(slice));
    return rows.size();
  }
  ASSIGN_OR_RETURN(const std::vector<double> values, CaseValues(report, slice, metric));
  return values.size();
}

/// A check of one slice; the status says why there is none.
Result<GateCheck> Compare(const EvalReport& candidate, const EvalReport& other,
                          const std::string& slice, double margin, bool must_improve,
                          const GateRule& rule) {
  GateCheck check;
  check.slice = slice;
  check.metric = rule.metric;
  ASSIGN_OR_RETURN(check.difference,
                   PairedDifference(candidate, other, slice, rule.metric, rule.bootstrap));
  RETURN_IF_ERROR(FillMeans(candidate, other, check));
  const double lost = must_improve ? 0 : margin * check.champion;
  if (LowerIsBetter(rule.metric)) {
    check.allowed = lost;
    check.pass = must_improve ? check.difference.high < 0 : check.difference.high <= lost;
  } else {
    check.allowed = -lost;
    check.pass = must_improve ? check.difference.low > 0 : check.difference.low >= -lost;
  }
  return check;
}

class Judging {
 public:
  Judging(const EvalReport& candidate, const GateRule& rule) : candidate_(candidate), rule_(rule) {}

  GateVerdict Run(const EvalReport* champion, const EvalReport* floor) {
    verdict_.pass = true;
    if (candidate_.judged() < rule_.minimum_cases) {
      Refuse(fmt::format("Only {} cases; {} are needed to decide anything.", candidate_.judged(),
                         rule_.minimum_cases));
      return std::move(verdict_);
    }
    if (champion != nullptr) {
      Check(*champion, "all", rule_.margin, rule_.must_improve);
      for (const std::string& slice : rule_.guard_slices) {
        Guard(*champion, slice);
      }
    } else if (floor != nullptr) {
      Check(*floor, "all", 0, true);
    } else {
      FirstVersion();
    }
    return std::move(verdict_);
  }

 private:
  void Refuse(std::string reason) {
    verdict_.pass = false;
    verdict_.reasons.insert(verdict_.reasons.begin(), std::move(reason));
  }

  void Check(const EvalReport& other, const std::string& slice, double margin, bool must_improve) {
    auto check = Compare(candidate_, other, slice, margin, must_improve, rule_);
    if (!check.ok()) {
      Refuse(fmt::format("Not comparable: {}.", check.status().message()));
      return;
    }
    std::string sentence = Sentence(*check, other.model, must_improve);
    if (check->pass) {
      verdict_.reasons.push_back(std::move(sentence));
    } else {
      Refuse(std::move(sentence));
    }
    verdict_.checks.push_back(*std::move(check));
  }

  void Guard(const EvalReport& champion, const std::string& slice) {
    const auto cases = CasesOf(candidate_, slice, rule_.metric);
    if (cases.ok() && *cases < rule_.minimum_slice_cases) {
      verdict_.reasons.push_back(fmt::format("Slice {} has {} cases, fewer than {}: not judged.",
                                             slice, *cases, rule_.minimum_slice_cases));
      return;
    }
    Check(champion, slice, rule_.guard_margin, false);
  }

  /// Rows with labels: better than chance, surely.
  void FirstOfRows() {
    const MetricValue* auc = candidate_.Find("all", "auc");
    if (auc != nullptr && auc->low > 0.5) {
      verdict_.reasons.push_back(
          fmt::format("The first version: there is no champion to compare with; auc is {:.4f}, "
                      "surely above chance.",
                      auc->mean));
    } else {
      Refuse(auc == nullptr ? "The rows hold one label only: nothing can be judged."
                            : fmt::format("auc is {:.4f}, 95 % interval {:.4f} to {:.4f}: not "
                                          "surely better than chance.",
                                          auc->mean, auc->low, auc->high));
    }
  }

  void FirstVersion() {
    if (!candidate_.labelled.empty()) {
      FirstOfRows();
      return;
    }
    const auto values = CaseValues(candidate_, "all", rule_.metric);
    double sum = 0;
    if (values.ok()) {
      for (const double value : *values) {
        sum += value;
      }
    }
    if (sum > 0) {
      verdict_.reasons.push_back(
          fmt::format("The first version: there is no champion to compare with; {} is {:.4f}.",
                      rule_.metric, sum / static_cast<double>(values->size())));
    } else {
      Refuse(values.ok() ? fmt::format("{} is 0: the model finds nothing.", rule_.metric)
                         : values.status().message());
    }
  }

  const EvalReport& candidate_;
  const GateRule& rule_;
  GateVerdict verdict_;
};

}  // namespace

GateVerdict Judge(const EvalReport& candidate, const EvalReport* champion, const EvalReport* floor,
                  const GateRule& rule) {
  return Judging(candidate, rule).Run(champion, floor);
}

std::string ToJson(const GateVerdict& verdict) {
  nlohmann::json checks = nlohmann::json::array();
  for (const GateCheck& c : verdict.checks) {
    checks.push_back(
        {{"slice", c.slice},
         {"metric", c.metric},
         {"candidate", c.candidate},
         {"champion", c.champion},
         {"difference",
          {{"mean", c.difference.mean}, {"low", c.difference.low}, {"high", c.difference.high}}},
         {"allowed", c.allowed},
         {"cases", c.cases},
         {"pass", c.pass}});
  }
  const nlohmann::json out = {
      {"pass", verdict.pass}, {"reasons", verdict.reasons}, {"checks", std::move(checks)}};
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace vitrine::evaluate
