#include "bench/quality_table.h"

#include <algorithm>
#include <cstdio>

#include "bench/published.h"

namespace vitrine::bench {

using nlohmann::json;

double Mean(const json& row, const char* metric, const std::string& slice) {
  return row.contains(metric) && row[metric].contains(slice) ? row[metric][slice].value("mean", 0.0)
                                                             : 0.0;
}

namespace {

/// Mean over the seeds, and half the distance between the largest and the smallest.
std::string OverSeeds(const std::vector<json>& rows, const char* metric, const std::string& slice) {
  double sum = 0;
  double least = 1;
  double most = 0;
  for (const json& row : rows) {
    const double value = Mean(row, metric, slice);
    sum += value;
    least = std::min(least, value);
    most = std::max(most, value);
  }
  char text[64];
  const double mean = sum / static_cast<double>(rows.size());
  if (rows.size() == 1) {
    std::snprintf(text, sizeof(text), "%.4f", mean);
  } else {
    std::snprintf(text, sizeof(text), "%.4f +- %.4f", mean, (most - least) / 2);
  }
  return text;
}

/// "0.7412 [0.7301, 0.7520]": of the first seed, resampled users.
std::string WithInterval(const json& row, const char* metric) {
  const json value = row.at(metric).at("all");
  char text[64];
  std::snprintf(text, sizeof(text), "%.4f [%.4f, %.4f]", value.value("mean", 0.0),
                value.value("low", 0.0), value.value("high", 0.0));
  return text;
}

/// Kept results of before have none.
std::string FitAlone(const json& row) {
  const json seconds = row.value("fit_cpu_seconds", json());
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f", seconds.is_number() ? seconds.get<double>() : 0.0);
  return seconds.is_number() ? text : "-";
}

void PrintLabelled(const std::string& spec, const std::vector<json>& rows) {
  const json& first = rows.front();
  const auto cell = [&](const char* metric) {
    return rows.size() == 1 ? WithInterval(first, metric) : OverSeeds(rows, metric, "all");
  };
  std::printf("| %s | %s | %s | %s | %s | %s | %.1f | %.2f |\n", spec.c_str(), cell("auc").c_str(),
              cell("log_loss").c_str(), cell("average_precision").c_str(), cell("brier").c_str(),
              cell("calibration_error").c_str(), first.value("cpu_seconds", 0.0),
              first.value("bytes", 0.0) / 1e6);
  std::fflush(stdout);
}

}  // namespace

void PrintHead(const DataSet& set) {
  std::printf("\n%s, test part\n", set.name.c_str());
  if (set.kind != Kind::kCases) {
    std::printf(
        "| spec | AUC | log-loss | average precision | Brier | calibration error | train, CPU s | "
        "MB |\n");
    std::printf("|---|---|---|---|---|---|---|---|\n");
    return;
  }
  std::printf(
      "| spec | R@10 | N@10 | slices, N@10 | train, CPU s | fit alone | MB | graph, ms | published "
      "|\n");
  std::printf("|---|---|---|---|---|---|---|---|---|\n");
}

void PrintRow(const DataSet& set, const std::string& spec, const std::vector<json>& rows) {
  const json& first = rows.front();
  if (first.contains("error")) {
    std::printf("| %s | %s |\n", spec.c_str(), first["error"].get<std::string>().c_str());
    return;
  }
  if (first.contains("auc")) {
    PrintLabelled(spec, rows);
    return;
  }
  std::string slices;
  for (const auto& [slice, value] : first.at("ndcg@10").items()) {
    if (slice != "all") {
      slices += (slices.empty() ? "" : ", ") + slice + " " + OverSeeds(rows, "ndcg@10", slice);
    }
  }
  std::printf("| %s | %s | %s | %s | %.0f | %s | %.1f | %.2f | %s |\n", spec.c_str(),
              OverSeeds(rows, "recall@10", "all").c_str(),
              OverSeeds(rows, "ndcg@10", "all").c_str(), slices.c_str(),
              first.value("cpu_seconds", 0.0), FitAlone(first).c_str(),
              first.value("bytes", 0.0) / 1e6, first.value("run_seconds", 0.0) * 1e3,
              PublishedOf(set.name, spec).c_str());
  std::fflush(stdout);
}

void PrintReached(const std::string& spec, const json& row, double value) {
  double most = 0;
  for (const json& check : row.value("checks", json::array())) {
    const double now = check.value("ndcg@10", 0.0);
    if (now >= value) {
      std::printf("  %s: validation NDCG@10 %.4f after %.1f CPU s of fitting\n", spec.c_str(), now,
                  check.value("cpu_seconds", 0.0));
      return;
    }
    most = std::max(most, now);
  }
  const json fitted = row.value("validation", json());
  if (fitted.is_object() && fitted.contains("ndcg@10")) {
    most = std::max(most, fitted["ndcg@10"].value("mean", 0.0));
  }
  if (most >= value) {  // a model that does not look while it is fitted
    std::printf("  %s: validation NDCG@10 %.4f after %s CPU s of fitting\n", spec.c_str(), most,
                FitAlone(row).c_str());
    return;
  }
  std::printf("  %s: validation NDCG@10 never was %.4f, at most %.4f\n", spec.c_str(), value, most);
}

}  // namespace vitrine::bench
