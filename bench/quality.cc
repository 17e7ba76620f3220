// Ranking quality of every ready spec, by the real programs: import, clean, train, evaluate on held-out cases, probe.
//   ./dev bench quality [--set NAME] [--seeds N] [--cap SECONDS] [--reach VALUE] [SPEC...]
// Without a spec, all ready ones that fit a set, on every set that is there (VITRINE_TEST_DATA, default ../shared). What a spec is fitted
// with was chosen on validation parts; the table is of test parts. Each result is kept in build/bench/quality/results.jsonl
// as soon as it is known, and a later run goes on from there: a result counts as long as spec, seed, snapshot and the trainer
// itself are the same. "fit alone" are the CPU seconds of the fit on the training part, without reading, validation and
// packaging; --reach VALUE says after how many of them validation NDCG@10 first was VALUE.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "bench/kept_results.h"
#include "bench/published.h"
#include "bench/quality_sets.h"
#include "bench/quality_table.h"
#include "bench/report.h"
#include "core/check.h"
#include "core/sha256.h"
#include "loop/child_process.h"

namespace vitrine::bench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kFolder = "build/bench/quality";

struct Options {
  std::vector<std::string> specs;
  std::string set;
  int seeds = 1;
  int cap_seconds = 1800;
  double reach = 0;  ///< validation NDCG@10 whose CPU seconds are asked for; 0: none
};

std::string Bin(const std::string& program) {
  return fs::read_symlink("/proc/self/exe").parent_path().parent_path().string() + "/" + program;
}

/// The JSON that a program prints, or what it said instead.
struct Said {
  json result;
  std::string error;
};

Said Run(const std::string& program, const std::vector<std::string>& arguments,
         int cap_seconds = 0) {
  loop::ChildCommand command{.program = Bin(program), .arguments = arguments};
  if (cap_seconds > 0) {
    command.timeout = std::chrono::seconds(cap_seconds);
  }
  const auto outcome = loop::RunChild(command, {}, {});
  CHECK(outcome.ok());
  if (outcome->timed_out) {
    return {{}, "more than " + std::to_string(cap_seconds) + " s"};
  }
  if (outcome->exit_code != 0) {
    const std::string& lines = outcome->last_error_lines;
    const std::size_t end = lines.find_last_not_of('\n');
    const std::size_t begin = lines.find_last_of('\n', end == std::string::npos ? 0 : end);
    return {{}, lines.substr(begin == std::string::npos ? 0 : begin + 1, 160)};
  }
  return {json::parse(outcome->output), ""};
}

/// Of one data set: where its rows are, and its cases.
struct Prepared {
  std::vector<std::string> rows;  ///< flags of vitrine-trainer
  std::string rows_id;            ///< equal for equal rows
  std::string holdout;
};

