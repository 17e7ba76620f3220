/// Measured values that alert rules look at: which there are, and one of them at one moment.
/// Threads: values.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace vitrine::monitor {

using Labels = std::map<std::string, std::string, std::less<>>;

struct Signal {
  std::string name;  ///< of SignalDefs()
  Labels labels;     ///< which version, scene, feature, event
  double value = 0;
  double rows = 0;  ///< observations that it rests on
};

/// "service.p99_seconds{model=sasrec:3,scene=home}": what tells one series from another.
std::string SeriesName(std::string_view name, const Labels& labels);

struct SignalDef {
  std::string name;
  std::string unit;                 ///< "s", "share", "rows"; empty: a plain number
  std::vector<std::string> labels;  ///< in the order in which people read them
  std::string help;                 ///< one sentence
  std::string help_zh;
};

/// Every signal there is, sorted by name.
const std::vector<SignalDef>& SignalDefs();
/// Null where there is none of that name.
const SignalDef* FindSignal(std::string_view name);

}  // namespace vitrine::monitor
