#include "adapters/duckdb/importer.h"

#include <algorithm>
#include <chrono>
#include <map>

#include <fmt/format.h>

#include "adapters/duckdb/file_columns.h"
#include "adapters/duckdb/file_scan.h"
#include "adapters/duckdb/measure.h"
#include "adapters/duckdb/source_sql.h"
#include "core/sha256.h"

namespace vitrine::duckdb {
namespace {

using data::CountedReason;
using data::ImportedFile;
using data::ImportRequest;
using data::LakeManifest;
using data::LakePart;
using data::Source;
using data::TableKind;

constexpr std::size_t kSamples = 5;
constexpr std::size_t kReasons = 20;

/// Reads one file into one Parquet file and tells what was in it.
class FileImport {
 public:
  FileImport(Database& database, const data::Mapping& mapping, const Progress& progress)
      : database_(database), mapping_(mapping), progress_(progress) {}

  struct Outcome {
    ImportedFile file;
    LakePart part;
  };

  Result<Outcome> Read(const FileForSource& from, const FileScan& scan, std::int64_t number,
                       const std::string& target, Micros default_valid_from);

 private:
  Status CountRows(const std::string& target, Outcome& out);
  Status CountBroken(const std::string& rejects, Outcome& out);
  Status CheckAccepted(const Outcome& out) const;

