#include "monitor/alerts/signal.h"

#include <algorithm>

namespace vitrine::monitor {

std::string SeriesName(std::string_view name, const Labels& labels) {
  std::string text(name);
  char before = '{';
  for (const auto& [label, value] : labels) {
    text += before;
    text += label;
    text += '=';
    text += value;
    before = ',';
  }
  if (!labels.empty()) {
    text += '}';
  }
  return text;
}

const std::vector<SignalDef>& SignalDefs() {
  static const std::vector<SignalDef> defs = {
      {"data.contract_broken",
       "",
       {"rule", "says"},
       "1 where the newest hour or day that could say broke the rule of the data contract, else 0; "
       "`says`: "
       "wrong where rows cannot be right, changed where shoppers may just do something else.",
       "最近一个可判定的小时或天违反数据契约规则时为 1,否则为 0;says 为 wrong 表示数据有误,changed "
       "表示行为变化。"},
      {"data.duplicate_share",
       "share",
       {},
       "Events that came twice, of all that came.",
       "重复事件占全部事件的比例。"},
      {"data.future_share",
       "share",
       {"feed"},
       "Events dated more than a minute after they came, of all of the feed.",
       "时间晚于到达一分钟以上的事件占该来源的比例。"},
      {"data.lag_p95_seconds",
       "s",
       {"feed"},
       "Time between event and arrival that 95 % of the feed's events keep.",
       "该来源 95% 的事件从发生到到达的时间不超过此值。"},
      {"data.late_share",
       "share",
       {"event"},
       "Events more than a day older than the newest, of all of their type.",
       "比最新事件晚一天以上的事件占该类型的比例。"},
      {"data.rejected_share",
       "share",
       {},
       "Rows that were refused, of all that came.",
       "被拒绝的行占全部行的比例。"},
      {"data.robot_share",
       "share",
       {},
       "Events beyond the first 1,000 of a user in an hour, of all that came.",
       "单个用户一小时内超过 1,000 条之后的事件占全部事件的比例。"},
      {"data.silence_seconds",
       "s",
       {},
       "Time since the newest event was accepted.",
       "距最近一次接受事件的时间。"},
      {"drift.baseline_psi",
       "",
       {"model", "feature"},
       "Corrected PSI of recent requests against the version's first ones.",
       "近期请求相对该版本最初请求的修正 PSI。"},
      {"drift.training_psi",
       "",
       {"model", "feature"},
       "Corrected PSI of recent requests against training.",
       "近期请求相对训练数据的修正 PSI。"},
      {"drift.drifted",
       "",
       {"model", "feature"},
       "1 where the default verdict calls the feature drifted, else 0.",
       "默认判定为漂移时为 1,否则为 0。"},
      {"model.explanation_ndcg",
       "",
       {"model"},
       "How alike live answers and the version's report order what they rest on; 1: the same.",
       "线上结果与该版本报告所依据内容的次序一致程度,1 为完全一致。"},
      {"objective.fast_burn",
       "",
       {"objective"},
       "Burn rate of an objective's error budget: the smaller one of an hour and of its last five "
       "minutes; 1 spends just all of it.",
       "错误预算消耗速率:取最近 1 小时与最近 5 分钟中较小者;1 表示恰好用完。"},
      {"objective.slow_burn",
       "",
       {"objective"},
       "The same of six hours and of their last half hour.",
       "同上,取最近 6 小时与最近 30 分钟中较小者。"},
      {"objective.spent",
       "share",
       {"objective"},
       "Spent of the error budget of three days.",
       "三天错误预算的已消耗比例。"},
      {"quality.conversion",
       "share",
       {"model", "scene"},
       "Answers with a purchase.",
       "带来购买的回答比例。"},
      {"quality.ctr",
       "share",
       {"model", "scene"},
       "Clicked places, of all that were shown.",
       "被点击的展示位占全部展示位的比例。"},
      {"quality.diversity",
       "share",
       {"model", "scene"},
       "Pairs of shown items from different categories, of all pairs of a list.",
       "列表中不同类目的商品对占比。"},
      {"quality.estimated_ctr",
       "share",
       {"model", "scene"},
       "Clicked places that scores and positions promise, of all that were shown: before clicks "
       "come.",
       "点击到来之前,根据分数和位置预计的被点击展示位比例。"},
      {"quality.head_share",
       "share",
       {"model", "scene"},
       "Shown places with one of the most popular items.",
       "展示热门商品的展示位比例。"},
      {"quality.novelty",
       "",
       {"model", "scene"},
       "Mean self-information of shown items in bits: the rarer, the more.",
       "展示商品的平均自信息量(比特),越冷门越高。"},
      {"quality.outside_share",
       "share",
       {"model", "scene"},
       "Shown places with a score beyond those of the version's first answers.",
       "分数超出该版本最初范围的展示位比例。"},
      {"quality.scene_ctr",
       "share",
       {"scene"},
       "Clicked places, of all that were shown in the scene, whichever version answered.",
       "场景内被点击的展示位占全部展示位的比例,不区分模型版本。"},
      {"quality.tied_share",
       "share",
       {"model", "scene"},
       "Shown places with the same score as the place before.",
       "与前一位分数相同的展示位比例。"},
      {"quality.unjoined_share",
       "share",
       {"event"},
       "Events that belong to no answer.",
       "无法归因到任何回答的事件比例。"},
      {"service.breaker_open",
       "",
       {"model"},
       "1 while a ranker of another server is not asked, because it failed too often, else 0.",
       "外部排序服务因连续失败而暂停调用时为 1,否则为 0。"},
      {"service.degraded_share",
       "share",
       {},
       "Answers that came down from their scene's pipeline.",
       "降级回答的比例。"},
      {"service.failures",
       "rows",
       {"model"},
       "Runs of a version that failed in the last minutes.",
       "最近几分钟内该版本运行失败的次数。"},
      {"service.p50_seconds",
       "s",
       {"model", "scene"},
       "Median time of an answer.",
       "回答耗时的中位数。"},
      {"service.p95_seconds",
       "s",
       {"model", "scene"},
       "Time that 95 % of the answers keep.",
       "95% 的回答耗时不超过此值。"},
      {"service.p99_seconds",
       "s",
       {"model", "scene"},
       "Time that 99 % of the answers keep.",
       "99% 的回答耗时不超过此值。"},
      {"skew.mismatch_share",
       "share",
       {"model"},
       "Values that were served otherwise than they are computed from the log.",
       "线上特征值与依据日志重算结果不一致的比例。"},
  };
  return defs;
}

const SignalDef* FindSignal(std::string_view name) {
  const auto& defs = SignalDefs();
  const auto found = std::find_if(defs.begin(), defs.end(),
                                  [name](const SignalDef& def) { return def.name == name; });
  return found == defs.end() ? nullptr : &*found;
}

}  // namespace vitrine::monitor
