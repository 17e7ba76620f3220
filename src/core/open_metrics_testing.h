/// A strict reader of OpenMetrics 1.0.0 text, for tests. Knows counters, gauges and histograms.
/// Source: OpenMetrics 1.0.0, sections "ABNF", "Overall Structure" and "Metric Types".
#pragma once

#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace vitrine {

struct OpenMetricsSample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
  std::map<std::string, std::string> exemplar;  ///< its labels; empty without one
  double exemplar_value = 0;
};

/// `error` names the first line that breaks a rule; empty where none does.
class OpenMetricsText {
 public:
  explicit OpenMetricsText(const std::string& text) {
    if (!text.ends_with("# EOF\n")) {
      error = "does not end with # EOF and a line feed";
      return;
    }
    std::istringstream in(text.substr(0, text.size() - 6));
    for (std::string line; std::getline(in, line) && error.empty();) {
      if (!(line.starts_with("#") ? ReadMetadata(line) : ReadSample(line))) {
        error = line;
      }
    }
    FinishHistogram();
  }

  /// The samples of this name.
  [[nodiscard]] std::vector<OpenMetricsSample> Named(const std::string& name) const {
    std::vector<OpenMetricsSample> found;
    for (const OpenMetricsSample& sample : samples) {
      if (sample.name == name) {
        found.push_back(sample);
      }
    }
    return found;
  }

  std::string error;
  std::vector<OpenMetricsSample> samples;
  std::map<std::string, std::string> units;  ///< by family

 private:
  bool ReadMetadata(const std::string& line) {
    static const std::regex kLine("# (TYPE|UNIT|HELP) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)");
    static const std::regex kHelp(R"((?:[^"\\]|\\.)*)");
    std::smatch m;
    if (!std::regex_match(line, m, kLine)) {
      return false;
    }
    if (m[2] != family_) {
      FinishHistogram();
      family_ = m[2];
      type_.clear();
      said_.clear();
      if (!families_.insert(family_).second) {
        return false;  // a family stands in one place
      }
    }
    const std::string what = m[1];
    const std::string text = m[3];
    if (in_samples_ == family_ || !said_.insert(what).second) {
      return false;  // metadata come once, before the samples
    }
    if (what == "TYPE") {
      type_ = text;
      return (text == "counter" || text == "gauge" || text == "histogram") &&
             !family_.ends_with("_total");
    }
    if (what == "UNIT") {
      units[family_] = text;
      return family_.ends_with("_" + text);
    }
    return std::regex_match(text, kHelp);
  }

  bool ReadSample(const std::string& line) {
    static const std::regex kLine(
        R"re(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*?[^\\]"\}|\{\})? (\S+)(?: # (\{[^}]*\}) (\S+)(?: (\d+(?:\.\d*)?))?)?)re");
    std::smatch m;
    OpenMetricsSample sample;
    if (!std::regex_match(line, m, kLine) || !ReadLabels(m[2], sample.labels) ||
        !ReadNumber(m[3], sample.value)) {
      return false;
    }
    sample.name = m[1];
    if (m[4].matched) {
      // 128 characters of names and values; ours fit with what stands between them.
      if (m[4].length() > 128 || !ReadLabels(m[4], sample.exemplar) ||
          !ReadNumber(m[5], sample.exemplar_value)) {
        return false;
      }
    }
    in_samples_ = family_;
    samples.push_back(sample);
    auto others = sample.labels;
    others.erase("le");
    if (!seen_.insert({sample.name, sample.labels}).second) {
      return false;
    }
    if (type_ == "counter") {
      return sample.name == family_ + "_total" && sample.value >= 0;
    }
    if (type_ == "gauge") {
      return sample.name == family_ && sample.exemplar.empty();
    }
    return type_ == "histogram" && ReadHistogram(sample, others);
  }

  using LabelMap = std::map<std::string, std::string>;
  bool ReadHistogram(const OpenMetricsSample& sample, const LabelMap& others) {
    if (series_ != others) {
      FinishHistogram();
      series_ = others;
    }
    if (sample.name == family_ + "_bucket") {
      const auto le = sample.labels.find("le");
      double bound = 0;
      if (le == sample.labels.end() || !ReadNumber(le->second, bound) || bound <= last_bound_ ||
          sample.value < last_count_ ||
          (std::isfinite(bound) && le->second.find_first_of(".e") == std::string::npos)) {
        return false;
      }
      if (!sample.exemplar.empty() &&
          (sample.exemplar_value > bound || sample.exemplar_value <= last_bound_)) {
        return false;
      }
      last_bound_ = bound;
      last_count_ = sample.value;
      return true;
    }
    if (sample.name == family_ + "_count") {
      counted_ = sample.value;
      return sample.exemplar.empty();
    }
    return sample.name == family_ + "_sum" && sample.exemplar.empty();
  }

  /// A histogram ends with +Inf, which is its count.
  void FinishHistogram() {
    if (series_ && error.empty() &&
        (!std::isinf(last_bound_) || counted_.value_or(-1) != last_count_)) {
      error = "histogram without +Inf or with another count: " + family_;
    }
    series_.reset();
    last_bound_ = -HUGE_VAL;
    last_count_ = 0;
    counted_.reset();
  }

  static bool ReadLabels(const std::string& text, std::map<std::string, std::string>& labels) {
    static const std::regex kOne(R"re(([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(,|$))re");
    if (text.empty()) {
      return true;
    }
    std::string rest = text.substr(1, text.size() - 2);
    std::smatch m;
    while (!rest.empty()) {
      if (!std::regex_search(rest, m, kOne, std::regex_constants::match_continuous) ||
          !labels.emplace(m[1], m[2]).second || (m[3] == "," && m.suffix().length() == 0)) {
        return false;
      }
      rest = m.suffix();
    }
    return true;
  }

  static bool ReadNumber(const std::string& text, double& value) {
    static const std::regex kNumber(
        R"([+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?[iI]nf|[nN]a[nN])");
    value = std::strtod(text.c_str(), nullptr);
    return std::regex_match(text, kNumber);
  }

  std::string family_;
  std::string type_;
  std::string in_samples_;
  std::set<std::string> said_;
  std::set<std::string> families_;
  std::set<std::pair<std::string, LabelMap>> seen_;
  std::optional<LabelMap> series_;
  std::optional<double> counted_;
  double last_bound_ = -HUGE_VAL, last_count_ = 0;
};

}  // namespace vitrine
