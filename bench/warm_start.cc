// What starting from the version before saves: SASRec on a log that grew by each user's newest events, from nothing and
// from the weights of a version that was fitted on the log of before. By the real programs.
//   ./dev bench warm_start
// The log is Amazon Beauty's (VITRINE_TEST_DATA, default ../shared). The earlier one lacks the newest fifth of each user's
// events, two at least, so that the earlier version has seen nothing of what is held out now.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "bench/child_cost.h"
#include "bench/report.h"
#include "core/check.h"

namespace vitrine::bench {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const std::string kFolder = "build/bench/warm_start";

/// A network of one block, so that the comparison takes minutes; looked at after every epoch.
constexpr const char* kSpec = R"(algorithm = "sasrec"
validation_cases = 2000

[parameters]
length = 50
width = 64
blocks = 1
heads = 1
dropout = 0.3
learning_rate = 0.003
batch = 256
negatives = 256
epochs = 24
validate_every = 1
patience = 24
threads = 1
)";

std::string TextOf(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string Bin(const std::string& program) {
  return fs::read_symlink("/proc/self/exe").parent_path().parent_path().string() + "/" + program;
}

json Must(const std::string& program, const std::vector<std::string>& arguments,
          const std::string& log, ChildCost* cost = nullptr) {
  const ChildCost ran = RunForCost(Bin(program), arguments, kFolder + "/" + log);
  if (ran.exit_code != 0) {
    std::fprintf(stderr, "%s: %s\n", program.c_str(), ran.last_line.c_str());
    std::exit(1);
  }
  if (cost != nullptr) {
    *cost = ran;
  }
  return json::parse(ran.output);
}

/// The log as it was: without the newest fifth of each user's events, two at least.
void WriteEarlier(const std::string& from, const std::string& to) {
  std::ifstream in(from);
  std::ofstream out(to);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    const std::vector<std::string> row{std::istream_iterator<std::string>(words), {}};
    const std::size_t places = row.size() - 1;
    const std::size_t kept = places - std::min(places, std::max<std::size_t>(2, places / 5));
    for (std::size_t i = 0; i <= kept && kept > 0; ++i) {
      out << row[i] << (i == kept ? '\n' : ' ');
    }
  }
}

/// Folder of the snapshot of `files`.
std::string SnapshotOf(const std::string& files, const std::string& name) {
  const std::string data = kFolder + "/" + name + "-lake";
  Must("vitrine-lake",
       {"import", files, "--mapping", "tests/data/mappings/amazon-beauty.toml", "--data", data,
        "--json"},
       name + "-import.log");
  return Must("vitrine-lake", {"clean", "--data", data, "--json"}, name + "-clean.log").at("dir");
}

/// A fit: the best validation value after each epoch, and its cost.
struct Course {
  std::vector<double> best;
  double cpu_seconds = 0;  ///< of all epochs
  json said;

  [[nodiscard]] double Most() const { return best.empty() ? 0 : best.back(); }
  /// Epochs until `value`; 0 where it is never reached.
  [[nodiscard]] int EpochsTo(double value) const {
    const auto at = std::find_if(best.begin(), best.end(), [=](double b) { return b >= value; });
    return at == best.end() ? 0 : static_cast<int>(at - best.begin()) + 1;
  }
  [[nodiscard]] double SecondsTo(double value) const {
    return cpu_seconds / static_cast<double>(best.size()) * EpochsTo(value);
  }
};

Course Fit(const std::string& name, const std::string& snapshot,
           const std::vector<std::string>& more) {
  const std::string out = kFolder + "/" + name;
  fs::remove_all(out);
  std::vector<std::string> arguments = {
      "train",      "--snapshot",           snapshot, "--spec", kFolder + "/spec.toml",
      "--protocol", kFolder + "/once.toml", "--out",  out,      "--json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  ChildCost cost;
  Course course;
  course.said = Must("vitrine-trainer", arguments, name + ".log", &cost);
  course.cpu_seconds = cost.cpu_seconds;
  std::ifstream log(kFolder + "/" + name + ".log");
  const std::regex best("best ([0-9.]+) at epoch");
  for (std::string line; std::getline(log, line);) {
    std::smatch found;
    if (line.find("\"epochs\"") != std::string::npos && std::regex_search(line, found, best)) {
      course.best.push_back(std::stod(found[1]));
    }
  }
  return course;
}

int Run() {
  const char* given = std::getenv("VITRINE_TEST_DATA");
  const std::string beauty =
      std::string(given == nullptr ? "../shared" : given) + "/data/amazon-beauty";
  if (!fs::exists(beauty)) {
    std::printf("amazon-beauty is not there: set VITRINE_TEST_DATA\n");
    return 0;
  }
  fs::remove_all(kFolder);
  fs::create_directories(kFolder + "/earlier");
  WriteEarlier(beauty + "/sequences.txt", kFolder + "/earlier/sequences.txt");
  fs::copy_file(beauty + "/items.tsv", kFolder + "/earlier/items.tsv");
  // One fit each, on the training part.
  std::ofstream(kFolder + "/once.toml")
      << std::regex_replace(TextOf("tests/data/protocols/amazon-beauty.toml"),
                            std::regex("\"training.validation\""), "\"training\"");
  std::ofstream(kFolder + "/spec.toml") << kSpec;
  const std::string then = SnapshotOf(kFolder + "/earlier", "earlier");
  const std::string now = SnapshotOf(beauty, "now");
  Fit("parent", then, {});
  const Course cold = Fit("cold", now, {});
  const Course warm = Fit("warm", now, {"--warm-start", kFolder + "/parent"});
  std::printf("items kept, new, gone: %s\n", warm.said.at("warm_start").dump().c_str());

  std::vector<Bar> bars;
  const auto add = [&bars](const std::string& what, double value, const char* unit, bool higher) {
    bars.push_back({what, value, unit, higher, 0, 1, 0});
  };
  add("cold: best validation NDCG@10", cold.Most(), "", true);
  add("warm: best validation NDCG@10", warm.Most(), "", true);
  for (const double share : {0.9, 0.95, 1.0}) {
    const double value = share * cold.Most();
    const std::string to = " to " + std::to_string(std::lround(share * 100)) + " % of cold's best";
    add("cold: epochs" + to, cold.EpochsTo(value), "", false);
    add("warm: epochs" + to + " (0: never)", warm.EpochsTo(value), "", false);
    add("cold: CPU" + to, cold.SecondsTo(value), "s", false);
    add("warm: CPU" + to + " (0: never)", warm.SecondsTo(value), "s", false);
  }
  Report("warm_start", bars);
  return 0;
}

}  // namespace
}  // namespace vitrine::bench

int main() { return vitrine::bench::Run(); }