std::string TextOf(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

json Must(const Said& said) {
  if (!said.error.empty()) {
    std::fprintf(stderr, "%s\n", said.error.c_str());
    std::exit(1);
  }
  return said.result;
}

/// The table itself, or the newest snapshot of what the lake made of the files.
void FindRows(const DataSet& set, const std::string& data, Prepared& prepared) {
  if (set.kind == Kind::kTable) {
    prepared.rows = {"--table", set.files, "--label", set.mapping};
    prepared.rows_id = Sha256Hex(TextOf(set.files)) + set.mapping;
    for (const std::string& column : set.leave_out) {
      prepared.rows.insert(prepared.rows.end(), {"--leave-out", column});
      prepared.rows_id += "-" + column;
    }
    return;
  }
  Must(Run("vitrine-lake",
           {"import", set.files, "--mapping", set.mapping, "--data", data, "--json"}));
  const json cleaned = Must(Run("vitrine-lake", {"clean", "--data", data, "--json"}));
  prepared.rows_id = cleaned.at("snapshot");
  prepared.rows = {"--snapshot", data + "/lake/snapshots/" + prepared.rows_id};
}

Prepared Prepare(const DataSet& set) {
  const std::string data = std::string(kFolder) + "/" + set.name;
  fs::create_directories(data);
  Prepared prepared;
  FindRows(set, data, prepared);
  prepared.holdout = data + "/holdout.jsonl";
  fs::remove(prepared.holdout);
  std::vector<std::string> arguments = {"split", "--protocol", set.protocol, "--out",
                                        prepared.holdout};
  arguments.insert(arguments.end(), prepared.rows.begin(), prepared.rows.end());
  Must(Run("vitrine-trainer", arguments));
  return prepared;
}

std::string SpecFile(const std::string& spec) {
  return spec.ends_with(".toml") ? spec : "specs/" + spec + ".toml";
}

/// The metrics of each slice, with their intervals.
void TakeFigures(const json& report, Kind kind, json& row) {
  for (const json& slice : report.at("slices")) {
    const std::string name = slice.value("name", "all");
    row["cases"][name] = slice.at("cases");
    for (const std::string& metric : MetricsOf(kind)) {
      row[metric][name] = slice.at("metrics").at(metric);
    }
  }
}

std::uint64_t BytesOf(const std::string& folder) {
  std::uint64_t bytes = 0;
  for (const auto& file : fs::recursive_directory_iterator(folder)) {
    bytes += file.is_regular_file() ? file.file_size() : 0;
  }
  return bytes;
}

json Measure(const DataSet& set, const Prepared& prepared, const std::string& spec, int seed,
             const Options& options) {
  const std::string out = std::string(kFolder) + "/" + set.name + "/artifact";
  fs::remove_all(out);
  json row = {{"set", set.name}, {"spec", spec}, {"seed", seed}};
  std::vector<std::string> arguments = {"train",      "--spec",     SpecFile(spec),
                                        "--protocol", set.protocol, "--out",
                                        out,          "--seed",     std::to_string(seed)};
  arguments.insert(arguments.end(), prepared.rows.begin(), prepared.rows.end());
  const Said trained = Run("vitrine-trainer", arguments, options.cap_seconds);
  if (!trained.error.empty()) {
    row["error"] = trained.error;
    return row;
  }
  row["cpu_seconds"] = trained.result.at("cpu_seconds");
  row["fit_cpu_seconds"] = trained.result.value("fit_cpu_seconds", json());
  row["checks"] = trained.result.value("checks", json::array());
  row["peak_bytes"] = trained.result.at("peak_memory_bytes");
  row["chosen"] = trained.result.at("chosen");
  row["validation"] = trained.result.value("validation", json());
  row["bytes"] = BytesOf(out);
  const Said judged = Run("vitrine", {"--json", "eval", "run", out, "--holdout", prepared.holdout});
  const Said probed = Run("vitrine", {"--json", "model", "probe", out});
  if (!judged.error.empty() || !probed.error.empty()) {
    row["error"] = judged.error + probed.error;
    return row;
  }
  TakeFigures(judged.result, set.kind, row);
  row["run_seconds"] = probed.result.at("run_seconds");
  fs::remove_all(out);
  return row;
}

/// The algorithm that a spec names.
std::string AlgorithmOf(const std::string& spec) {
  std::istringstream lines(TextOf(SpecFile(spec)));
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("algorithm")) {
      const std::size_t open = line.find('"');
      return line.substr(open + 1, line.find('"', open + 1) - open - 1);
    }
  }
  return "";
}

/// The ready specs that fit a kind of set: of rankers for rows, those named "-table" for tables.
std::vector<std::string> ReadySpecs(Kind kind) {
  const json known = Must(Run("vitrine-trainer", {"models", "--json"}));
  std::set<std::string> rankers;
  for (const json& algorithm : known.at("algorithms")) {
    if (algorithm.at("kind") == "ranker") {
      rankers.insert(algorithm.at("algorithm"));
    }
  }
  std::vector<std::string> specs;
  for (const auto& file : fs::directory_iterator("specs")) {
    const std::string spec = file.path().stem().string();
    const bool table = spec.ends_with("-table");
    const Kind of = !rankers.contains(AlgorithmOf(spec)) ? Kind::kCases
                    : table                              ? Kind::kTable
                                                         : Kind::kRows;
    if (of == kind) {
      specs.push_back(spec);
    }
  }
  std::sort(specs.begin(), specs.end());
  return specs;
}

