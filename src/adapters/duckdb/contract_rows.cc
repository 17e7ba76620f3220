#include "adapters/duckdb/contract_rows.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "adapters/duckdb/contract_sql.h"
#include "adapters/duckdb/duck_lake.h"
#include "adapters/duckdb/scratch_folder.h"
#include "monitor/contract/event_fields.h"

namespace vitrine::duckdb {
namespace {

using data::LakePart;
using monitor::ContractWindow;

constexpr std::int64_t kHour = 3'600 * kMicrosPerSecond;
/// Hours that are laid out at most: a row of the year 2200 must not ask for all that lie between.
constexpr std::int64_t kMostHours = 24 * 366 * 2;

double NumberOf(const std::string& text) { return text.empty() ? 0 : std::stod(text); }

}  // namespace

struct ContractRows::State {
  ContractRowsOptions options;
  ScratchFolder scratch;
  std::unique_ptr<Database> database;
  ContractInput input;
  RefusedRows refused;
  std::map<std::string, std::vector<data::SourceColumn>, std::less<>> columns;
  std::map<std::int64_t, std::string> sources;  ///< by part
  std::string name;
  bool ordinal = false;
  Micros first, last;  ///< hours of the range, the last one exclusive

  Status TakeParts(const std::string& root, const std::vector<LakePart>& parts);
  Status TakeLake();
  Status TakeFiles(const Progress& progress);
  Status ReadRows(const Progress& progress);
};

Status ContractRows::State::TakeParts(const std::string& root, const std::vector<LakePart>& parts) {
  for (const LakePart& part : parts) {
    const std::string path = root + "/" + part.path;
    if (part.kind == "events") {
      input.events.push_back(path);
      sources[part.number] = part.mapping == "log" ? "log" : part.mapping + ": " + part.source;
      ordinal = ordinal || part.ordinal;
      refused.rows += static_cast<double>(part.rows + part.broken - part.ignored);
      refused.refused += static_cast<double>(part.rejected + part.broken);
      if (!part.reasons.empty()) {
        refused.example = part.reasons.front().reason;
      }
    } else if (part.kind == "items") {
      input.items.push_back(path);
    } else if (part.kind == "users") {
      input.users.push_back(path);
    }
    if (!part.columns.empty()) {
      columns[part.mapping + "/" + part.kind] = part.columns;
    }
  }
  return Status::Ok();
}

Status ContractRows::State::TakeLake() {
  const auto lake = OpenDuckLake(options.data_dir, {});
  ASSIGN_OR_RETURN(const data::LakeManifest manifest, lake->Manifest());
  ASSIGN_OR_RETURN(const data::SnapshotManifest snapshot, lake->Snapshot(options.snapshot));
  std::vector<LakePart> parts;
  for (const LakePart& part : manifest.parts) {
    if (std::find(snapshot.raw_parts.begin(), snapshot.raw_parts.end(), part.number) !=
        snapshot.raw_parts.end()) {
      parts.push_back(part);
    }
  }
  name = "lake:" + snapshot.id;
  return TakeParts(options.data_dir + "/lake", parts);
}

Status ContractRows::State::TakeFiles(const Progress& progress) {
  const auto lake = OpenDuckLake(
      scratch.path(), {.memory_limit_mb = options.memory_limit_mb, .threads = options.threads});
  data::ImportRequest request;
  request.paths = options.files;
  request.mapping = options.mapping;
  request.now = Now();
  ASSIGN_OR_RETURN(const data::ImportReport report, lake->Import(request, progress));
  ASSIGN_OR_RETURN(const data::LakeManifest manifest, lake->Manifest());
  name = options.files.front();
  RETURN_IF_ERROR(TakeParts(scratch.path() + "/lake", manifest.parts));
  // What the files do not bring is what the lake has.
  const auto own = OpenDuckLake(options.data_dir, {})->Manifest();
  if (own.ok()) {
    const bool no_items = input.items.empty();
    const bool no_users = input.users.empty();
    for (const LakePart& part : own->parts) {
      const std::string path = options.data_dir + "/lake/" + part.path;
      if (part.kind == "items" && no_items) {
        input.items.push_back(path);
      } else if (part.kind == "users" && no_users) {
        input.users.push_back(path);
      }
    }
  }
  return Status::Ok();
}

Status ContractRows::State::ReadRows(const Progress& progress) {
  if (input.events.empty()) {
    return FailedPrecondition(fmt::format("{} holds no events", name));
  }
  progress.report({.stage = "read", .done = 0, .total = 1, .unit = "tables", .detail = name});
  input.from = options.from;
  input.until = options.until;
  RETURN_IF_ERROR(database->Execute(ContractRowsSql(input)));
  // Without bounds of its own, a longer range than can be laid out is that of all rows but the outermost.
  ASSIGN_OR_RETURN(
      const auto range,
      database->QueryTexts("SELECT count(*), min(hour), max(hour), quantile_disc(hour, 0.005), "
                           "quantile_disc(hour, 0.995) FROM contract_rows WHERE hour IS NOT NULL"));
  if (range.at(0).at(0) == "0") {
    return FailedPrecondition(
        fmt::format("{} holds no event in the range that was asked for", name));
  }
  const bool wide = std::stoll(range[0][2]) - std::stoll(range[0][1]) > kMostHours;
  first = {std::stoll(range[0][wide ? 3 : 1]) * kHour};
  last = {(std::stoll(range[0][wide ? 4 : 2]) + 1) * kHour};
  // Whole days, so that a day that began late is seen to lack its morning.
  first.value =
      (options.from.value != 0 ? options.from.value : first.value) / kMicrosPerDay * kMicrosPerDay;
  const std::int64_t end = options.until.value != 0 ? options.until.value : last.value;
  last.value = (end + kMicrosPerDay - 1) / kMicrosPerDay * kMicrosPerDay;
  first.value = std::max(
      first.value, last.value - kMostHours * kHour);  // the newest, where it is still too long
  return Status::Ok();
}

ContractRows::ContractRows(std::unique_ptr<State> state) : state_(std::move(state)) {}
ContractRows::~ContractRows() = default;

Result<std::unique_ptr<ContractRows>> ContractRows::Open(const ContractRowsOptions& options,
                                                         const Progress& progress) {
  auto state = std::make_unique<State>();
  state->options = options;
  RETURN_IF_ERROR(state->scratch.Make("contract"));
  ASSIGN_OR_RETURN(state->database,
                   Database::Open({.memory_limit_mb = options.memory_limit_mb,
                                   .threads = options.threads,
                                   .temporary_directory = state->scratch.path() + "/spill"}));
  state->database->CancelWith(progress.stop);
  RETURN_IF_ERROR(options.files.empty() ? state->TakeLake() : state->TakeFiles(progress));
  RETURN_IF_ERROR(state->ReadRows(progress));
  return std::unique_ptr<ContractRows>(new ContractRows(std::move(state)));
}

Result<monitor::FeedFacts> ContractRows::Facts() {
  monitor::FeedFacts out;
  out.catalogue = !state_->input.items.empty();
  out.users = !state_->input.users.empty();
  out.ordinal = state_->ordinal;
  out.columns = state_->columns;
  ASSIGN_OR_RETURN(const auto rows, state_->database->QueryTexts(FactsSql()));
  constexpr std::size_t kNumbers = 5;
  for (const auto& row : rows) {
    monitor::EventFacts event{.event = row.at(0), .rows = NumberOf(row.at(1)), .fields = {}};
    for (std::size_t f = 0; f < FactFields().size(); ++f) {
      const std::size_t at = 2 + kNumbers * f;
      monitor::FieldFacts field{.field = static_cast<monitor::EventField>(f),
                                .present = NumberOf(row.at(at)),
                                .positive = NumberOf(row.at(at + 1)),
                                .low = NumberOf(row.at(at + 2)),
                                .high = NumberOf(row.at(at + 3)),
                                .digits = NumberOf(row.at(at + 4)),
                                .levels = {}};
      if (event.event.empty() && field.present > 0 && !monitor::IsNumber(field.field) &&
          !monitor::IsId(field.field)) {
        ASSIGN_OR_RETURN(const auto levels,
                         state_->database->QueryTexts(fmt::format(
                             "SELECT {0}, count(*) FROM contract_rows WHERE {0} IS NOT NULL GROUP "
                             "BY 1 ORDER BY 2 DESC, 1 LIMIT {1}",
                             Named(FactFields()[f]), monitor::kMostLevels + 1)));
        if (levels.size() <= monitor::kMostLevels) {
          for (const auto& level : levels) {
            field.levels[level[0]] = NumberOf(level[1]);
          }
        }
      }
      event.fields.push_back(std::move(field));
    }
    if (event.event.empty()) {
      out.from.rows = static_cast<std::uint64_t>(event.rows);
    }
    out.events.push_back(std::move(event));
  }
  out.from.source = state_->name;
  out.from.from = state_->first;
  out.from.until = state_->last;
  return out;
}

Result<std::vector<ContractWindow>> ContractRows::Count(const monitor::DataContract& contract) {
  std::vector<CountColumn> columns;
  ASSIGN_OR_RETURN(Rows rows, state_->database->Query(CountSql(contract, columns)));
  std::vector<ContractWindow> out;
  const Micros first_day{state_->first.value + kMicrosPerDay};
  const Micros last_day{state_->last.value - kMicrosPerDay};
  const Micros from = state_->options.from;
  const Micros until = state_->options.until;
  const bool begins_whole = from.value != 0 && from.value % kMicrosPerDay == 0;
  const bool ends_whole = until.value != 0 && until.value % kMicrosPerDay == 0;
  for (Micros at = state_->first; at < state_->last; at.value += kHour) {
    const bool edge = (!begins_whole && at < first_day) || (!ends_whole && at >= last_day);
    out.push_back({.from = at, .whole = !edge, .rules = {}, .examples = {}});
    out.back().rules.resize(contract.rules.size());
  }
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) {
      return out;
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::int64_t hour = rows.Integer(0, i);
      const std::int64_t place = hour - state_->first.value / kHour;
      if (place < 0 || place >= static_cast<std::int64_t>(out.size())) {
        continue;
      }
      for (std::size_t c = 0; c < columns.size(); ++c) {
        out[static_cast<std::size_t>(place)].rules[columns[c].rule].*columns[c].number =
            rows.Number(c + 1, i);
      }
    }
  }
}

