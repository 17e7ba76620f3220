#include "adapters/duckdb/log_ingest.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "adapters/duckdb/table_writer.h"
#include "core/sha256.h"
#include "data/attributes_json.h"

namespace vitrine::duckdb {
namespace {

using data::LakeManifest;
using data::LakePart;
using data::LogIngested;
using data::LogRecord;
using nlohmann::json;

constexpr std::size_t kBatch = 10'000;
constexpr std::string_view kMappingName = "log";

constexpr std::string_view kEventColumns =
    "part INTEGER, row BIGINT, line INTEGER, reject VARCHAR, ignored BOOLEAN, event_name VARCHAR, "
    "type "
    "UTINYINT, event_id VARCHAR, own_id BOOLEAN, user_id VARCHAR, anonymous_id VARCHAR, item_id "
    "VARCHAR, ts BIGINT, quantity DOUBLE, price DOUBLE, position INTEGER, currency VARCHAR, "
    "order_id "
    "VARCHAR, scene VARCHAR, request_id VARCHAR, query VARCHAR, experiment VARCHAR, seconds "
    "DOUBLE, "
    "rating DOUBLE, replaces VARCHAR, ordinal BOOLEAN";
constexpr std::string_view kImpressionColumns =
    ", score DOUBLE, source VARCHAR, route VARCHAR, model VARCHAR, fallback VARCHAR, personalised "
    "BOOLEAN, history VARCHAR";
constexpr std::string_view kItemColumns =
    "part INTEGER, row BIGINT, reject VARCHAR, valid_from BIGINT, id VARCHAR, title VARCHAR, "
    "description VARCHAR, brand VARCHAR, categories VARCHAR[], price DOUBLE, currency VARCHAR, "
    "stock "
    "DOUBLE, tags VARCHAR[], image_url VARCHAR, hidden BOOLEAN, vectors VARCHAR, deleted BOOLEAN, "
    "attributes VARCHAR";
constexpr std::string_view kUserColumns =
    "part INTEGER, row BIGINT, reject VARCHAR, valid_from BIGINT, id VARCHAR, attributes VARCHAR";

/// One table of raw rows that grow into one part.
struct Kind {
  const char* name;
  std::string columns;
  std::int64_t part = 0;
  std::uint64_t rows = 0;
  std::unique_ptr<TableWriter> writer;
};

class LogIngester {
 public:
  LogIngester(const LakeFolder& folder, Database& database, const Progress& progress)
      : folder_(folder), database_(database), progress_(progress) {}

  Result<LogIngested> Run(const data::ReadLog& read);

 private:
  Status Open(Kind& kind);
  void Add(const LogRecord& record);
  void AddEvent(std::int64_t row, const Event& event);
  void AddLine(std::int64_t row, const Event& event, std::int32_t line, const EventItem* item);
  void AddImpression(std::int64_t row, const Impression& impression);
  void AddItem(const LogRecord& record, const Item& item, bool deleted);
  void AddUser(const LogRecord& record, const User& user);
  Status DropErasedRows();
  Status RewriteErasedParts();
  Status RewritePart(LakePart& part, const std::string& condition);
  Status Finish(Kind& kind, std::uint64_t first, std::uint64_t last);

