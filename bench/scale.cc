// What a large log costs, by the real programs: import, clean, and training of four kinds of model, at growing sizes.
//   ./dev bench scale [--sizes 5,10,20] [--folder /tmp/scale] [--keep] [--with hybrid]
// --with names one more ready spec, trained last.
// Sizes are millions of events; users grow alike (20 events a user), items are 100,000. The log is simulated
// (bench/scale_log.h); making it is not counted. Each stage is a child process whose CPU seconds and peak resident memory
// are the kernel's. Results are kept in build/bench/scale/results.jsonl as soon as they are known, and a later run goes on
// from there: a result counts as long as program, spec and log are the same.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "bench/child_cost.h"
#include "bench/kept_results.h"
#include "bench/report.h"
#include "bench/scale_log.h"
#include "core/check.h"
#include "core/sha256.h"

namespace vitrine::bench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kResults = "build/bench/scale/results.jsonl";
constexpr double kEventsAUser = 20;
constexpr double kMostGiB = 12;
/// Cost per event may grow so much over the sizes and still be called linear: machines are not quiet.
constexpr double kMostGrowth = 1.25;
/// The shop that the figures are extrapolated to.
constexpr double kFarEvents = 360e6;
constexpr double kFarUsers = 2e6;

struct Options {
  std::vector<double> millions = {5, 10, 20};
  std::string folder = (fs::temp_directory_path() / "scale").string();
  bool keep = false;
  std::string with;
};

constexpr const char* kProtocol = R"(name = "scale"
kind = "leave_one_out"
history = "filtered"
ks = [10]
minimum_length = 3
fit_for_test = "training"
age = "position"

[vocabulary]
items = "all"
popularity = "users"
)";