/// What is promised of a set: of the best network and of the best of all, where one was looked at.
void AddBars(const std::string& set, const std::map<std::string, std::vector<json>>& by_spec,
             std::vector<Bar>& bars) {
  for (const Promise& promise : PromisesOf(set)) {
    Bar bar{.bar = set + ", " + promise.what + ", " + promise.metric + " " + promise.slice,
            .value = 0,
            .unit = "",
            .higher_is_better = true,
            .bound = promise.bound,
            .pairs = 1,
            .spread = 0};
    for (const auto& [spec, rows] : by_spec) {
      if (promise.networks_only && !IsNetwork(spec)) {
        continue;
      }
      double sum = 0;
      for (const json& row : rows) {
        sum += Mean(row, promise.metric.c_str(), promise.slice);
      }
      bar.value = std::max(bar.value, sum / static_cast<double>(rows.size()));
    }
    if (bar.value > 0) {
      bars.push_back(bar);
    }
  }
}

void MeasureSet(const DataSet& set, const Options& options, std::vector<Bar>& bars) {
  if (!fs::exists(set.files)) {
    std::printf("%s is not there: set VITRINE_TEST_DATA\n", set.name.c_str());
    return;
  }
  const Prepared prepared = Prepare(set);
  KeptResults results(std::string(kFolder) + "/results.jsonl");
  const std::string trainer = Sha256Hex(TextOf(Bin("vitrine-trainer")));
  std::map<std::string, std::vector<json>> by_spec;
  PrintHead(set);
  for (const std::string& spec : options.specs.empty() ? ReadySpecs(set.kind) : options.specs) {
    std::vector<json>& rows = by_spec[spec];
    for (int seed = 1; seed <= options.seeds; ++seed) {
      const std::string of = Sha256Hex(trainer + TextOf(SpecFile(spec)) + prepared.rows_id +
                                       set.protocol + std::to_string(seed));
      if (results.Find(of) == nullptr) {
        json row = Measure(set, prepared, spec, seed, options);
        if (row.contains("error")) {  // tried again next time
          if (rows.empty()) {
            rows.push_back(std::move(row));
          } else {  // the seeds that there are stand for themselves
            std::printf("%s, seed %d: %s\n", spec.c_str(), seed,
                        row["error"].get<std::string>().c_str());
          }
          break;
        }
        results.Keep(of, std::move(row));
      }
      rows.push_back(*results.Find(of));
    }
    PrintRow(set, spec, rows);
    if (options.reach > 0) {
      PrintReached(spec, rows.front(), options.reach);
    }
  }
  AddBars(set.name, by_spec, bars);
}

Options OptionsOf(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 == argc) {
        std::fprintf(stderr, "%s needs a value\n", word.c_str());
        std::exit(2);
      }
      return argv[++i];
    };
    if (word == "--set") {
      options.set = value();
    } else if (word == "--seeds") {
      options.seeds = std::max(1, std::atoi(value().c_str()));
    } else if (word == "--reach") {
      options.reach = std::atof(value().c_str());
    } else if (word == "--cap") {
      options.cap_seconds = std::max(1, std::atoi(value().c_str()));
    } else {
      options.specs.push_back(word);
    }
  }
  return options;
}

int Run(int argc, char** argv) {
  const Options options = OptionsOf(argc, argv);
  fs::create_directories(kFolder);
  std::vector<Bar> bars;
  for (const DataSet& set : DataSets()) {
    if (options.set.empty() || options.set == set.name || set.name.starts_with(options.set + "-")) {
      MeasureSet(set, options, bars);
    }
  }
  std::printf("\n");
  Report("quality", bars);
  return 0;
}

}  // namespace
}  // namespace vitrine::bench

int main(int argc, char** argv) { return vitrine::bench::Run(argc, argv); }
