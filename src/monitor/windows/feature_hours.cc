#include "monitor/windows/feature_hours.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

namespace vitrine::monitor {
namespace {

using nlohmann::json;

/// Two weighted means on their way, and the rest of a point.
struct Sum {
  FeaturePoint point;
  double weight = 0;
};

struct ModelSum {
  std::uint64_t requests = 0;
  std::vector<std::string> order;  // of features, as they first came
  std::map<std::string, Sum> features;
};

struct Step {
  bool final = true;
  std::map<std::string, ModelSum> models;
};

/// Takes what stands before `end` off the front of `rest`; all of it where there is none.
std::string_view Take(std::string_view& rest, char end) {
  const std::size_t at = std::min(rest.find(end), rest.size());
  const std::string_view taken = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return taken;
}

template <typename Number>
bool Read(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool ReadName(std::string_view quoted, std::string& name) {
  if (quoted.size() < 2 || quoted.front() != '"' || quoted.back() != '"') {
    return false;
  }
  if (quoted.find('\\') == std::string_view::npos) {
    name = quoted.substr(1, quoted.size() - 2);
    return true;
  }
  const json read = json::parse(quoted, nullptr, false);
  if (read.is_string()) {
    name = read.get<std::string>();
  }
  return read.is_string();
}

bool AddCounts(std::string_view text, std::vector<std::uint64_t>& sums) {
  for (std::size_t bin = 0; !text.empty(); ++bin) {
    std::uint64_t count = 0;
    if (!Read(Take(text, ','), count)) {
      return false;
    }
    sums.resize(std::max(sums.size(), bin + 1));
    sums[bin] += count;
  }
  return true;
}

void AddJudged(const FeatureHour& read, std::int64_t hour, double requests, Sum& sum) {
  FeaturePoint& point = sum.point;
  if (!point.judged || read.effect > point.largest_effect) {
    point.largest_effect = read.effect;
    point.largest_at = hour;
  }
  point.judged = true;
  point.against_baseline = read.against_baseline;
  point.psi += requests * read.psi;
  point.effect += requests * read.effect;
  point.p_value = std::min(point.p_value, read.p_value);
  sum.weight += requests;
}

/// A line of FeatureHoursText; false where it is none.
bool AddFeature(std::string_view line, std::int64_t hour, double requests,
                const std::optional<std::string>& wanted, ModelSum& model) {
  FeatureHour read;
  if (!ReadName(Take(line, '\t'), read.feature)) {
    return false;
  }
  if (wanted && read.feature != *wanted) {
    return true;
  }
  const auto [at, fresh] = model.features.try_emplace(read.feature);
  if (fresh) {
    model.order.push_back(read.feature);
  }
  const std::string_view counts = Take(line, '\t');
  if (wanted && !AddCounts(counts, at->second.point.counts)) {
    return false;
  }
  if (line.empty()) {
    return true;
  }
  read.against_baseline = Take(line, '\t') == "baseline";
  if (!Read(Take(line, '\t'), read.psi) || !Read(Take(line, '\t'), read.effect) ||
      !Read(line, read.p_value)) {
    return false;
  }
  AddJudged(read, hour, requests, at->second);
  return true;
}

bool AddRow(const WindowRow& row, const std::optional<std::string>& wanted, Step& step) {
  std::string_view rest = row.counts;
  std::uint64_t requests = 0;
  if (!Read(Take(rest, '\n'), requests)) {
    return false;
  }
  ModelSum& model = step.models[row.series];
  model.requests += requests;
  while (!rest.empty()) {
    if (!AddFeature(Take(rest, '\n'), row.hour, static_cast<double>(requests), wanted, model)) {
      return false;
    }
  }
  return true;
}

FeatureRow RowOf(const std::string& name, ModelSum model) {
  FeatureRow row{name, model.requests, {}};
  for (const std::string& feature : model.order) {
    Sum& sum = model.features.at(feature);
    sum.point.feature = feature;
    if (sum.weight > 0) {
      sum.point.psi /= sum.weight;
      sum.point.effect /= sum.weight;
    }
    row.features.push_back(std::move(sum.point));
  }
  return row;
}

}  // namespace

std::string FeatureHoursText(const FeatureHours& hours) {
  std::string text = fmt::format("{}\n", hours.requests);
  const auto out = std::back_inserter(text);
  for (const FeatureHour& feature : hours.features) {
    // Quoted, so that no name holds a tab or the end of a line.
    text += json(feature.feature).dump(-1, ' ', false, json::error_handler_t::replace);
    fmt::format_to(out, "\t{}", fmt::join(feature.counts, ","));
    if (feature.judged) {  // so many digits as anybody reads
      fmt::format_to(out, FMT_COMPILE("\t{}\t{:.4g}\t{:.4g}\t{:.3g}"),
                     feature.against_baseline ? "baseline" : "training", feature.psi,
                     feature.effect, feature.p_value);
    }
    text += '\n';
  }
  return text;
}

Result<std::vector<HistoryPoint<FeatureRow>>> FeatureHistory(
    std::span<const WindowRow> rows, std::int64_t step, const std::optional<std::string>& feature) {
  std::map<std::pair<std::int64_t, std::string_view>, const WindowRow*> newest;
  for (const WindowRow& row : rows) {
    if (row.kind == WindowKind::kDrift) {
      newest[{row.hour, row.series}] = &row;
    }
  }
  std::map<std::int64_t, Step> steps;
  for (const auto& [key, row] : newest) {
    Step& of = steps[StepOf(row->hour, step)];
    of.final = of.final && row->final;
    if (!AddRow(*row, feature, of)) {
      return DataLoss(fmt::format("the kept hour {} of '{}' is broken", row->hour, row->series));
    }
  }
  std::vector<HistoryPoint<FeatureRow>> points;
  for (auto& [hour, sums] : steps) {
    auto& point = points.emplace_back();
    point.hour = hour;
    point.final = sums.final;
    for (auto& [model, sum] : sums.models) {
      point.rows.push_back(RowOf(model, std::move(sum)));
    }
  }
  return points;
}

}  // namespace vitrine::monitor