std::string TextOf(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string Bin(const std::string& program) {
  return fs::read_symlink("/proc/self/exe").parent_path().parent_path().string() + "/" + program;
}

struct Stage {
  std::string name;
  std::string program;
  std::string spec;  ///< text of the train spec; empty: no training
};

/// The ready specs as they are; of the network one epoch.
std::vector<Stage> Stages(const std::string& with) {
  std::vector<Stage> stages = {{"import", "vitrine-lake", ""}, {"clean", "vitrine-lake", ""}};
  std::vector<std::string> specs = {"popularity", "item-knn", "als", "sasrec"};
  if (!with.empty()) {
    specs.push_back(with);
  }
  for (const std::string& spec : specs) {
    std::string text = TextOf("specs/" + spec + ".toml");
    CHECK(!text.empty());
    text = std::regex_replace(text, std::regex("epochs = [0-9]+"), "epochs = 1");
    stages.push_back({spec, "vitrine-trainer", std::move(text)});
  }
  return stages;
}

/// One size: its files, and what its stages cost.
class Size {
 public:
  Size(const Options& options, double millions, KeptResults& results)
      : options_(options), results_(results) {
    log_.events = static_cast<std::uint64_t>(millions * 1e6);
    log_.users = static_cast<std::uint64_t>(millions * 1e6 / kEventsAUser);
    folder_ = options.folder + "-" + std::to_string(log_.events);
  }

  /// The rows of all stages, those that failed without a cost.
  std::vector<json> Run(const std::vector<Stage>& stages) {
    const bool all = std::all_of(stages.begin(), stages.end(), [&](const Stage& stage) {
      return results_.Find(KeyOf(stage)) != nullptr;
    });
    std::vector<json> rows;
    for (const Stage& stage : stages) {
      if (all || (results_.Find(KeyOf(stage)) != nullptr && NotNeeded(stage))) {
        rows.push_back(*results_.Find(KeyOf(stage)));
        Print(rows.back());
        continue;
      }
      rows.push_back(Measure(stage));
      Print(rows.back());
      if (rows.back().contains("error")) {
        break;  // what follows needs it
      }
    }
    if (!options_.keep) {
      fs::remove_all(folder_);
    }
    return rows;
  }

 private:
  std::string KeyOf(const Stage& stage) {
    std::string& hash = programs_[stage.program];
    if (hash.empty()) {
      hash = Sha256Hex(TextOf(Bin(stage.program)));
    }
    return Sha256Hex(stage.name + hash + stage.spec + std::to_string(log_.events) + " " +
                     std::to_string(log_.users) + " " + std::to_string(log_.items));
  }

  /// What a kept result need not be made again for: models, and a lake that still stands.
  [[nodiscard]] bool NotNeeded(const Stage& stage) const {
    return !stage.spec.empty() || fs::exists(folder_ + "/snapshot");
  }

  /// The log's files, made where they are not there.
  void MakeLog() {
    const std::string done = folder_ + "/written.json";
    if (!fs::exists(done)) {
      fs::remove_all(folder_);
      fs::create_directories(folder_);
      std::fprintf(stderr, "writing %llu events to %s\n",
                   static_cast<unsigned long long>(log_.events), folder_.c_str());
      const WrittenLog written = WriteScaleLog(log_, folder_);
      std::ofstream(done) << json{
          {"events", written.events}, {"pairs", written.pairs}, {"bytes", written.bytes}};
    }
    written_ = json::parse(TextOf(done));
  }

  std::vector<std::string> ArgumentsOf(const Stage& stage) const {
    const std::string data = folder_ + "/data";
    if (stage.name == "import") {
      return {"import", folder_, "--mapping", folder_ + "/mapping.toml", "--data", data, "--json"};
    }
    if (stage.name == "clean") {
      return {"clean", "--data", data, "--json"};
    }
    return {"train",
            "--snapshot",
            TextOf(folder_ + "/snapshot"),
            "--spec",
            folder_ + "/spec.toml",
            "--protocol",
            folder_ + "/protocol.toml",
            "--out",
            folder_ + "/artifact",
            "--json"};
  }

  json Measure(const Stage& stage) {
    MakeLog();
    if (stage.name == "import") {
      fs::remove_all(folder_ + "/data");
      fs::remove(folder_ + "/snapshot");
    }
    std::ofstream(folder_ + "/protocol.toml") << kProtocol;
    std::ofstream(folder_ + "/spec.toml") << stage.spec;
    std::fprintf(stderr, "%s\n", stage.name.c_str());
    const ChildCost cost =
        RunForCost(Bin(stage.program), ArgumentsOf(stage), folder_ + "/" + stage.name + ".log");
    const double run = cost.exit_code == 0 && !stage.spec.empty() ? RunSeconds() : 0;
    fs::remove_all(folder_ + "/artifact");
    json row = {{"stage", stage.name},        {"events", written_["events"]},
                {"users", log_.users},        {"items", log_.items},
                {"pairs", written_["pairs"]}, {"bytes", written_["bytes"]}};
    const json said = json::parse(cost.output, nullptr, false);
    if (cost.exit_code != 0 || !said.is_object()) {
      row["error"] = cost.last_line;
      return row;
    }
    row["cpu_seconds"] = cost.cpu_seconds;
    row["wall_seconds"] = cost.wall_seconds;
    row["peak_bytes"] = cost.peak_bytes;
    row["run_seconds"] = run;
    if (stage.name == "clean") {
      std::ofstream(folder_ + "/snapshot") << said.at("dir").get<std::string>();
      row["rows"] = said.value("kept", 0);
    }
    for (const char* field : {"rows", "items", "validation", "validation_cases", "notes"}) {
      if (!stage.spec.empty() && said.contains(field)) {
        row["said"][field] = said[field];
      }
    }
    const char* commit = std::getenv("VITRINE_COMMIT");
    row["commit"] = commit == nullptr ? "" : commit;
    results_.Keep(KeyOf(stage), row);
    return row;
  }

  /// Median of one request's run of the artifact; 0 where the probe refuses it.
  [[nodiscard]] double RunSeconds() const {
    const ChildCost probe =
        RunForCost(Bin("vitrine"), {"model", "probe", folder_ + "/artifact", "--json"},
                   folder_ + "/probe.log");
    const json said = json::parse(probe.output, nullptr, false);
    return said.is_object() ? said.value("run_seconds", 0.0) : 0;
  }

  static void Print(const json& row) {
    if (row.contains("error")) {
      std::printf("| %-10s | %6.2f | %s |\n", row["stage"].get<std::string>().c_str(),
                  row["events"].get<double>() / 1e6, row["error"].get<std::string>().c_str());
    } else {
      std::printf("| %-10s | %6.2f | %9.1f | %8.1f | %6.2f | %8.2f |\n",
                  row["stage"].get<std::string>().c_str(), row["events"].get<double>() / 1e6,
                  row["cpu_seconds"].get<double>(), row["wall_seconds"].get<double>(),
                  row["peak_bytes"].get<double>() / (1 << 30), 1e3 * row.value("run_seconds", 0.0));
    }
    std::fflush(stdout);
  }

  const Options& options_;
  KeptResults& results_;
  ScaleLog log_;
  std::string folder_;
  json written_;
  std::map<std::string, std::string> programs_;  // name -> hash
};

/// y = at_none + slope * x through the points, by least squares.
struct Line {
  double at_none = 0;
  double slope = 0;
  [[nodiscard]] double At(double x) const { return at_none + slope * x; }
};

Line Through(const std::vector<double>& x, const std::vector<double>& y) {
  const auto n = static_cast<double>(x.size());
  double mean_x = 0;
  double mean_y = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    mean_x += x[i] / n;
    mean_y += y[i] / n;
  }
  double along = 0;
  double spread = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    along += (x[i] - mean_x) * (y[i] - mean_y);
    spread += (x[i] - mean_x) * (x[i] - mean_x);
  }
  Line line;
  line.slope = spread > 0 ? along / spread : 0;
  line.at_none = mean_y - line.slope * mean_x;
  return line;
}

