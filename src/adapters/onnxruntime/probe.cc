#include "adapters/onnxruntime/probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "adapters/onnxruntime/runtime.h"
#include "graph/artifact_files.h"
#include "graph/check.h"
#include "graph/golden_json.h"
#include "graph/promised_tensors.h"
#include "serve/candidate_scorer.h"
#include "serve/dense_graph.h"
#include "serve/model_runtime.h"
#include "serve/servable.h"

namespace vitrine::adapters {
namespace {

constexpr std::size_t kSampleRuns = 5;

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double Relative(double got, double expected) {
  return std::abs(got - expected) / std::max(1.0, std::abs(expected));
}

/// What the manifest promises must be what the graph has, and all of it.
Status CheckPromised(const std::vector<TensorSpec>& promised, const std::vector<TensorSpec>& real,
                     std::string_view what) {
  RETURN_IF_ERROR(graph::CheckPromised(promised, real, what, "the manifest"));
  if (promised.size() != real.size()) {
    return InvalidArgument(fmt::format("the manifest names {} {}s, the model has {}",
                                       promised.size(), what, real.size()));
  }
  return Status::Ok();
}

/// Row `row` of every input, as a batch of one.
std::vector<Tensor> RowOf(const std::vector<Tensor>& batch, std::size_t row) {
  std::vector<Tensor> one;
  for (const Tensor& t : batch) {
    Shape shape = t.shape();
    shape[0] = 1;
    Tensor& slice = one.emplace_back(t.name(), t.dtype(), std::move(shape));
    const std::size_t bytes = slice.bytes().size();
    std::copy_n(t.bytes().begin() + static_cast<std::ptrdiff_t>(row * bytes), bytes,
                slice.bytes().begin());
  }
  return one;
}

Status CheckGolden(const graph::Golden& golden) {
  if (golden.rows.empty()) {
    return InvalidArgument("golden.json has no rows; train the model again");
  }
  for (const Tensor& t : golden.inputs) {
    if (t.shape().empty() || t.shape()[0] != static_cast<std::int64_t>(golden.rows.size())) {
      return InvalidArgument(
          fmt::format("golden.json: the input '{}' has not one row for each of "
                      "the {} answers",
                      t.name(), golden.rows.size()));
    }
  }
  return Status::Ok();
}

Result<std::vector<double>> ScoresOf(const std::vector<Tensor>& outputs, std::string_view name,
                                     std::size_t rows) {
  const auto found = std::find_if(outputs.begin(), outputs.end(),
                                  [&](const Tensor& t) { return t.name() == name; });
  if (found == outputs.end()) {
    return InvalidArgument(
        fmt::format("golden.json is of the output '{}', the model has none", name));
  }
  if (found->shape().size() != 2 || found->shape()[0] != static_cast<std::int64_t>(rows)) {
    return InvalidArgument(fmt::format("the output '{}' is not [rows, items]", name));
  }
  if (found->dtype() == DType::kFloat64) {
    const auto values = found->values<double>();
    return std::vector<double>(values.begin(), values.end());
  }
  if (found->dtype() == DType::kFloat32) {
    const auto values = found->values<float>();
    return std::vector<double>(values.begin(), values.end());
  }
  return InvalidArgument(fmt::format("the output '{}' is neither float32 nor float64", name));
}

Status CompareRow(std::size_t row, const graph::GoldenRow& want, std::span<const double> scores,
                  ProbeReport& report) {
  const graph::GoldenRow got = graph::TopOf(scores);
  if (want.items.size() != got.items.size()) {
    return FailedPrecondition(fmt::format("golden row {} has {} items, the model ranks {}", row,
                                          want.items.size(), got.items.size()));
  }
  for (std::size_t place = 0; place < want.items.size(); ++place) {
    const ItemIndex item = want.items[place];
    if (item >= scores.size()) {
      return InvalidArgument(fmt::format("golden row {} names item {}, the model scores {}", row,
                                         item, scores.size()));
    }
    const double difference = Relative(scores[item], want.scores[place]);
    report.max_difference = std::max(report.max_difference, difference);
    if (!(difference <= kGoldenTolerance)) {
      return FailedPrecondition(fmt::format(
          "golden row {}: item {} should score {} and scores {}; the model computes something else "
          "than it did in training",
          row, item, want.scores[place], scores[item]));
    }
    if (got.items[place] != item) {
      if (Relative(got.scores[place], scores[item]) > kOrderTolerance) {
        return FailedPrecondition(
            fmt::format("golden row {}: place {} should be item {} and is item {}", row, place + 1,
                        item, got.items[place]));
      }
      ++report.near_ties;
    }
  }
  return Status::Ok();
}

Status RunGolden(const graph::Golden& golden, const serve::LoadedGraph& graph,
                 ProbeReport& report) {
  std::vector<Tensor> outputs;
  auto start = std::chrono::steady_clock::now();
  RETURN_IF_ERROR(graph.Run(golden.inputs, outputs).WithContext("the golden set"));
  report.first_run_seconds = SecondsSince(start);
  const std::size_t rows = golden.rows.size();
  ASSIGN_OR_RETURN(const std::vector<double> scores, ScoresOf(outputs, golden.output, rows));
  const std::size_t width = scores.size() / rows;
  std::vector<double> seconds;
  for (std::size_t row = 0; row < rows; ++row) {
    const std::span<const double> batched = std::span(scores).subspan(row * width, width);
    RETURN_IF_ERROR(CompareRow(row, golden.rows[row], batched, report));
    // Once more alone: a model must not depend on who shares its batch.
    const std::vector<Tensor> one = RowOf(golden.inputs, row);
    start = std::chrono::steady_clock::now();
    RETURN_IF_ERROR(graph.Run(one, outputs).WithContext("the golden set, row by row"));
    seconds.push_back(SecondsSince(start));
    ASSIGN_OR_RETURN(const std::vector<double> alone, ScoresOf(outputs, golden.output, 1));
    RETURN_IF_ERROR(
        CompareRow(row, golden.rows[row], alone, report).WithContext("run alone, not in a batch"));
  }
  std::nth_element(seconds.begin(), seconds.begin() + static_cast<std::ptrdiff_t>(rows / 2),
                   seconds.end());
  report.run_seconds = seconds[rows / 2];
  report.golden_rows = rows;
  return Status::Ok();
}

/// A ranker's golden set is one run: a row of scores, one a candidate.
Status RunRankerGolden(const graph::Golden& golden, const serve::LoadedGraph& graph,
                       ProbeReport& report) {
  if (golden.rows.size() != 1) {
    return InvalidArgument(fmt::format(
        "golden.json has {} rows; a ranker's has one; import the model again", golden.rows.size()));
  }
  std::vector<Tensor> outputs;
  auto start = std::chrono::steady_clock::now();
  RETURN_IF_ERROR(graph.Run(golden.inputs, outputs).WithContext("the golden set"));
  report.first_run_seconds = SecondsSince(start);
  start = std::chrono::steady_clock::now();
  RETURN_IF_ERROR(graph.Run(golden.inputs, outputs).WithContext("the golden set"));
  report.run_seconds = SecondsSince(start);
  const auto found = std::find_if(outputs.begin(), outputs.end(),
                                  [&](const Tensor& t) { return t.name() == golden.output; });
  if (found == outputs.end()) {
    return InvalidArgument(
        fmt::format("golden.json is of the output '{}', the model has none", golden.output));
  }
  std::vector<double> scores;
  RETURN_IF_ERROR(
      serve::ReadCandidateScores(*found, static_cast<std::size_t>(found->size()), scores));
  scores.insert(scores.begin(), kFirstItem, 0);  // candidate c stands as item c + kFirstItem
  RETURN_IF_ERROR(CompareRow(0, golden.rows.front(), scores, report));
  report.golden_rows = 1;
  return Status::Ok();
}

/// A graph has no golden set: what its sample inputs take, and that a run of them works.
Status RunSample(const Manifest& manifest, const serve::LoadedGraph& graph, ProbeReport& report) {
  ASSIGN_OR_RETURN(const std::vector<Tensor> sample, serve::SampleInputs(manifest, graph.inputs()));
  std::vector<Tensor> outputs;
  auto start = std::chrono::steady_clock::now();
  RETURN_IF_ERROR(graph.Run(sample, outputs).WithContext("a run on zeros"));
  report.first_run_seconds = SecondsSince(start);
  std::array<double, kSampleRuns> seconds{};
  for (double& run : seconds) {
    start = std::chrono::steady_clock::now();
    RETURN_IF_ERROR(graph.Run(sample, outputs).WithContext("a run on zeros"));
    run = SecondsSince(start);
  }
  std::sort(seconds.begin(), seconds.end());
  report.run_seconds = seconds[kSampleRuns / 2];
  return Status::Ok();
}

/// From /proc: getrusage's peak counts the parent's memory too, in a child that was just started.
void ReadMemory(ProbeReport& report) {
  std::ifstream status("/proc/self/status");
  for (std::string name; status >> name;) {
    std::uint64_t kilobytes = 0;
    if ((name == "VmRSS:" || name == "VmHWM:") && status >> kilobytes) {
      (name == "VmRSS:" ? report.resident_bytes : report.peak_bytes) = kilobytes * 1024;
    }
    status.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
}

nlohmann::ordered_json SpecsJson(const std::vector<TensorSpec>& specs) {
  auto list = nlohmann::ordered_json::array();
  for (const TensorSpec& s : specs) {
    list.push_back({{"name", s.name}, {"dtype", DTypeName(s.dtype)}, {"shape", s.shape}});
  }
  return list;
}

}  // namespace

Result<ProbeReport> ProbeArtifact(const std::string& dir) {
  ASSIGN_OR_RETURN(const graph::Artifact artifact, graph::OpenArtifact(dir));
  ProbeReport report;
  report.name = artifact.manifest.name;
  report.hash = artifact.hash;
  const std::string path = artifact.PathOf(graph::kModelFile);
  ASSIGN_OR_RETURN(const graph::ModelSummary summary, graph::CheckModelFile(path));
  report.operators = summary.operators;
  std::error_code ignored;
  report.model_bytes = std::filesystem::file_size(path, ignored);
  if (artifact.manifest.files.contains(std::string(graph::kItemVectorsFile))) {
    report.model_bytes +=
        std::filesystem::file_size(artifact.PathOf(graph::kItemVectorsFile), ignored);
  }
  const bool scores_items = artifact.manifest.kind != ModelKind::kGraph;
  graph::Golden golden;
  if (scores_items) {
    ASSIGN_OR_RETURN(const std::string text, graph::ReadArtifactFile(artifact, graph::kGoldenFile));
    ASSIGN_OR_RETURN(golden, graph::ParseGolden(text));
    if (artifact.manifest.kind != ModelKind::kRanker) {
      RETURN_IF_ERROR(CheckGolden(golden));
    }
  }

  ASSIGN_OR_RETURN(const std::unique_ptr<serve::ModelRuntime> runtime, MakeOnnxRuntime());
  const auto start = std::chrono::steady_clock::now();
  ASSIGN_OR_RETURN(
      const std::unique_ptr<serve::LoadedGraph> graph,
      serve::LoadScoringGraph(artifact, artifact.manifest.vocabulary_size + kFirstItem, *runtime));
  report.load_seconds = SecondsSince(start);
  report.inputs = graph->inputs();
  report.outputs = graph->outputs();
  RETURN_IF_ERROR(CheckPromised(artifact.manifest.inputs, report.inputs, "input"));
  RETURN_IF_ERROR(CheckPromised(artifact.manifest.outputs, report.outputs, "output"));
  RETURN_IF_ERROR(!scores_items ? RunSample(artifact.manifest, *graph, report)
                  : artifact.manifest.kind == ModelKind::kRanker
                      ? RunRankerGolden(golden, *graph, report)
                      : RunGolden(golden, *graph, report));
  ReadMemory(report);
  return report;
}

std::string ProbeReportToJson(const ProbeReport& r) {
  const nlohmann::ordered_json json = {
      {"name", r.name},
      {"hash", r.hash},
      {"inputs", SpecsJson(r.inputs)},
      {"outputs", SpecsJson(r.outputs)},
      {"operators", r.operators},
      {"golden_rows", r.golden_rows},
      {"max_difference", r.max_difference},
      {"near_ties", r.near_ties},
      {"load_seconds", r.load_seconds},
      {"first_run_seconds", r.first_run_seconds},
      {"run_seconds", r.run_seconds},
      {"model_bytes", r.model_bytes},
      {"resident_bytes", r.resident_bytes},
      {"peak_bytes", r.peak_bytes},
  };
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace vitrine::adapters