  Database& database_;
  const data::Mapping& mapping_;
  const Progress& progress_;
};

Result<FileImport::Outcome> FileImport::Read(const FileForSource& from, const FileScan& scan,
                                             std::int64_t number, const std::string& target,
                                             Micros default_valid_from) {
  const Source& source = *from.source;
  Outcome out;
  out.file.path = from.path;
  out.file.table = data::TableKindName(source.table);
  out.file.sha256 = scan.sha256;
  out.file.bytes = scan.bytes;
  SourceInput input;
  input.path = from.path;
  input.sha256 = scan.sha256;
  input.part = number;
  input.default_valid_from = default_valid_from;
  input.event_names = &mapping_.event_names;
  input.rejects = fmt::format("rejects_{}", number);
  ASSIGN_OR_RETURN(input.columns, ReadFileColumns(database_, source, from.path));
  ASSIGN_OR_RETURN(input.time,
                   ResolveTime(database_, source, from.path, input.columns, out.file.time_taken));
  ASSIGN_OR_RETURN(const std::string select, source.table == TableKind::kEvents
                                                 ? EventsSql(source, input)
                                                 : CatalogueSql(source, input));
  progress_.report({.stage = "read",
                    .done = 0,
                    .total = static_cast<double>(scan.records),
                    .unit = "rows",
                    .detail = from.path});
  const Status copied = database_.Execute(
      fmt::format("COPY ({}) TO {} (FORMAT parquet, COMPRESSION zstd)", select, Quoted(target)));
  RETURN_IF_ERROR(copied.ok() ? copied : copied.WithContext(from.path));
  RETURN_IF_ERROR(CountRows(target, out));
  RETURN_IF_ERROR(CountBroken(input.rejects, out));
  RETURN_IF_ERROR(CheckAccepted(out));
  out.part.columns = SchemaOf(database_, source, from.path, input.columns);
  out.part.ordinal =
      source.table == TableKind::kEvents && input.time.notation == data::TimeNotation::kSequence;
  return out;
}

Status FileImport::CountRows(const std::string& target, Outcome& out) {
  const bool events = out.file.table == "events";
  const std::string parquet = fmt::format("read_parquet({})", Quoted(target));
  ASSIGN_OR_RETURN(const auto counts, database_.QueryTexts(fmt::format(
                                          "SELECT count(*), count(*) FILTER (reject IS NOT NULL "
                                          "AND {0} IS NOT TRUE), count(*) FILTER "
                                          "({0}) FROM {1}",
                                          events ? "ignored" : "false", parquet)));
  out.part.rows = std::stoull(counts[0][0]);
  out.part.rejected = std::stoull(counts[0][1]);
  out.part.ignored = std::stoull(counts[0][2]);
  if (out.part.rejected == 0) {
    return Status::Ok();
  }
  // The reason without its value groups; the value stays in the samples.
  ASSIGN_OR_RETURN(
      const auto reasons,
      database_.QueryTexts(fmt::format("SELECT regexp_replace(reject, '\".*\"', 'a value') AS r, "
                                       "count(*) AS n, to_json(list('row ' || "
                                       "row || ': ' || reject ORDER BY row)[1:{}])::VARCHAR FROM "
                                       "{} WHERE reject IS NOT NULL AND "
                                       "{} IS NOT TRUE GROUP BY r ORDER BY n DESC, r LIMIT {}",
                                       kSamples, parquet, events ? "ignored" : "false", kReasons)));
  for (const auto& row : reasons) {
    ASSIGN_OR_RETURN(const auto samples,
                     database_.QueryTexts(fmt::format(
                         "SELECT unnest(json_extract_string({}, '$[*]'))", Quoted(row[2]))));
    CountedReason reason{row[0], std::stoull(row[1]), {}};
    for (const auto& sample : samples) {
      reason.samples.push_back(sample[0]);
    }
    out.part.reasons.push_back(std::move(reason));
  }
  return Status::Ok();
}

Status FileImport::CountBroken(const std::string& rejects, Outcome& out) {
  ASSIGN_OR_RETURN(
      const std::int64_t there,
      database_.QueryInteger(fmt::format(
          "SELECT count(*) FROM duckdb_tables() WHERE table_name = {}", Quoted(rejects))));
  if (there > 0) {
    ASSIGN_OR_RETURN(
        const auto reasons,
        database_.QueryTexts(fmt::format(
            "SELECT regexp_replace(m, '\\d+', 'N', 'g') AS r, count(*) AS n, min(m) FROM "
            "(SELECT line, min(error_message) AS m FROM {} GROUP BY file_id, line) GROUP "
            "BY r ORDER BY n DESC, r LIMIT {}",
            rejects, kReasons)));
    for (const auto& row : reasons) {
      CountedReason reason{
          "broken row: " + row[2].substr(0, row[2].find('\n')), std::stoull(row[1]), {}};
      ASSIGN_OR_RETURN(
          const auto samples,
          database_.QueryTexts(fmt::format("SELECT 'line ' || line || ': ' || "
                                           "left(regexp_replace(min(csv_line), '[\\r\\n]+', ' ', "
                                           "'g'), 160) FROM {} WHERE regexp_replace(error_message, "
                                           "'\\d+', 'N', 'g') = {} GROUP BY "
                                           "line ORDER BY line LIMIT {}",
                                           rejects, Quoted(row[0]), kSamples)));
      for (const auto& sample : samples) {
        reason.samples.push_back(sample[0]);
      }
      out.part.broken += reason.rows;
      out.part.reasons.push_back(std::move(reason));
    }
    RETURN_IF_ERROR(database_.Execute(fmt::format("DROP TABLE {0}; DROP TABLE {0}_scan", rejects)));
  }
  out.file.rows_read = out.part.rows + out.part.broken;
  out.file.rejected = out.part.rejected + out.part.broken;
  out.file.ignored = out.part.ignored;
  out.file.accepted = out.file.rows_read - out.file.rejected - out.file.ignored;
  out.file.reasons = out.part.reasons;
  return Status::Ok();
}

Status FileImport::CheckAccepted(const Outcome& out) const {
  const ImportedFile& file = out.file;
  if (file.accepted > 0) {
    return Status::Ok();
  }
  if (file.rows_read == 0) {
    return FailedPrecondition(fmt::format(
        "{} holds no {} (only a header, or no row that meets the mapping's `where`); nothing was "
        "imported",
        file.path, file.table));
  }
  std::string why;
  for (const CountedReason& reason : file.reasons) {
    why += fmt::format("; {} rows: {}{}", reason.rows, reason.reason,
                       reason.samples.empty() ? "" : " (" + reason.samples.front() + ")");
  }
  return FailedPrecondition(fmt::format(
      "none of the {} rows of {} was accepted as {}: {} rejected, {} ignored by event_names{}. "
      "Correct "
      "the mapping '{}'; nothing was imported",
      file.rows_read, file.path, file.table, file.rejected, file.ignored, why, mapping_.name));
}

/// Files, their scans, and the manifest that will name their parts.
class ImportRun {
 public:
  ImportRun(Database& database, const ImportRequest& input, const Progress& progress)
      : database_(database), input_(input), progress_(progress) {}

  Status ReadAll(LakeManifest& manifest, const std::string& folder);

  data::ImportReport report;
  std::vector<std::pair<std::string, std::string>> written;  ///< temporary path, name in the lake

