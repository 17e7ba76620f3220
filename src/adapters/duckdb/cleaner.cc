#include "adapters/duckdb/cleaner.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "adapters/duckdb/clean_sql.h"
#include "adapters/duckdb/measure.h"
#include "core/event.h"
#include "core/sha256.h"

namespace vitrine::duckdb {
namespace {

namespace fs = std::filesystem;
using data::CleanOutcome;
using data::CleanReport;
using data::CleanRequest;
using data::Contract;
using data::LakeManifest;
using data::LakePart;
using data::Rule;
using data::RuleAction;
using data::SnapshotManifest;
using data::SnapshotPart;

constexpr std::size_t kSamples = 5;

/// Raw parts that are judged by one list of rules.
struct Group {
  std::string mapping;  ///< hash
  std::vector<std::string> paths;
  std::vector<Rule> rules;
  std::string where;
};

class SnapshotBuilder {
 public:
  SnapshotBuilder(const LakeFolder& folder, Database& database, const CleanRequest& request,
                  const Progress& progress)
      : folder_(folder), database_(database), request_(request), progress_(progress) {}

  Result<CleanOutcome> Build();

 private:
  struct Written {
    std::string temporary;
    std::string name;  ///< in parts/, or in the snapshot's folder for quarantine
    std::string kind;
  };

  Status Load();
  [[nodiscard]] bool IsNew(const LakePart& part) const;
  Result<std::vector<Group>> Groups();
  Result<std::vector<Group>> ReplayGroups();
  Status CheckRaw(const LakePart& part) const;
  std::vector<std::string> RawPaths(std::string_view kind) const;
  Status Judge(const Group& group, std::size_t number);
  Status CountRules(const CleanInput& input);
  Status Write(const Group& group, std::size_t number);
  Status WriteOne(const std::string& sql, const std::string& name, const std::string& kind);
  Status AddParts();
  Status AddCatalogue();
  Status Finish(CleanOutcome& out);
  Status CompareSchemas();
  Status Commit(CleanOutcome& out);