Result<std::string> ContractRows::ExampleOf(const monitor::ContractRule& rule, monitor::Grain grain,
                                            Micros window) {
  const RuleSql sql = SqlOf(rule);
  if (sql.hit == "false") {
    return std::string();
  }
  const std::int64_t hours = grain == monitor::Grain::kDay ? 24 : 1;
  const std::int64_t from = window.value / kHour;
  ASSIGN_OR_RETURN(const auto found,
                   state_->database->QueryTexts(fmt::format(
                       "SELECT {} FROM contract_rows WHERE hour >= {} AND hour < {} AND {} AND {} "
                       "ORDER BY ts DESC LIMIT 1",
                       ExampleSql(), from, from + hours, sql.about, sql.hit)));
  return found.empty() ? std::string() : found[0][0];
}

const RefusedRows& ContractRows::refused() const { return state_->refused; }

const std::map<std::string, std::vector<data::SourceColumn>, std::less<>>& ContractRows::columns()
    const {
  return state_->columns;
}

Result<std::map<std::string, Micros>> ContractRows::Newest() {
  std::map<std::string, Micros> out;
  ASSIGN_OR_RETURN(const auto rows, state_->database->QueryTexts(
                                        "SELECT part, max(ts) FROM contract_rows GROUP BY part"));
  for (const auto& row : rows) {
    const auto source = state_->sources.find(std::stoll(row[0]));
    if (source != state_->sources.end() && !row[1].empty()) {
      Micros& newest = out[source->second];
      newest = std::max(newest, Micros{std::stoll(row[1])});
    }
  }
  return out;
}

}  // namespace vitrine::duckdb