std::vector<double> Column(const std::vector<json>& rows, const char* name) {
  std::vector<double> values;
  for (const json& row : rows) {
    values.push_back(row.at(name));
  }
  return values;
}

/// Bars of one stage over the sizes, the smallest first.
void AddBars(const std::string& stage, const std::vector<json>& rows, std::vector<Bar>& bars) {
  constexpr double kGiB = 1 << 30;
  const json& most = rows.back();
  const std::string size = std::to_string(std::llround(most["events"].get<double>() / 1e6)) + " M";
  bars.push_back({stage + ", " + size + " events: resident at most",
                  most["peak_bytes"].get<double>() / kGiB, "GiB", false, kMostGiB, 1, 0});
  bars.push_back({stage + ", " + size + " events: CPU", most["cpu_seconds"], "s", false, 0, 1, 0});
  bars.push_back(
      {stage + ", " + size + " events: wall", most["wall_seconds"], "s", false, 0, 1, 0});
  if (rows.size() < 2) {
    return;
  }
  // Pairs of items grow with the square of a user's events, everything else with the events.
  const char* with = stage == "item-knn" ? "pairs" : "events";
  const auto per = [&](const json& row) {
    return row["cpu_seconds"].get<double>() / row["events"].get<double>();
  };
  bars.push_back({stage + ": CPU per event, largest / smallest size", per(most) / per(rows.front()),
                  "x", false, kMostGrowth, 1, 0});
  const double stretch = kFarEvents / kFarUsers / kEventsAUser;
  const double pairs =
      most["pairs"].get<double>() / most["users"].get<double>() * kFarUsers * stretch * stretch;
  const double far = with == std::string("pairs") ? pairs : kFarEvents;
  const std::string shop = stage + ", EXTRAPOLATED to 2 M users, 360 M events: ";
  bars.push_back({shop + "CPU",
                  Through(Column(rows, with), Column(rows, "cpu_seconds")).At(far) / 3600, "h",
                  false, 0, 0, 0});
  bars.push_back({shop + "resident",
                  Through(Column(rows, "events"), Column(rows, "peak_bytes")).At(kFarEvents) / kGiB,
                  "GiB", false, 0, 0, 0});
}

Options OptionsOf(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const auto value = [&]() -> std::string {
      CHECK(i + 1 < argc);
      return argv[++i];
    };
    if (word == "--sizes") {
      options.millions.clear();
      std::stringstream list(value());
      for (std::string one; std::getline(list, one, ',');) {
        options.millions.push_back(std::max(0.01, std::atof(one.c_str())));
      }
    } else if (word == "--folder") {
      options.folder = value();
    } else if (word == "--with") {
      options.with = value();
    } else if (word == "--keep") {
      options.keep = true;
    } else {
      std::fprintf(stderr,
                   "usage: scale [--sizes 5,10,20] [--folder PATH] [--keep] [--with SPEC]\n");
      std::exit(2);
    }
  }
  std::sort(options.millions.begin(), options.millions.end());
  return options;
}

int Run(int argc, char** argv) {
  const Options options = OptionsOf(argc, argv);
  const std::vector<Stage> stages = Stages(options.with);
  KeptResults results(kResults);
  std::printf("| %-10s | %6s | %9s | %8s | %6s | %8s |\n|---|---|---|---|---|---|\n", "stage",
              "M rows", "CPU, s", "wall, s", "GiB", "run, ms");
  std::map<std::string, std::vector<json>> by_stage;
  for (const double millions : options.millions) {
    for (json& row : Size(options, millions, results).Run(stages)) {
      if (!row.contains("error")) {
        by_stage[row["stage"]].push_back(std::move(row));
      }
    }
  }
  std::vector<Bar> bars;
  for (const Stage& stage : stages) {
    if (const auto rows = by_stage.find(stage.name); rows != by_stage.end()) {
      AddBars(stage.name, rows->second, bars);
    }
  }
  std::printf("\n");
  Report("scale", bars);
  return 0;
}

}  // namespace
}  // namespace vitrine::bench

int main(int argc, char** argv) { return vitrine::bench::Run(argc, argv); }