  const LakeFolder& folder_;
  Database& database_;
  const CleanRequest& request_;
  const Progress& progress_;
  LakeManifest lake_;
  std::optional<SnapshotManifest> parent_;
  bool full_ = false;
  std::int64_t number_ = 1;
  SnapshotManifest next_;
  CleanReport report_;
  Contract contract_;
  std::vector<Written> written_;
  std::vector<std::string> new_events_;  ///< temporary paths of this run's cleaned events
};

Status SnapshotBuilder::Load() {
  ASSIGN_OR_RETURN(lake_, folder_.ReadManifest());
  if (lake_.parts.empty()) {
    return FailedPrecondition(fmt::format(
        "the lake in {} is empty; import files first (vitrine-lake import) or take in the log "
        "(vitrine-lake log)",
        folder_.root()));
  }
  full_ = request_.full;
  if (!lake_.snapshots.empty()) {
    number_ = std::atoll(lake_.snapshots.back().c_str()) + 1;
    Result<SnapshotManifest> parent = folder_.ReadSnapshot(lake_.snapshots.back());
    if (parent.ok()) {
      parent_ = std::move(parent).value();
    } else if (!full_) {
      return parent.status();
    }
  }
  if (parent_) {
    // A raw part that is gone was replaced or erased: what was cleaned from it must go as well.
    std::set<std::int64_t> there;
    for (const LakePart& part : lake_.parts) {
      there.insert(part.number);
    }
    full_ = full_ || std::any_of(parent_->raw_parts.begin(), parent_->raw_parts.end(),
                                 [&](std::int64_t raw) { return !there.contains(raw); });
    next_.parent = parent_->id;
  }
  return Status::Ok();
}

bool SnapshotBuilder::IsNew(const LakePart& part) const {
  return full_ || !parent_ ||
         std::find(parent_->raw_parts.begin(), parent_->raw_parts.end(), part.number) ==
             parent_->raw_parts.end();
}

Status SnapshotBuilder::CheckRaw(const LakePart& part) const {
  const Result<std::string> hash = Sha256OfFile(folder_.PathOf(part.path));
  if (hash.ok() && *hash == part.sha256) {
    return Status::Ok();
  }
  return DataLoss(fmt::format(
      "the raw part {} {}; restore it from a backup{}", folder_.PathOf(part.path),
      hash.ok() ? "is damaged (its hash differs)" : "is missing",
      part.source == "log" ? ""
                           : ", or import " + part.source + " again into a new data directory"));
}

Result<std::vector<Group>> SnapshotBuilder::Groups() {
  std::map<std::string, Group> groups;
  for (const LakePart& part : lake_.parts) {
    if (part.kind != "events" || !IsNew(part)) {
      continue;
    }
    RETURN_IF_ERROR(CheckRaw(part));
    Group& group = groups[part.mapping_hash];
    group.mapping = part.mapping_hash;
    group.paths.push_back(folder_.PathOf(part.path));
    group.rules =
        request_.mapping ? request_.mapping->rules : lake_.mappings[part.mapping_hash].rules;
    ++report_.parts_read;
  }
  std::vector<Group> out;
  for (auto& [hash, group] : groups) {
    out.push_back(std::move(group));
  }
  return out;
}

Result<std::vector<Group>> SnapshotBuilder::ReplayGroups() {
  if (!parent_) {
    return FailedPrecondition(
        "there is no snapshot yet, so nothing is in quarantine; run clean first");
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> paths,
                   CheckedParts(folder_.root(), *parent_, "quarantine"));
  if (paths.empty()) {
    return std::vector<Group>();
  }
  ASSIGN_OR_RETURN(
      const auto mappings,
      database_.QueryTexts(fmt::format(
          "SELECT DISTINCT mapping FROM read_parquet({}) ORDER BY mapping", QuotedList(paths))));
  std::vector<Group> out;
  for (const auto& row : mappings) {
    Group group;
    group.mapping = row[0];
    group.paths = paths;
    group.rules = request_.mapping ? request_.mapping->rules : lake_.mappings[row[0]].rules;
    group.where = fmt::format("mapping = {}", Quoted(row[0]));
    out.push_back(std::move(group));
  }
  report_.parts_read = paths.size();
  return out;
}

std::vector<std::string> SnapshotBuilder::RawPaths(std::string_view kind) const {
  std::vector<std::string> out;
  for (const LakePart& part : lake_.parts) {
    if (part.kind == kind) {
      out.push_back(folder_.PathOf(part.path));
    }
  }
  return out;
}

Status SnapshotBuilder::Judge(const Group& group, std::size_t number) {
  CleanInput input;
  input.raw = group.paths;
  input.catalogue = RawPaths("items");
  input.users = RawPaths("users");
  input.rules = group.rules;
  input.as_of = request_.as_of;
  input.where = group.where;
  if (parent_ && !full_) {
    ASSIGN_OR_RETURN(input.earlier, CheckedParts(folder_.root(), *parent_, "events"));
  }
  for (const std::string& fresh : new_events_) {
    input.earlier.push_back(fresh);  // of the groups before this one
  }
  const std::vector<Statement> statements = JudgeSql(input);
  for (std::size_t i = 0; i < statements.size(); ++i) {
    progress_.report({.stage = "clean",
                      .done = static_cast<double>(i),
                      .total = static_cast<double>(statements.size()),
                      .unit = "steps",
                      .detail = statements[i].what});
    const Status done = database_.Execute(statements[i].sql);
    RETURN_IF_ERROR(done.ok() ? done : done.WithContext(statements[i].what));
  }
  RETURN_IF_ERROR(CountRules(input));
  return Write(group, number);
}

Status SnapshotBuilder::CountRules(const CleanInput& input) {
  ASSIGN_OR_RETURN(const auto counts, database_.QueryTexts(CountSql(input.rules)));
  const auto count = [&](std::size_t column) { return std::stoull(counts[0][column]); };
  report_.rows_read += count(0);
  report_.removed += count(1);
  report_.kept += count(0) - count(1);
  for (std::size_t i = 0; i < input.rules.size(); ++i) {
    const Rule& rule = input.rules[i];
    const std::uint64_t matched = count(2 + 2 * i);
    auto found = std::find_if(report_.rules.begin(), report_.rules.end(),
                              [&](const data::RuleCount& c) { return c.name == rule.name; });
    if (found == report_.rules.end()) {
      data::RuleCount fresh;
      fresh.name = rule.name;
      fresh.what = Describe(rule);
      fresh.action = data::RuleActionName(rule.action);
      fresh.note = rule.action == RuleAction::kOff ? "" : NotApplied(rule, input);
      found = report_.rules.insert(report_.rules.end(), std::move(fresh));
    }
    found->matched += matched;
    found->removed += count(3 + 2 * i);
    if (rule.action == RuleAction::kDefault || rule.action == RuleAction::kFill) {
      found->changed += matched;
    }
    if (matched > 0 && found->samples.size() < kSamples) {
      ASSIGN_OR_RETURN(const auto samples,
                       database_.QueryTexts(SampleSql(i, kSamples - found->samples.size())));
      for (const auto& sample : samples) {
        found->samples.push_back(sample[0]);
      }
    }
  }
  return Status::Ok();
}

Status SnapshotBuilder::WriteOne(const std::string& sql, const std::string& name,
                                 const std::string& kind) {
  const std::string path = folder_.temporary() + "/" + name;
  RETURN_IF_ERROR(database_.Execute(
      fmt::format("COPY ({}) TO {} (FORMAT parquet, COMPRESSION zstd)", sql, Quoted(path))));
  written_.push_back({path, name, kind});
  return Status::Ok();
}

Status SnapshotBuilder::Write(const Group& group, std::size_t number) {
  progress_.report(
      {.stage = "write", .done = 0, .total = 3, .unit = "files", .detail = "kept rows"});
  std::string flags;
  for (std::size_t i = 0; i < group.rules.size(); ++i) {
    if (group.rules[i].action == RuleAction::kFlag) {
      flags += fmt::format("{}{}", flags.empty() ? "" : " | ", std::uint64_t{1} << i);
    }
  }
  const std::string mask = flags.empty() ? "0" : "(" + flags + ")";
  const std::string kept = fmt::format(
      "SELECT {}, matched & {}::UBIGINT AS flags FROM judged WHERE removed_by IS NULL AND type "
      "{{}} {} "
      "ORDER BY subject, ordinal DESC, CASE WHEN ordinal THEN k ELSE ts END, k",
      CleanColumns(), mask, static_cast<int>(EventType::kImpression));
  const std::string stem = fmt::format("clean-{:06}-{}", number_, number);
  const std::string impressions_count =
      fmt::format("SELECT count(*) FROM judged WHERE removed_by IS NULL AND type = {}",
                  static_cast<int>(EventType::kImpression));
  const std::string events_count =
      fmt::format("SELECT count(*) FROM judged WHERE removed_by IS NULL AND type <> {}",
                  static_cast<int>(EventType::kImpression));
  ASSIGN_OR_RETURN(const std::int64_t events, database_.QueryInteger(events_count));
  ASSIGN_OR_RETURN(const std::int64_t impressions, database_.QueryInteger(impressions_count));
  if (events > 0) {
    RETURN_IF_ERROR(
        WriteOne(fmt::format(fmt::runtime(kept), "<>"), stem + "-events.parquet", "events"));
    new_events_.push_back(written_.back().temporary);
  }
  if (impressions > 0) {
    RETURN_IF_ERROR(WriteOne(fmt::format(fmt::runtime(kept), "="), stem + "-impressions.parquet",
                             "impressions"));
  }
  std::string reason = "CASE removed_by";
  for (std::size_t i = 0; i < group.rules.size(); ++i) {
    reason += fmt::format(" WHEN {} THEN {}", i, Quoted(group.rules[i].name));
  }
  return WriteOne(
      fmt::format("SELECT {}, {} AS mapping, {} END AS reason FROM judged WHERE removed_by "
                  "IS NOT NULL ORDER BY k",
                  CleanColumns(), Quoted(group.mapping), reason),
      fmt::format("quarantine-{}.parquet", number), "quarantine");
}

/// Hashes this run's files and lists them behind what the parent has.
Status SnapshotBuilder::AddParts() {
  if (parent_ && !full_) {
    for (const SnapshotPart& part : parent_->parts) {
      const bool replayed = request_.replay && part.kind == "quarantine";
      const bool cleaned = part.kind == "events" || part.kind == "quarantine" ||
                           (part.kind == "impressions" && part.path.starts_with("parts/clean-"));
      if (cleaned && !replayed) {
        next_.parts.push_back(part);
      }
    }
  }
  for (const Written& file : written_) {
    SnapshotPart part;
    part.path = (file.kind == "quarantine" ? "" : "parts/") + file.name;
    part.kind = file.kind;
    ASSIGN_OR_RETURN(part.sha256, Sha256OfFile(file.temporary));
    ASSIGN_OR_RETURN(const std::int64_t rows,
                     database_.QueryInteger(fmt::format("SELECT count(*) FROM read_parquet({})",
                                                        Quoted(file.temporary))));
    part.rows = static_cast<std::uint64_t>(rows);
    next_.parts.push_back(std::move(part));
  }
  return AddCatalogue();
}

/// The catalogue, and what the log says of impressions and erasures, are taken as they are.
Status SnapshotBuilder::AddCatalogue() {
  for (const LakePart& part : lake_.parts) {
    next_.raw_parts.push_back(part.number);
    if (part.kind != "events") {
      RETURN_IF_ERROR(CheckRaw(part));
      next_.parts.push_back({part.path, part.kind, part.sha256, part.rows});
    }
  }
  return Status::Ok();
}

Status SnapshotBuilder::CompareSchemas() {
  ASSIGN_OR_RETURN(Contract fresh, MeasureContract(database_, new_events_));
  for (const LakePart& part : lake_.parts) {
    if (IsNew(part) && !part.columns.empty()) {
      fresh.columns[part.mapping + "/" + part.kind] = part.columns;
    }
  }
  contract_ = fresh;
  if (!parent_) {
    return Status::Ok();
  }
  const std::string path = folder_.SnapshotFolder(parent_->id) + "/contract.json";
  const Result<std::string> text = ReadWholeFile(path);
  if (!text.ok() && full_) {
    return Status::Ok();
  }
  RETURN_IF_ERROR(text.status());
  ASSIGN_OR_RETURN(const Contract before, Contract::Parse(*text, path));
  if (!request_.replay) {
    report_.schema_changes = data::CompareContracts(before, fresh);
  }
  if (!full_) {
    contract_ = data::MergeContracts(before, fresh);
  }
  return Status::Ok();
}

Status SnapshotBuilder::Finish(CleanOutcome& out) {
  RETURN_IF_ERROR(CompareSchemas());
  RETURN_IF_ERROR(AddParts());
  // Parts get their places before they are measured; the manifest that names them comes last.
  for (const Written& file : written_) {
    if (file.kind != "quarantine") {
      RETURN_IF_ERROR(folder_.Adopt(file.temporary, "parts/" + file.name));
    }
  }
  RETURN_IF_ERROR(MeasureSnapshot(database_, folder_.root(), next_, report_.net_rows));
  if (next_.rows == 0 && next_.catalogue_items == 0) {
    return FailedPrecondition(
        "no row is left after cleaning:\n" + report_.ToText() +
        "Change the rules of the mapping that remove everything; the earlier snapshot stands");
  }
  return Commit(out);
}

Status SnapshotBuilder::Commit(CleanOutcome& out) {
  next_.log_watermark = lake_.log_watermark;
  next_.hash = next_.ComputeHash();
  next_.id = fmt::format("{:06}-{}", number_, next_.hash.substr(0, 12));
  next_.created = Now();
  const std::string relative = "snapshots/" + next_.id;
  const std::string folder = folder_.PathOf(relative);
  std::error_code error;
  fs::remove_all(folder, error);
  fs::create_directories(folder, error);
  for (SnapshotPart& part : next_.parts) {
    if (part.path.starts_with("quarantine-")) {
      part.path = relative + "/" + part.path;
    }
  }
  for (const Written& file : written_) {
    if (file.kind == "quarantine") {
      RETURN_IF_ERROR(folder_.Adopt(file.temporary, relative + "/" + file.name));
    }
  }
  report_.snapshot = next_.id;
  report_.parent = next_.parent;
  report_.total_rows = next_.rows;
  report_.total_users = next_.users;
  report_.total_items = next_.items;
  report_.total_catalogue = next_.catalogue_items;
  report_.total_impressions = next_.impressions;
  report_.returns = next_.returns;
  report_.replacements = next_.replacements;
  report_.identities = next_.identities;
  report_.window_from = next_.window_from;
  report_.window_to = next_.window_to;
  report_.ordinal_time = next_.ordinal_time;
  RETURN_IF_ERROR(WriteDurably(folder + "/report.json", report_.ToJson()));
  RETURN_IF_ERROR(WriteDurably(folder + "/report.txt", report_.ToText()));
  RETURN_IF_ERROR(WriteDurably(folder + "/contract.json", contract_.ToJson()));
  RETURN_IF_ERROR(WriteDurably(folder + "/manifest.json", next_.ToJson()));
  const bool forget = lake_.erasure_pending;
  if (forget) {
    lake_.snapshots.clear();  // they still hold the erased subject's rows
    lake_.erasure_pending = false;
  }
  lake_.snapshots.push_back(next_.id);
  RETURN_IF_ERROR(folder_.WriteManifest(lake_));
  if (forget) {
    RETURN_IF_ERROR(folder_.Sweep());
  }
  out.report = report_;
  out.folder = folder;
  return Status::Ok();
}

Result<CleanOutcome> SnapshotBuilder::Build() {
  const auto start = std::chrono::steady_clock::now();
  CleanOutcome out;
  RETURN_IF_ERROR(Load());
  report_.as_of = request_.as_of;
  report_.full = full_;
  const bool anything = std::any_of(lake_.parts.begin(), lake_.parts.end(),
                                    [this](const LakePart& part) { return IsNew(part); });
  if (!anything && !request_.replay && parent_) {
    out.unchanged = true;
    out.folder = folder_.SnapshotFolder(parent_->id);
    return out;
  }
  std::vector<Group> groups;
  if (request_.replay) {
    ASSIGN_OR_RETURN(groups, ReplayGroups());
  } else {
    ASSIGN_OR_RETURN(groups, Groups());
  }
  if (parent_ && !full_) {
    next_.rules = parent_->rules;
  }
  for (std::size_t i = 0; i < groups.size(); ++i) {
    next_.rules[groups[i].mapping] = groups[i].rules;
    RETURN_IF_ERROR(Judge(groups[i], i + 1));
  }
  report_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  RETURN_IF_ERROR(Finish(out));
  return out;
}

}  // namespace

Result<CleanOutcome> MakeSnapshot(const LakeFolder& folder, Database& database,
                                  const CleanRequest& request, const Progress& progress) {
  return SnapshotBuilder(folder, database, request, progress).Build();
}

}  // namespace vitrine::duckdb
