// A finding in a sentence.
#include <fmt/format.h>

#include "monitor/contract/judge_contract.h"

namespace vitrine::monitor {
namespace {

std::string Share(double share) { return fmt::format("{:.3g} %", 100 * share); }

std::string Value(const ContractFinding& finding, double value) {
  if (IsShare(finding.kind)) {
    return Share(value);
  }
  return finding.kind == ContractKind::kVolume    ? fmt::format("{:.0f}", value)
         : finding.kind == ContractKind::kSilence ? fmt::format("{:.0f} s", value)
                                                  : fmt::format("{:.4g}", value);
}

struct Words {
  const char* counted;  ///< of the seen value
  const char* counted_zh;
};

Words WordsOf(ContractKind kind) {
  switch (kind) {
    case ContractKind::kMissing:
      return {"missing", "缺失"};
    case ContractKind::kRange:
      return {"out of range", "超出范围"};
    case ContractKind::kMean:
      return {"on average (geometric)", "几何平均"};
    case ContractKind::kDigits:
      return {"not all digits", "不是纯数字"};
    case ContractKind::kValues:
      return {"at a value that is not known", "取值未知"};
    case ContractKind::kValueShare:
      return {"of the rows", "占比"};
    case ContractKind::kVolume:
      return {"rows", "行"};
    case ContractKind::kSilence:
      return {"without a row", "无数据"};
    case ContractKind::kDuplicates:
      return {"came twice", "重复"};
    case ContractKind::kKnownItems:
      return {"name an item that the catalogue lacks", "商品不在目录中"};
    case ContractKind::kKnownUsers:
      return {"name a user that is not known", "用户未知"};
    case ContractKind::kPriceAgrees:
      return {"at a price far from the catalogue's", "价格与目录不符"};
    case ContractKind::kCurrencyAgrees:
      return {"in another currency than the catalogue's", "货币与目录不符"};
    case ContractKind::kFuture:
      return {"dated after they came", "时间晚于到达"};
    case ContractKind::kRefused:
      return {"refused", "被拒绝"};
  }
  return {"", ""};
}

}  // namespace

std::string FindingText(const ContractFinding& finding) {
  std::string text = fmt::format("{}, {} from {}: {} {}", finding.rule, GrainName(finding.grain),
                                 FormatIso(finding.window), Value(finding, finding.seen),
                                 WordsOf(finding.kind).counted);
  if (IsShare(finding.kind)) {
    text += fmt::format(" ({:.0f} of {:.0f} rows)", finding.count, finding.rows);
  } else if (finding.kind == ContractKind::kMean) {
    text += fmt::format(" in {:.0f} rows", finding.rows);
  }
  text += fmt::format("; expected {}, at most {}", Value(finding, finding.expected),
                      Value(finding, finding.high));
  if (finding.low > 0) {
    text += fmt::format(" and at least {}", Value(finding, finding.low));
  }
  return finding.example.empty() ? text : text + "; such as " + finding.example;
}

std::string FindingTextZh(const ContractFinding& finding) {
  std::string text = fmt::format("{},自 {} 起一{}:{} {}", finding.rule, FormatIso(finding.window),
                                 finding.grain == Grain::kDay ? "天" : "小时",
                                 Value(finding, finding.seen), WordsOf(finding.kind).counted_zh);
  if (IsShare(finding.kind)) {
    text += fmt::format("({:.0f} 行中的 {:.0f} 行)", finding.rows, finding.count);
  }
  text += fmt::format(";预期 {},范围 {} 至 {}", Value(finding, finding.expected),
                      Value(finding, finding.low), Value(finding, finding.high));
  return finding.example.empty() ? text : text + ";例如 " + finding.example;
}

}  // namespace vitrine::monitor
