// Ranking quality of every ready spec, by the real programs: import, clean, train, evaluate on held-out cases, probe.
//   ./dev bench quality [--set NAME] [--seeds N] [--cap SECONDS] [SPEC...]
// Without a spec, all ready ones on every set that is there (VITRINE_TEST_DATA, default ../shared). What a spec is fitted
// with was chosen on validation parts; the table is of test parts. Each result is kept in build/bench/quality/results.jsonl
// as soon as it is known, and a later run goes on from there: a result counts as long as spec, seed, snapshot and the trainer
// itself are the same.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/published.h"
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
};

/// A public data set with its protocol.
struct DataSet {
  std::string name;
  std::string files;
  std::string mapping;
  std::string protocol;
};

std::vector<DataSet> DataSets() {
  const char* given = std::getenv("VITRINE_TEST_DATA");
  const std::string root = std::string(given == nullptr ? "../shared" : given) + "/data/";
  return {{"amazon-beauty", root + "amazon-beauty", "tests/data/mappings/amazon-beauty.toml",
           "tests/data/protocols/amazon-beauty.toml"},
          {"online-retail", root + "online-retail", "online-retail", "last-basket"}};
}

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

/// Of one data set: its newest snapshot and its cases.
struct Prepared {
  std::string snapshot;
  std::string snapshot_id;
  std::string holdout;
};

Prepared Prepare(const DataSet& set) {
  const std::string data = std::string(kFolder) + "/" + set.name;
  const auto must = [](const Said& said) {
    if (!said.error.empty()) {
      std::fprintf(stderr, "%s\n", said.error.c_str());
      std::exit(1);
    }
    return said.result;
  };
  must(Run("vitrine-lake",
           {"import", set.files, "--mapping", set.mapping, "--data", data, "--json"}));
  const json cleaned = must(Run("vitrine-lake", {"clean", "--data", data, "--json"}));
  Prepared prepared;
  prepared.snapshot_id = cleaned.at("snapshot");
  prepared.snapshot = data + "/lake/snapshots/" + prepared.snapshot_id;
  prepared.holdout = data + "/holdout.jsonl";
  fs::remove(prepared.holdout);
  must(Run("vitrine-trainer", {"split", "--snapshot", prepared.snapshot, "--protocol", set.protocol,
                               "--out", prepared.holdout}));
  return prepared;
}

std::string TextOf(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string SpecFile(const std::string& spec) {
  return spec.ends_with(".toml") ? spec : "specs/" + spec + ".toml";
}

/// Rows that earlier runs kept, by what they are of.
class Results {
 public:
  Results() : path_(std::string(kFolder) + "/results.jsonl") {
    std::ifstream in(path_);
    for (std::string line; std::getline(in, line);) {
      const json row = json::parse(line, nullptr, false);
      if (row.is_object() && row.contains("of")) {
        rows_[row["of"]] = row;
      }
    }
  }
  [[nodiscard]] const json* Find(const std::string& of) const {
    const auto found = rows_.find(of);
    return found == rows_.end() ? nullptr : &found->second;
  }
  void Keep(const std::string& of, json row) {
    row["of"] = of;
    std::ofstream(path_, std::ios::app) << row.dump() << "\n";
    rows_[of] = std::move(row);
  }

 private:
  std::string path_;
  std::map<std::string, json> rows_;
};

/// recall@10, ndcg@10 and, of slices, ndcg@10.
void TakeFigures(const json& report, json& row) {
  for (const json& slice : report.at("slices")) {
    const json& metrics = slice.at("metrics");
    const std::string name = slice.value("name", "all");
    row["cases"][name] = slice.at("cases");
    row["recall@10"][name] = metrics.at("recall@10");
    row["ndcg@10"][name] = metrics.at("ndcg@10");
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
  const Said trained =
      Run("vitrine-trainer",
          {"train", "--snapshot", prepared.snapshot, "--spec", SpecFile(spec), "--protocol",
           set.protocol, "--out", out, "--seed", std::to_string(seed)},
          options.cap_seconds);
  if (!trained.error.empty()) {
    row["error"] = trained.error;
    return row;
  }
  row["cpu_seconds"] = trained.result.at("cpu_seconds");
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
  TakeFigures(judged.result, row);
  row["run_seconds"] = probed.result.at("run_seconds");
  fs::remove_all(out);
  return row;
}

std::vector<std::string> ReadySpecs() {
  std::vector<std::string> specs;
  for (const auto& file : fs::directory_iterator("specs")) {
    specs.push_back(file.path().stem().string());
  }
  std::sort(specs.begin(), specs.end());
  return specs;
}

double Mean(const json& row, const char* metric, const std::string& slice) {
  return row.contains(metric) && row[metric].contains(slice) ? row[metric][slice].value("mean", 0.0)
                                                             : 0.0;
}

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

void PrintHead(const std::string& set) {
  std::printf("\n%s, test part\n", set.c_str());
  std::printf(
      "| spec | R@10 | N@10 | slices, N@10 | train, CPU s | MB | graph, ms | published |\n");
  std::printf("|---|---|---|---|---|---|---|---|\n");
}

void PrintRow(const std::string& set, const std::string& spec, const std::vector<json>& rows) {
  const json& first = rows.front();
  if (first.contains("error")) {
    std::printf("| %s | %s |\n", spec.c_str(), first["error"].get<std::string>().c_str());
    return;
  }
  std::string slices;
  for (const auto& [slice, value] : first.at("ndcg@10").items()) {
    if (slice != "all") {
      slices += (slices.empty() ? "" : ", ") + slice + " " + OverSeeds(rows, "ndcg@10", slice);
    }
  }
  std::printf("| %s | %s | %s | %s | %.0f | %.1f | %.2f | %s |\n", spec.c_str(),
              OverSeeds(rows, "recall@10", "all").c_str(),
              OverSeeds(rows, "ndcg@10", "all").c_str(), slices.c_str(),
              first.value("cpu_seconds", 0.0), first.value("bytes", 0.0) / 1e6,
              first.value("run_seconds", 0.0) * 1e3, PublishedOf(set, spec).c_str());
  std::fflush(stdout);
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
  Results results;
  const std::string trainer = Sha256Hex(TextOf(Bin("vitrine-trainer")));
  std::map<std::string, std::vector<json>> by_spec;
  PrintHead(set.name);
  for (const std::string& spec : options.specs.empty() ? ReadySpecs() : options.specs) {
    std::vector<json>& rows = by_spec[spec];
    for (int seed = 1; seed <= options.seeds; ++seed) {
      const std::string of = Sha256Hex(trainer + TextOf(SpecFile(spec)) + prepared.snapshot_id +
                                       set.protocol + std::to_string(seed));
      if (results.Find(of) == nullptr) {
        json row = Measure(set, prepared, spec, seed, options);
        if (row.contains("error")) {  // tried again next time
          rows.push_back(std::move(row));
          break;
        }
        results.Keep(of, std::move(row));
      }
      rows.push_back(*results.Find(of));
    }
    PrintRow(set.name, spec, rows);
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
    if (options.set.empty() || options.set == set.name) {
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
