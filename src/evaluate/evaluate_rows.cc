#include "evaluate/evaluate_rows.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "core/sha256.h"
#include "evaluate/summarise.h"

namespace vitrine::evaluate {
namespace {

constexpr std::size_t kBatch = 256;

/// Numbers of the part's rows.
std::vector<std::size_t> RowsOf(const LabelledSet& set, Part part) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < set.rows.size(); ++i) {
    if (set.rows[i].part == part) {
      rows.push_back(i);
    }
  }
  return rows;
}

/// Whose row it is, item, moment and label: what two comparable reports have in common.
std::string HashOfRows(const LabelledSet& set, std::span<const std::size_t> rows) {
  Sha256 hash;
  for (const std::size_t r : rows) {
    const LabelledRow& row = set.rows[r];
    const std::string user = row.user == kNobody ? "" : set.users[row.user].user.id;
    const std::string item = row.item == kNoItem ? "" : set.items[row.item];
    hash.Update(fmt::format("{}:{}|{}:{}|{}|{}|", user.size(), user, item.size(), item,
                            row.ts.value, row.label));
  }
  return hash.Finish();
}

Status CheckNumbers(std::span<const double> probabilities, std::span<const std::size_t> rows) {
  for (std::size_t i = 0; i < probabilities.size(); ++i) {
    if (!std::isfinite(probabilities[i])) {
      return Internal(fmt::format("the model's probability of row {} is not a number", rows[i]));
    }
  }
  return Status::Ok();
}

}  // namespace

EvalReport ReportOfRows(const LabelledSet& set, std::span<const double> probabilities,
                        const EvaluateOptions& options) {
  const std::vector<std::size_t> rows = RowsOf(set, options.part);
  EvalReport report;
  report.model = options.model;
  report.snapshot = set.snapshot;
  report.protocol = set.protocol;
  report.part = options.part;
  report.history = HistoryRule::kKept;
  report.cases_hash = HashOfRows(set, rows);
  report.slice_names = set.slices;
  std::map<std::uint32_t, std::uint32_t> groups;
  std::uint32_t next = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const LabelledRow& row = set.rows[rows[i]];
    std::uint32_t group = next;
    if (row.user != kNobody) {
      group = groups.try_emplace(row.user, next).first->second;
    }
    next += group == next ? 1 : 0;
    report.labelled.push_back({.group = group,
                               .label = row.label,
                               .slices = row.slices,
                               .probability = probabilities[i]});
    report.targets += row.label;
  }
  Summarise(options.bootstrap, report);
  return report;
}

Result<EvalReport> EvaluateRows(const RowScorer& scorer, const LabelledSet& set,
                                const data::Vocabulary& vocabulary, const EvaluateOptions& options,
                                const Progress& progress) {
  const std::vector<std::size_t> rows = RowsOf(set, options.part);
  if (rows.empty()) {
    return FailedPrecondition(
        fmt::format("there is no row of the {} part to evaluate", PartName(options.part)));
  }
  const auto start = std::chrono::steady_clock::now();
  const RowInputs inputs(set, vocabulary);
  std::vector<double> probabilities;
  std::vector<double> part;
  std::vector<data::FeatureInput> batch;
  for (std::size_t begin = 0; begin < rows.size(); begin += kBatch) {
    if (progress.cancelled()) {
      return Cancelled("the evaluation was cancelled");
    }
    const std::size_t end = std::min(begin + kBatch, rows.size());
    batch.clear();
    for (std::size_t i = begin; i < end; ++i) {
      batch.push_back(inputs.Of(rows[i]));
    }
    RETURN_IF_ERROR(scorer.Score(batch, part));
    if (part.size() != batch.size()) {
      return Internal(
          fmt::format("the model gave {} probabilities for {} rows", part.size(), batch.size()));
    }
    probabilities.insert(probabilities.end(), part.begin(), part.end());
    progress.report(
        {"evaluate", static_cast<double>(end), static_cast<double>(rows.size()), "rows", ""});
  }
  RETURN_IF_ERROR(CheckNumbers(probabilities, rows));
  EvalReport report = ReportOfRows(set, probabilities, options);
  report.vocabulary_size = vocabulary.ids().size();
  for (const std::size_t r : rows) {
    const LabelledRow& row = set.rows[r];
    report.unknown_targets +=
        row.item != kNoItem && vocabulary.Find(set.items[row.item]) == kUnknownItem ? 1 : 0;
  }
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
}

}  // namespace vitrine::evaluate
