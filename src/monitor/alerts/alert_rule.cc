#include "monitor/alerts/alert_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/nearest_name.h"

namespace vitrine::monitor {
namespace {

constexpr std::size_t kLongestName = 64;
constexpr std::size_t kLongestRunbook = 4000;
constexpr std::chrono::hours kLongestWait{7 * 24};

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_';
         });
}

/// True where `a` is at least as bad as `b`.
bool AsBad(Side side, double a, double b) { return side == Side::kAbove ? a >= b : a <= b; }

Status CheckSignal(const AlertRule& rule) {
  const SignalDef* signal = FindSignal(rule.signal);
  if (signal == nullptr) {
    std::vector<std::string> names;
    for (const SignalDef& def : SignalDefs()) {
      names.push_back(def.name);
    }
    const std::string near = NearestName(rule.signal, names);
    return InvalidArgument(fmt::format(
        "rule '{}': there is no signal '{}'{}; there are {}", rule.name, rule.signal,
        near.empty() ? "" : fmt::format(", did you mean '{}'?", near), fmt::join(names, ", ")));
  }
  for (const auto& [label, value] : rule.where) {
    if (std::find(signal->labels.begin(), signal->labels.end(), label) == signal->labels.end()) {
      return InvalidArgument(fmt::format(
          "rule '{}': where.{}: {} has {}", rule.name, label, rule.signal,
          signal->labels.empty() ? "no labels"
                                 : fmt::format("the labels {}", fmt::join(signal->labels, ", "))));
    }
  }
  return Status::Ok();
}

Status CheckBounds(const AlertRule& rule) {
  if (!rule.warning && !rule.critical) {
    return InvalidArgument(
        fmt::format("rule '{}': give a bound, warning or critical or both", rule.name));
  }
  for (const auto& [name, bound] : {std::pair("warning", rule.warning),
                                    {"critical", rule.critical},
                                    {"recovery", rule.recovery}}) {
    if (bound && !std::isfinite(*bound)) {
      return InvalidArgument(fmt::format("rule '{}': {} is not a number", rule.name, name));
    }
  }
  const std::string_view order = rule.side == Side::kAbove ? "lower" : "higher";
  if (rule.warning && rule.critical && !AsBad(rule.side, *rule.critical, *rule.warning)) {
    return InvalidArgument(fmt::format(
        "rule '{}': bad is {} the bound, so warning ({:g}) must be {} than critical ({:g})",
        rule.name, SideName(rule.side), *rule.warning, order, *rule.critical));
  }
  const double mildest = rule.warning ? *rule.warning : *rule.critical;
  if (rule.recovery && !AsBad(rule.side, mildest, *rule.recovery)) {
    return InvalidArgument(
        fmt::format("rule '{}': recovery ({:g}) must be no worse than the bound ({:g}), or an "
                    "alert would end while it is bad",
                    rule.name, *rule.recovery, mildest));
  }
  return Status::Ok();
}

}  // namespace

std::string_view SeverityName(Severity severity) {
  return severity == Severity::kCritical ? "critical" : "warning";
}

std::string_view SideName(Side side) { return side == Side::kAbove ? "above" : "below"; }

std::string_view AgainstName(Against against) {
  switch (against) {
    case Against::kBounds:
      return "bounds";
    case Against::kLastDay:
      return "last_day";
    case Against::kLastWeek:
      return "last_week";
  }
  return "bounds";
}

Status Validate(const AlertRule& rule) {
  if (!IsName(rule.name)) {
    return InvalidArgument(
        fmt::format("a rule's name has 1 to {} letters, digits, '-' and '_'; '{}' does not",
                    kLongestName, rule.name.substr(0, kLongestName)));
  }
  RETURN_IF_ERROR(CheckSignal(rule));
  RETURN_IF_ERROR(CheckBounds(rule));
  if (rule.bad_for.count() < 0 || rule.good_for.count() < 0 || rule.bad_for > kLongestWait ||
      rule.good_for > kLongestWait) {
    return InvalidArgument(
        fmt::format("rule '{}': bad_for and good_for are 0 s to a week", rule.name));
  }
  if (rule.priority < 1 || rule.priority > 5) {
    return InvalidArgument(
        fmt::format("rule '{}': priority is 1 (first) to 5, not {}", rule.name, rule.priority));
  }
  if (!(rule.least_rows >= 0)) {
    return InvalidArgument(fmt::format("rule '{}': least_rows is 0 or more", rule.name));
  }
  if (rule.runbook.size() > kLongestRunbook || rule.runbook_zh.size() > kLongestRunbook) {
    return InvalidArgument(
        fmt::format("rule '{}': a runbook has at most {} bytes; put a link into it", rule.name,
                    kLongestRunbook));
  }
  return Status::Ok();
}

std::optional<Severity> Judge(const AlertRule& rule, double value) {
  if (rule.critical && AsBad(rule.side, value, *rule.critical)) {
    return Severity::kCritical;
  }
  if (rule.warning && AsBad(rule.side, value, *rule.warning)) {
    return Severity::kWarning;
  }
  return std::nullopt;
}