  const LakeFolder& folder_;
  Database& database_;
  const Progress& progress_;
  LakeManifest manifest_;
  Kind events_{.name = "events", .columns = std::string(kEventColumns)};
  Kind impressions_{.name = "impressions",
                    .columns = std::string(kEventColumns) + std::string(kImpressionColumns)};
  Kind items_{.name = "items", .columns = std::string(kItemColumns)};
  Kind users_{.name = "users", .columns = std::string(kUserColumns)};
  std::vector<std::pair<std::string, std::uint64_t>> erased_;  ///< subject, sequence
  std::vector<std::pair<std::string, std::string>> written_;   ///< temporary path, name in the lake
};

Status LogIngester::Open(Kind& kind) {
  kind.part = manifest_.next_part++;
  const std::string table = fmt::format("log_{}", kind.name);
  RETURN_IF_ERROR(database_.Execute(fmt::format("CREATE TABLE {} ({})", table, kind.columns)));
  kind.writer = std::make_unique<TableWriter>(database_, table);
  return Status::Ok();
}

/// The columns of a cleaned row's raw form, up to `ordinal`.
void AppendLine(TableWriter& to, std::int64_t part, std::int64_t row, std::int32_t line,
                const Event& event, const EventItem* item) {
  const auto number = [&to](double value, double none) {
    value == none ? to.Null() : to.Number(value);
  };
  to.Integer(part);
  to.Integer(row);
  to.Integer(line);
  to.Null();
  to.Flag(false);
  to.Null();
  to.Integer(static_cast<int>(event.type));
  to.Text(event.event_id);
  to.Flag(!event.event_id.empty());
  to.Text(event.user_id);
  to.Text(event.anonymous_id);
  to.Text(item == nullptr ? std::string_view() : std::string_view(item->item_id));
  to.Integer(event.ts.value);
  number(item == nullptr ? 0 : item->quantity, 0);
  number(item == nullptr ? 0 : item->price, 0);
  item == nullptr || item->position < 0 ? to.Null() : to.Integer(item->position);
  to.Text(event.currency);
  to.Text(event.order_id);
  to.Text(event.scene);
  to.Text(event.request_id);
  to.Text(event.query);
  to.Text(event.experiment);
  number(event.seconds, 0);
  number(event.rating, 0);
  to.Text(event.replaces);
  to.Flag(false);
}

void LogIngester::AddLine(std::int64_t row, const Event& event, std::int32_t line,
                          const EventItem* item) {
  AppendLine(*events_.writer, events_.part, row, line, event, item);
  events_.writer->EndRow();
  ++events_.rows;
}

void LogIngester::AddEvent(std::int64_t row, const Event& event) {
  if (event.items.empty()) {
    AddLine(row, event, 0, nullptr);
  }
  for (std::size_t line = 0; line < event.items.size(); ++line) {
    AddLine(row, event, static_cast<std::int32_t>(line), &event.items[line]);
  }
}

void LogIngester::AddImpression(std::int64_t row, const Impression& impression) {
  Event event;
  event.type = EventType::kImpression;
  event.event_id = impression.request_id;
  event.request_id = impression.request_id;
  event.user_id = impression.subject;
  event.ts = impression.ts;
  event.scene = impression.scene;
  event.query = impression.query;
  event.seconds = impression.seconds;
  json history = json::array();
  for (const SeenEvent& seen : impression.history) {
    history.push_back({seen.item_id, seen.ts.value, static_cast<int>(seen.type), seen.basket});
  }
  TableWriter& to = *impressions_.writer;
  for (std::size_t place = 0; place < impression.items.size(); ++place) {
    const ShownItem& shown = impression.items[place];
    const EventItem item{.item_id = shown.item_id, .position = static_cast<std::int32_t>(place)};
    AppendLine(to, impressions_.part, row, static_cast<std::int32_t>(place), event, &item);
    to.Number(shown.score);
    to.Text(shown.source);
    to.Text(impression.route);
    to.Text(CountedModel(impression));
    to.Text(impression.fallback);
    to.Flag(impression.personalised);
    to.Text(place == 0 && !impression.history.empty() ? history.dump() : std::string());
    to.EndRow();
    ++impressions_.rows;
  }
}

void LogIngester::AddItem(const LogRecord& record, const Item& item, bool deleted) {
  TableWriter& to = *items_.writer;
  to.Integer(items_.part);
  to.Integer(static_cast<std::int64_t>(record.sequence));
  to.Null();
  to.Integer(item.valid_from.value == 0 ? record.received.value : item.valid_from.value);
  to.Text(item.id);
  to.Text(item.title);
  to.Text(item.description);
  to.Text(item.brand);
  to.Texts(item.categories);
  item.price == 0 ? to.Null() : to.Number(item.price);
  to.Text(item.currency);
  item.stock < 0 ? to.Null() : to.Number(item.stock);
  to.Texts(item.tags);
  to.Text(item.image_url);
  to.Flag(item.hidden);
  to.Text(item.vectors.empty() ? std::string() : json(item.vectors).dump());
  to.Flag(deleted);
  to.Text(item.attributes.empty() ? std::string() : data::AttributesToJson(item.attributes));
  to.EndRow();
  ++items_.rows;
}

void LogIngester::AddUser(const LogRecord& record, const User& user) {
  TableWriter& to = *users_.writer;
  to.Integer(users_.part);
  to.Integer(static_cast<std::int64_t>(record.sequence));
  to.Null();
  to.Integer(user.valid_from.value == 0 ? record.received.value : user.valid_from.value);
  to.Text(user.id);
  to.Text(data::AttributesToJson(user.attributes));
  to.EndRow();
  ++users_.rows;
}

void LogIngester::Add(const LogRecord& record) {
  const auto row = static_cast<std::int64_t>(record.sequence);
  if (const auto* event = std::get_if<Event>(&record.body)) {
    AddEvent(row, *event);
  } else if (const auto* impression = std::get_if<Impression>(&record.body)) {
    AddImpression(row, *impression);
  } else if (const auto* item = std::get_if<Item>(&record.body)) {
    AddItem(record, *item, false);
  } else if (const auto* user = std::get_if<User>(&record.body)) {
    AddUser(record, *user);
  } else if (const auto* deletion = std::get_if<data::ItemDeletion>(&record.body)) {
    Item gone;
    gone.id = deletion->id;
    gone.valid_from = deletion->ts;
    AddItem(record, gone, true);
  } else if (const auto* erasure = std::get_if<data::UserErasure>(&record.body)) {
    erased_.emplace_back(erasure->subject, record.sequence);
  }
}

/// Rows of this run that came before their subject's erasure.
Status LogIngester::DropErasedRows() {
  for (const auto& [subject, sequence] : erased_) {
    for (const char* table : {"log_events", "log_impressions"}) {
      RETURN_IF_ERROR(database_.Execute(
          fmt::format("DELETE FROM {0} WHERE row < {1} AND (user_id = {2} OR anonymous_id = {2})",
                      table, sequence, Quoted(subject))));
    }
    RETURN_IF_ERROR(database_.Execute(fmt::format(
        "DELETE FROM log_users WHERE row < {} AND id = {}", sequence, Quoted(subject))));
  }
  for (Kind* kind : {&events_, &impressions_, &items_, &users_}) {
    ASSIGN_OR_RETURN(const std::int64_t rows, database_.QueryInteger(fmt::format(
                                                  "SELECT count(*) FROM log_{}", kind->name)));
    kind->rows = static_cast<std::uint64_t>(rows);
  }
  return Status::Ok();
}

Status LogIngester::RewritePart(LakePart& part, const std::string& condition) {
  const std::string old_path = folder_.PathOf(part.path);
  ASSIGN_OR_RETURN(const std::int64_t hits, database_.QueryInteger(fmt::format(
                                                "SELECT count(*) FROM read_parquet({}) WHERE {}",
                                                Quoted(old_path), condition)));
  if (hits == 0) {
    return Status::Ok();
  }
  part.number = manifest_.next_part++;
  part.path = fmt::format("parts/raw-{:06}-{}.parquet", part.number, part.kind);
  part.rows -= static_cast<std::uint64_t>(hits);
  manifest_.erasure_pending = true;
  const std::string path = fmt::format("{}/erased-{}.parquet", folder_.temporary(), part.number);
  RETURN_IF_ERROR(database_.Execute(fmt::format(
      "COPY (SELECT * FROM read_parquet({}) WHERE ({}) IS NOT TRUE) TO {} (FORMAT parquet, "
      "COMPRESSION zstd)",
      Quoted(old_path), condition, Quoted(path))));
  ASSIGN_OR_RETURN(part.sha256, Sha256OfFile(path));
  written_.emplace_back(path, part.path);
  return Status::Ok();
}

/// Every earlier raw part loses the subject's rows; the next snapshot is built anew from them.
Status LogIngester::RewriteErasedParts() {
  if (erased_.empty()) {
    return Status::Ok();
  }
  std::vector<std::string> subjects;
  for (const auto& erasure : erased_) {
    subjects.push_back(Quoted(erasure.first));
  }
  const std::string list = fmt::format("{}", fmt::join(subjects, ", "));
  for (LakePart& part : manifest_.parts) {
    if (part.kind == "events" || part.kind == "impressions") {
      RETURN_IF_ERROR(
          RewritePart(part, fmt::format("user_id IN ({0}) OR anonymous_id IN ({0})", list)));
    } else if (part.kind == "users") {
      RETURN_IF_ERROR(RewritePart(part, fmt::format("id IN ({})", list)));
    }
  }
  return Status::Ok();
}

Status LogIngester::Finish(Kind& kind, std::uint64_t first, std::uint64_t last) {
  if (kind.rows == 0) {
    return Status::Ok();
  }
  const bool rows_of_events =
      kind.name == std::string_view("events") || kind.name == std::string_view("impressions");
  const std::string content =
      rows_of_events
          ? ", md5_number_lower(coalesce(event_id, 'log-' || row) || ' ' || line) AS content"
          : "";
  LakePart part;
  part.number = kind.part;
  part.path = fmt::format("parts/raw-{:06}-{}.parquet", kind.part, kind.name);
  part.kind = kind.name;
  part.rows = kind.rows;
  part.source = "log";
  part.mapping = kMappingName;
  part.mapping_hash = kMappingName;
  part.time_taken = "as the interface took them";
  part.log_first = first;
  part.log_last = last;
  const std::string path = fmt::format("{}/log-{}.parquet", folder_.temporary(), kind.part);
  RETURN_IF_ERROR(database_.Execute(fmt::format(
      "COPY (SELECT *{} FROM log_{} ORDER BY row) TO {} (FORMAT parquet, COMPRESSION zstd)",
      content, kind.name, Quoted(path))));
  ASSIGN_OR_RETURN(part.sha256, Sha256OfFile(path));
  written_.emplace_back(path, part.path);
  manifest_.parts.push_back(std::move(part));
  return Status::Ok();
}

Result<LogIngested> LogIngester::Run(const data::ReadLog& read) {
  ASSIGN_OR_RETURN(manifest_, folder_.ReadManifest());
  for (Kind* kind : {&events_, &impressions_, &items_, &users_}) {
    RETURN_IF_ERROR(Open(*kind));
  }
  LogIngested out;
  const std::uint64_t before = manifest_.log_watermark;
  std::uint64_t first = 0;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<LogRecord> records, read(manifest_.log_watermark, kBatch));
    if (records.empty()) {
      break;
    }
    if (progress_.cancelled()) {
      return Cancelled("stopped on request; nothing was changed");
    }
    first = first == 0 ? records.front().sequence : first;
    for (const LogRecord& record : records) {
      Add(record);
    }
    out.records += records.size();
    manifest_.log_watermark = records.back().sequence;
    progress_.report({.stage = "read log",
                      .done = static_cast<double>(out.records),
                      .unit = "records",
                      .detail = fmt::format("up to {}", manifest_.log_watermark)});
  }
  for (Kind* kind : {&events_, &impressions_, &items_, &users_}) {
    RETURN_IF_ERROR(kind->writer->Close());
  }
  out.watermark = manifest_.log_watermark;
  if (manifest_.log_watermark == before) {
    return out;
  }
  RETURN_IF_ERROR(DropErasedRows());
  RETURN_IF_ERROR(RewriteErasedParts());
  for (Kind* kind : {&events_, &impressions_, &items_, &users_}) {
    RETURN_IF_ERROR(Finish(*kind, first, manifest_.log_watermark));
  }
  data::MappingRecord& record = manifest_.mappings[std::string(kMappingName)];
  record.name = kMappingName;
  ASSIGN_OR_RETURN(record.rules, data::CompleteRules({}, true, false));
  for (const auto& [from, name] : written_) {
    RETURN_IF_ERROR(folder_.Adopt(from, name));
  }
  RETURN_IF_ERROR(folder_.WriteManifest(manifest_));
  out.event_rows = events_.rows;
  out.impression_rows = impressions_.rows;
  out.item_rows = items_.rows;
  out.user_rows = users_.rows;
  out.erased_subjects = erased_.size();
  return out;
}

}  // namespace

Result<LogIngested> IngestLog(const LakeFolder& folder, Database& database,
                              const data::ReadLog& read, const Progress& progress) {
  return LogIngester(folder, database, progress).Run(read);
}

}  // namespace vitrine::duckdb
