// `vitrine-lake examples`: what was shown and what followed, a line an item, for who trains elsewhere.
#include <filesystem>
#include <fstream>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "adapters/duckdb/duck_lake.h"
#include "adapters/duckdb/shown_reader.h"
#include "apps/lake/commands.h"
#include "data/lake.h"
#include "feedback/label_join.h"

namespace vitrine::apps {
namespace {

/// Of an answer's item, its event and their example, while all of them are held.
constexpr std::uint64_t kBytesOfAShownItem = 800;

const std::set<EventType>& EventsThatLabel() {
  using enum EventType;
  static const std::set<EventType> kAll = {kClick, kView,      kLike,     kDwell, kHide,
                                           kCart,  kFavourite, kPurchase, kShare, kRating};
  return kAll;
}

Status CheckMemory(const data::SnapshotManifest& snapshot, std::uint64_t limit_mb) {
  const std::uint64_t wanted = snapshot.impressions * kBytesOfAShownItem / 1'000'000;
  return wanted <= limit_mb
             ? Status::Ok()
             : ResourceExhausted(fmt::format(
                   "the {} shown items of snapshot {} are joined in memory and need about {} MB; "
                   "raise --memory-limit",
                   snapshot.impressions, snapshot.id, wanted));
}

/// The file holds all lines or is not there.
Status WriteExamples(const std::vector<feedback::Example>& examples, const std::string& path) {
  const std::string part = path + ".part";
  std::ofstream file(part, std::ios::binary | std::ios::trunc);
  for (const feedback::Example& example : examples) {
    file << feedback::ToJsonLine(example);
  }
  file.close();
  std::error_code error;
  if (file) {
    std::filesystem::rename(part, path, error);
  }
  if (!file || error) {
    std::error_code ignored;
    std::filesystem::remove(part, ignored);
    return Unavailable(
        fmt::format("cannot write {}; is the folder there, and is there room?", path));
  }
  return Status::Ok();
}

}  // namespace

Result<std::string> RunExamples(const LakeArguments& arguments, const Progress& progress) {
  const std::uint64_t half = arguments.memory_limit_mb / 2;
  const auto lake = duckdb::OpenDuckLake(arguments.data, {});
  ASSIGN_OR_RETURN(const data::SnapshotManifest snapshot, lake->Snapshot(arguments.snapshot));
  RETURN_IF_ERROR(CheckMemory(snapshot, half));
  const std::string folder = lake->SnapshotFolder(snapshot.id);
  const std::string path = arguments.out.empty() ? folder + "/examples.jsonl" : arguments.out;
  duckdb::ParquetShownReader reader({.memory_limit_mb = half,
                                     .threads = arguments.threads,
                                     .temporary_directory = path + ".spill"});
  auto read = reader.ReadShown(folder, EventsThatLabel(), progress);
  std::error_code ignored;
  std::filesystem::remove_all(path + ".spill", ignored);
  RETURN_IF_ERROR(read.status());
  const feedback::LabelResult joined = feedback::JoinLabels(read->records, {.as_of = read->as_of});
  RETURN_IF_ERROR(WriteExamples(joined.examples, path));
  const std::uint64_t open = joined.counts.answers - joined.counts.ripe;
  if (arguments.json) {
    return nlohmann::json({{"snapshot", snapshot.id},
                           {"path", path},
                           {"lines", joined.examples.size()},
                           {"answers", joined.counts.ripe},
                           {"unripe_answers", open},
                           {"unjoined_labels", joined.counts.unjoined}})
               .dump(1) +
           "\n";
  }
  return fmt::format(
      "Wrote {} examples of {} answers of snapshot {} to {}; {} answers are still open, {} labels "
      "belong to none\n",
      joined.examples.size(), joined.counts.ripe, snapshot.id, path, open, joined.counts.unjoined);
}

}  // namespace vitrine::apps