bool Recovered(const AlertRule& rule, double value) {
  if (Judge(rule, value)) {
    return false;
  }
  return !rule.recovery || AsBad(rule.side, *rule.recovery, value);
}

bool Matches(const Labels& where, const Labels& series) {
  return std::all_of(where.begin(), where.end(), [&series](const auto& wanted) {
    const auto found = series.find(wanted.first);
    return found != series.end() && found->second == wanted.second;
  });
}

namespace {

/// Bounds: of a budget for three days the first spends a fifth in an hour, the second half in six hours. Rows are bad answers.
void AddObjectiveRules(std::vector<AlertRule>& rules) {
  using std::chrono::minutes;
  const char* look =
      "vitrine monitor objectives; vitrine diagnose; roll back: vitrine model rollback";
  const char* look_zh =
      "运行 vitrine monitor objectives 与 vitrine diagnose;回滚:vitrine model rollback";
  rules.push_back({.name = "budget-burns-fast",
                   .signal = "objective.fast_burn",
                   .critical = 14.4,
                   .bad_for = minutes(0),
                   .least_rows = 10,
                   .priority = 1,
                   .runbook = look,
                   .runbook_zh = look_zh});
  rules.push_back({.name = "budget-burns",
                   .signal = "objective.slow_burn",
                   .warning = 6,
                   .bad_for = minutes(0),
                   .least_rows = 10,
                   .priority = 2,
                   .runbook = look,
                   .runbook_zh = look_zh});
  rules.push_back({.name = "budget-spent",
                   .signal = "objective.spent",
                   .warning = 1,
                   .bad_for = minutes(0),
                   .least_rows = 50,
                   .priority = 3,
                   .runbook = look,
                   .runbook_zh = look_zh});
}

/// A fifth fewer clicks than then, where 1,000 places say so.
AlertRule FewerClicks(std::string name, std::string signal, Against against) {
  return {.name = std::move(name),
          .signal = std::move(signal),
          .side = Side::kBelow,
          .against = against,
          .warning = -0.2,
          .critical = -0.5,
          .recovery = -0.1,
          .bad_for = std::chrono::minutes(30),
          .good_for = std::chrono::minutes(30),
          .least_rows = 1000,
          .priority = 2,
          .rests_in_sales = true,
          .runbook = "vitrine diagnose worse_after_deploy",
          .runbook_zh = "运行 vitrine diagnose worse_after_deploy"};
}

void AddClickRules(std::vector<AlertRule>& rules) {
  rules.push_back(FewerClicks("fewer-clicks", "quality.ctr", Against::kLastWeek));
  AlertRule scene = FewerClicks("fewer-clicks-in-scene", "quality.scene_ctr", Against::kLastWeek);
  scene.runbook += "; where nothing was deployed: vitrine drift, vitrine retrain";
  scene.runbook_zh += ";若无部署:vitrine drift、vitrine retrain";
  rules.push_back(std::move(scene));
  AlertRule expected =
      FewerClicks("fewer-clicks-expected", "quality.estimated_ctr", Against::kLastDay);
  expected.bad_for = std::chrono::minutes(15);
  expected.runbook = "what is shown changed, not yet the clicks: vitrine status, vitrine drift";
  expected.runbook_zh = "展示内容已变化,点击尚未体现:运行 vitrine status、vitrine drift";
  rules.push_back(std::move(expected));
}

}  // namespace