 private:
  Result<const FileScan*> Scan(const FileForSource& file);
  Status ReadOne(const FileForSource& file, LakeManifest& manifest, const std::string& folder);
  Database& database_;
  const ImportRequest& input_;
  const Progress& progress_;
  std::map<std::string, FileScan> scans_;
};

Result<const FileScan*> ImportRun::Scan(const FileForSource& file) {
  const auto found = scans_.find(file.path);
  if (found != scans_.end()) {
    return &found->second;
  }
  ASSIGN_OR_RETURN(FileScan scan, ScanFile(file.path, *file.source, progress_));
  return &scans_.emplace(file.path, std::move(scan)).first->second;
}

Status ImportRun::ReadOne(const FileForSource& file, LakeManifest& manifest,
                          const std::string& folder) {
  const std::string hash = input_.mapping.hash();
  const std::string table(data::TableKindName(file.source->table));
  ASSIGN_OR_RETURN(const FileScan* scan, Scan(file));
  const auto same_file = [&](const LakePart& part) {
    return part.source_sha256 == scan->sha256 && part.kind == table;
  };
  const auto earlier = std::find_if(manifest.parts.begin(), manifest.parts.end(), same_file);
  if (earlier != manifest.parts.end() && earlier->mapping_hash == hash) {
    ImportedFile done;
    done.path = file.path;
    done.table = table;
    done.sha256 = scan->sha256;
    done.bytes = scan->bytes;
    done.already_there = true;
    report.files.push_back(std::move(done));
    return Status::Ok();
  }
  const bool first =
      std::none_of(manifest.parts.begin(), manifest.parts.end(),
                   [&](const LakePart& part) { return part.kind == table && !same_file(part); });
  const std::int64_t number = manifest.next_part++;
  const std::string name = fmt::format("raw-{:06}-{}.parquet", number, table);
  FileImport import(database_, input_.mapping, progress_);
  // A catalogue without times holds since ever; a later one from its import on.
  ASSIGN_OR_RETURN(
      FileImport::Outcome outcome,
      import.Read(file, *scan, number, folder + "/" + name, first ? Micros{0} : input_.now));
  if (earlier != manifest.parts.end()) {
    outcome.file.replaced_earlier = true;
    std::erase_if(manifest.parts, same_file);
  }
  LakePart& part = outcome.part;
  part.number = number;
  part.path = "parts/" + name;
  part.kind = table;
  part.source = file.path;
  part.source_sha256 = scan->sha256;
  part.mapping = input_.mapping.name;
  part.mapping_hash = hash;
  part.time_taken = outcome.file.time_taken;
  ASSIGN_OR_RETURN(part.sha256, Sha256OfFile(folder + "/" + name));
  manifest.parts.push_back(std::move(part));
  written.emplace_back(folder + "/" + name, manifest.parts.back().path);
  report.files.push_back(std::move(outcome.file));
  return Status::Ok();
}

Status ImportRun::ReadAll(LakeManifest& manifest, const std::string& folder) {
  const auto start = std::chrono::steady_clock::now();
  report.mapping = input_.mapping.name;
  ASSIGN_OR_RETURN(const std::vector<FileForSource> files,
                   MatchFiles(input_.paths, input_.mapping));
  manifest.mappings[input_.mapping.hash()] = {input_.mapping.name, input_.mapping.text,
                                              input_.mapping.rules};
  for (const FileForSource& file : files) {
    RETURN_IF_ERROR(ReadOne(file, manifest, folder));
  }
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return Status::Ok();
}

}  // namespace

Result<data::ImportReport> ImportFiles(const LakeFolder& folder, Database& database,
                                       const ImportRequest& input, const Progress& progress) {
  ASSIGN_OR_RETURN(LakeManifest manifest, folder.ReadManifest());
  ImportRun run(database, input, progress);
  RETURN_IF_ERROR(run.ReadAll(manifest, folder.temporary()));
  for (const auto& [from, name] : run.written) {
    RETURN_IF_ERROR(folder.Adopt(from, name));
  }
  if (!run.written.empty()) {
    RETURN_IF_ERROR(folder.WriteManifest(manifest));
  }
  return std::move(run.report);
}

namespace {

/// What the read files would add to a contract.
Result<data::Contract> ContractOf(Database& database, const LakeManifest& read,
                                  const std::string& scratch) {
  std::vector<std::string> events;
  for (const LakePart& part : read.parts) {
    if (part.kind == "events") {
      events.push_back(scratch + part.path.substr(part.path.find('/')));
    }
  }
  ASSIGN_OR_RETURN(data::Contract out, MeasureContract(database, events));
  for (const LakePart& part : read.parts) {
    out.columns[part.mapping + "/" + part.kind] = part.columns;
  }
  return out;
}

}  // namespace

Result<data::ImportReport> CheckFiles(const std::string& scratch, Database& database,
                                      const ImportRequest& input,
                                      const std::optional<data::Contract>& contract,
                                      const Progress& progress) {
  LakeManifest read;
  ImportRun run(database, input, progress);
  RETURN_IF_ERROR(run.ReadAll(read, scratch));
  run.report.dry_run = true;
  if (contract) {
    ASSIGN_OR_RETURN(const data::Contract now, ContractOf(database, read, scratch));
    run.report.contract_changes = data::CompareContracts(*contract, now);
  }
  return std::move(run.report);
}

}  // namespace vitrine::duckdb
