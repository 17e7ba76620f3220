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
      {"data.duplicate_share",
       "share",
       {},
       "Events that came twice, of all that came.",
       "重复事件占全部事件的比例。"},
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