std::vector<AlertRule> DefaultAlertRules() {
  using std::chrono::minutes;
  std::vector<AlertRule> rules;
  rules.push_back(
      {.name = "model-fails",
       .signal = "service.failures",
       .critical = 1,
       .bad_for = minutes(0),
       .priority = 1,
       .runbook = "vitrine diagnose does_not_start; roll back: vitrine model rollback",
       .runbook_zh = "运行 vitrine diagnose does_not_start;回滚:vitrine model rollback"});
  rules.push_back(
      {.name = "remote-not-asked",
       .signal = "service.breaker_open",
       .critical = 1,
       .bad_for = minutes(0),
       .priority = 1,
       .runbook = "the retriever's order is shown meanwhile; look at that server, and "
                  "at vitrine_remote_failures_total by cause",
       .runbook_zh = "期间按召回顺序展示;检查该服务,以及 vitrine_remote_failures_total"});
  rules.push_back({.name = "answers-come-down",
                   .signal = "service.degraded_share",
                   .warning = 0.02,
                   .critical = 0.2,
                   .recovery = 0.01,
                   .bad_for = minutes(2),
                   .least_rows = 200,
                   .priority = 1,
                   .runbook = "vitrine status; look at deadline_ms of the scene and at the load",
                   .runbook_zh = "运行 vitrine status;检查场景的 deadline_ms 与负载"});
  rules.push_back({.name = "slow-answers",
                   .signal = "service.p99_seconds",
                   .warning = 0.1,
                   .critical = 0.5,
                   .recovery = 0.08,
                   .bad_for = minutes(5),
                   .least_rows = 200,
                   .priority = 2,
                   .runbook = "vitrine diagnose slower_after_deploy",
                   .runbook_zh = "运行 vitrine diagnose slower_after_deploy"});
  rules.push_back({.name = "events-stopped",
                   .signal = "data.silence_seconds",
                   .warning = 900,
                   .critical = 3600,
                   .bad_for = minutes(0),
                   .priority = 1,
                   .runbook = "look at the sender of events; GET /v1/monitors/data",
                   .runbook_zh = "检查事件上报方;GET /v1/monitors/data"});
  rules.push_back({.name = "rows-refused",
                   .signal = "data.rejected_share",
                   .warning = 0.01,
                   .critical = 0.1,
                   .bad_for = minutes(5),
                   .least_rows = 200,
                   .priority = 2,
                   .runbook = "vitrine diagnose monitor_shows_wrong_numbers; vitrine data report: "
                              "which rows, by reason",
                   .runbook_zh = "运行 vitrine diagnose monitor_shows_wrong_numbers;vitrine data "
                                 "report 按原因列出被拒绝的行"});
  rules.push_back(
      {.name = "contract-broken",
       .signal = "data.contract_broken",
       .where = {{"says", "wrong"}},
       .warning = 1,
       .bad_for = minutes(0),
       .good_for = minutes(15),
       .priority = 2,
       .rests_in_sales = true,
       .runbook =
           "GET /v1/monitors/data: contract.findings says what was expected, what came, and the "
           "newest such row; wanted: vitrine data contract set FILE",
       .runbook_zh = "GET /v1/monitors/data 的 contract.findings 给出预期、实际与最新样例;"
                     "若属正常,运行 vitrine data contract set FILE"});
  // A day in which nothing differs ends it: what shoppers do differs by the hour.
  rules.push_back(
      {.name = "contract-changed",
       .signal = "data.contract_broken",
       .where = {{"says", "changed"}},
       .warning = 1,
       .bad_for = minutes(0),
       .good_for = minutes(24 * 60),
       .priority = 3,
       .rests_in_sales = true,
       .runbook = "shoppers or senders do something else than before: GET /v1/monitors/data, "
                  "contract.findings; "
                  "where it stays: vitrine data contract learn",
       .runbook_zh =
           "用户或上报方行为变化:查看 GET /v1/monitors/data 的 contract.findings;若长期如此,运行 "
           "vitrine data contract learn"});
  rules.push_back({.name = "robots",
                   .signal = "data.robot_share",
                   .warning = 0.02,
                   .critical = 0.3,
                   .recovery = 0.01,
                   .bad_for = minutes(0),
                   .good_for = minutes(60),
                   .least_rows = 200,
                   .priority = 3,
                   .runbook = "some users send more than 1,000 events an hour; trainings leave "
                              "them out (rule bots), popular items of "
                              "the moment do not: block them at the shop's door",
                   .runbook_zh = "有用户一小时发送超过 1,000 条事件;训练会剔除(规则 "
                                 "bots),但实时热门不会:请在入口处拦截"});
  rules.push_back(
      {.name = "clock-ahead",
       .signal = "data.future_share",
       .warning = 0.05,
       .critical = 0.5,
       .bad_for = minutes(5),
       .least_rows = 200,
       .priority = 2,
       .runbook = "the sender's clock or its time zone is wrong; GET /v1/monitors/data, feeds",
       .runbook_zh = "上报方时钟或时区有误;GET /v1/monitors/data 中的 feeds"});
  rules.push_back(
      {.name = "feed-slower",
       .signal = "data.lag_p95_seconds",
       .against = Against::kLastWeek,
       .warning = 4,
       .bad_for = minutes(15),
       .least_rows = 200,
       .priority = 3,
       .runbook = "the feed's events wait longer than a week ago; GET /v1/monitors/data, feeds",
       .runbook_zh = "该来源的事件比一周前到得更晚;GET /v1/monitors/data 中的 feeds"});
  rules.push_back({.name = "feature-drifted",
                   .signal = "drift.drifted",
                   .warning = 1,
                   .bad_for = minutes(15),
                   .good_for = minutes(30),
                   .rests_in_sales = true,
                   .runbook = "vitrine drift: which feature, and how; vitrine retrain",
                   .runbook_zh = "运行 vitrine drift 查看漂移的特征;必要时 vitrine retrain"});
  rules.push_back({.name = "features-differ",
                   .signal = "skew.mismatch_share",
                   .warning = 0.001,
                   .critical = 0.05,
                   .bad_for = minutes(5),
                   .priority = 2,
                   .runbook = "GET /v1/monitors/skew names the feature and both values",
                   .runbook_zh = "GET /v1/monitors/skew 给出特征名与两侧的值"});
  rules.push_back(
      {.name = "explanations-moved",
       .signal = "model.explanation_ndcg",
       .side = Side::kBelow,
       .warning = 0.9,
       .recovery = 0.92,
       .bad_for = minutes(0),
       .least_rows = 30,
       .priority = 3,
       .rests_in_sales = true,
       .runbook = "vitrine model explain champion: what the answers rest on now; "
                  "vitrine drift",
       .runbook_zh = "运行 vitrine model explain champion 查看变化;再看 vitrine drift"});
  AddClickRules(rules);
  AddObjectiveRules(rules);
  return rules;
}

}  // namespace vitrine::monitor
