#include "adapters/duckdb/duck_lake.h"

#include <optional>

#include <fmt/format.h>

#include "adapters/duckdb/cleaner.h"
#include "adapters/duckdb/collect.h"
#include "adapters/duckdb/importer.h"
#include "adapters/duckdb/lake_folder.h"
#include "adapters/duckdb/log_ingest.h"
#include "adapters/duckdb/scratch_folder.h"
#include "adapters/duckdb/states.h"
#include "core/nearest_name.h"

namespace vitrine::duckdb {
namespace {

class DuckLake final : public data::Lake {
 public:
  DuckLake(std::string data_dir, const LakeOptions& options)
      : data_dir_(std::move(data_dir)), options_(options) {}

  Result<data::ImportReport> Import(const data::ImportRequest& request,
                                    const Progress& progress) override {
    ASSIGN_OR_RETURN(const LakeFolder folder, LakeFolder::OpenToWrite(data_dir_));
    ASSIGN_OR_RETURN(const auto database, OpenDatabase(folder.temporary(), progress));
    return ImportFiles(folder, *database, request, progress);
  }

  Result<data::ImportReport> Check(const data::ImportRequest& request,
                                   const Progress& progress) override {
    ScratchFolder scratch;
    RETURN_IF_ERROR(scratch.Make("check"));
    ASSIGN_OR_RETURN(const auto database, OpenDatabase(scratch.path(), progress));
    ASSIGN_OR_RETURN(const std::optional<data::Contract> contract, NewestContract());
    return CheckFiles(scratch.path(), *database, request, contract, progress);
  }

  Result<data::LogIngested> Ingest(const data::ReadLog& read, const Progress& progress) override {
    ASSIGN_OR_RETURN(const LakeFolder folder, LakeFolder::OpenToWrite(data_dir_));
    ASSIGN_OR_RETURN(const auto database, OpenDatabase(folder.temporary(), progress));
    return IngestLog(folder, *database, read, progress);
  }

  Result<data::CleanOutcome> Clean(const data::CleanRequest& request,
                                   const Progress& progress) override {
    ASSIGN_OR_RETURN(const LakeFolder folder, LakeFolder::OpenToWrite(data_dir_));
    ASSIGN_OR_RETURN(const auto database, OpenDatabase(folder.temporary(), progress));
    return MakeSnapshot(folder, *database, request, progress);
  }

  Result<data::Collected> Collect(const data::CollectRequest& request) override {
    if (!request.remove) {
      ASSIGN_OR_RETURN(const LakeFolder folder, LakeFolder::OpenToRead(data_dir_));
      return CollectSnapshots(folder, request);
    }
    ASSIGN_OR_RETURN(const LakeFolder folder, LakeFolder::OpenToWrite(data_dir_));
    return CollectSnapshots(folder, request);
  }

  Result<data::LakeManifest> Manifest() override {
    ASSIGN_OR_RETURN(const LakeFolder folder, LakeFolder::OpenToRead(data_dir_));
    return folder.ReadManifest();
  }

  Result<data::SnapshotManifest> Snapshot(const std::string& id) override {
    ASSIGN_OR_RETURN(const LakeFolder folder, LakeFolder::OpenToRead(data_dir_));
    return FindSnapshot(folder, id);
  }

  [[nodiscard]] std::string SnapshotFolder(const std::string& id) const override {
    return data_dir_ + "/lake/snapshots/" + id;
  }

  Result<std::uint64_t> WriteStates(const std::string& id, const std::string& path,
                                    const Progress& progress) override {
    ASSIGN_OR_RETURN(const data::SnapshotManifest snapshot, Snapshot(id));
    return duckdb::WriteStates(DatabaseSettings(data_dir_ + "/lake/tmp"),
                               SnapshotFolder(snapshot.id), path, progress);
  }

  Result<std::uint64_t> WriteCatalogue(const std::string& id, const std::string& path,
                                       const Progress& progress) override {
    ASSIGN_OR_RETURN(const data::SnapshotManifest snapshot, Snapshot(id));
    return duckdb::WriteCatalogue(DatabaseSettings(data_dir_ + "/lake/tmp"), data_dir_ + "/lake",
                                  snapshot, path, progress);
  }

 private:
  /// None where there is no snapshot to compare with.
  Result<std::optional<data::Contract>> NewestContract() {
    const Result<data::SnapshotManifest> newest = Snapshot("");
    if (newest.status().code() == Code::kNotFound) {
      return std::optional<data::Contract>();
    }
    RETURN_IF_ERROR(newest.status());
    const std::string path = SnapshotFolder(newest->id) + "/contract.json";
    ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(path));
    ASSIGN_OR_RETURN(data::Contract contract, data::Contract::Parse(text, path));
    return std::optional(std::move(contract));
  }

  [[nodiscard]] DatabaseOptions DatabaseSettings(const std::string& temporary) const {
    return {.memory_limit_mb = options_.memory_limit_mb,
            .threads = options_.threads,
            .temporary_directory = temporary + "/spill"};
  }

  [[nodiscard]] Result<std::unique_ptr<Database>> OpenDatabase(const std::string& temporary,
                                                               const Progress& progress) const {
    ASSIGN_OR_RETURN(auto database, Database::Open(DatabaseSettings(temporary)));
    database->CancelWith(progress.stop);
    return database;
  }

  static Result<data::SnapshotManifest> FindSnapshot(const LakeFolder& folder,
                                                     const std::string& id) {
    ASSIGN_OR_RETURN(const data::LakeManifest manifest, folder.ReadManifest());
    if (manifest.snapshots.empty()) {
      return NotFound("there is no snapshot yet; make one with `vitrine-lake clean`");
    }
    if (id.empty()) {
      return folder.ReadSnapshot(manifest.snapshots.back());
    }
    for (const std::string& known : manifest.snapshots) {
      if (known == id) {
        return folder.ReadSnapshot(id);
      }
    }
    return NotFound(fmt::format("there is no snapshot '{}'{}; the newest is '{}'", id,
                                DidYouMean(id, manifest.snapshots), manifest.snapshots.back()));
  }

  std::string data_dir_;
  LakeOptions options_;
};

}  // namespace

std::unique_ptr<data::Lake> OpenDuckLake(const std::string& data_dir, const LakeOptions& options) {
  return std::make_unique<DuckLake>(data_dir, options);
}

}  // namespace vitrine::duckdb
