/// Holds a window against a contract. A rule is broken where chance alone, from a true value within
/// the rule's tolerance, would show what was seen less often than the rule's part of alpha. All rules
/// together break by chance in at most alpha of the windows in which nothing has changed.
/// Threads: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "monitor/contract/contract_rule.h"
#include "monitor/contract/window_counts.h"

namespace vitrine::monitor {

struct ContractFinding {
  std::string rule;  ///< its id
  ContractKind kind = ContractKind::kMissing;
  std::string event, field;
  Grain grain = Grain::kHour;
  Micros window;        ///< when it began
  double expected = 0;  ///< as the rule's; of kVolume, of this window
  double low = 0;       ///< what the true value may be, at this window's rows
  double high = 0;
  double seen = 0;      ///< share, mean, seconds or rows
  double rows = 0;      ///< that the rule is about
  double count = 0;     ///< share kinds: rows that were counted; else as rows
  double chance = 0;    ///< of what was seen, at the nearest bound
  std::string example;  ///< the newest such row
  friend bool operator==(const ContractFinding&, const ContractFinding&) = default;
};

struct JudgeOptions {
  Grain grain = Grain::kHour;
  /// Times that one window is looked at; each has its part of the chance.
  double looks = 1;
  /// Only part of the window has passed: volume and silence are not judged.
  bool partial = false;
};

struct Judged {
  std::vector<ContractFinding> findings;  ///< least likely first
  /// By rule: whether it was broken; none where it says nothing of the window.
  std::vector<std::optional<bool>> rules;
};

/// Precondition: the window's rules are the contract's.
Judged JudgeWindow(const DataContract& contract, const ContractWindow& window,
                   const JudgeOptions& options);

/// One line for people: "purchase.price.mean: 1230 in 61 rows, expected 12.3 (10.9 to 13.9)".
std::string FindingText(const ContractFinding& finding);
std::string FindingTextZh(const ContractFinding& finding);

/// How the columns of a source differ from the contract's: gone, new and retyped ones, a sentence
/// each. A type that either side does not know is no difference.
std::vector<std::string> CompareColumns(const DataContract& contract, const std::string& source,
                                        const std::vector<data::SourceColumn>& now);

}  // namespace vitrine::monitor
