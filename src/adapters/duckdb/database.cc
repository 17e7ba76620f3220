#include "adapters/duckdb/database.h"

#include <duckdb.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>
#include <thread>

#include <fmt/format.h>

namespace vitrine::duckdb {
namespace {

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// DuckDB's failure in our codes, with what to do about it.
Status Failure(duckdb_error_type type, std::string_view message) {
  const std::string text(message);
  if (type == DUCKDB_ERROR_INTERRUPT || Contains(message, "INTERRUPT Error")) {
    return Cancelled("stopped on request; nothing was changed");
  }
  if (Contains(message, "No space left on device") ||
      Contains(message, "max_temp_directory_size")) {
    return ResourceExhausted("the disk is full: " + text +
                             ". Free space there or choose another --data directory; nothing that "
                             "was there before is lost");
  }
  if (type == DUCKDB_ERROR_OUT_OF_MEMORY || Contains(message, "Out of Memory")) {
    return ResourceExhausted("the memory limit is too small for this data: " + text +
                             ". Give more with --memory-limit MB");
  }
  if (type == DUCKDB_ERROR_IO) {
    return Unavailable(text);
  }
  if (type == DUCKDB_ERROR_INTERNAL || type == DUCKDB_ERROR_FATAL) {
    return Internal(text);
  }
  return InvalidArgument(text);
}

std::string_view TextOf(const duckdb_string_t& value) {
  const std::uint32_t length = value.value.inlined.length;
  return length <= 12 ? std::string_view(value.value.inlined.inlined, length)
                      : std::string_view(value.value.pointer.ptr, length);
}

}  // namespace

struct Rows::State {
  duckdb_result result{};
  duckdb_data_chunk chunk = nullptr;
  struct Column {
    duckdb_vector vector = nullptr;
    const void* data = nullptr;
    const std::uint64_t* validity = nullptr;
  };
  std::vector<Column> columns;
  std::size_t size = 0;

  ~State() {
    if (chunk != nullptr) {
      duckdb_destroy_data_chunk(&chunk);
    }
    duckdb_destroy_result(&result);
  }
};

Rows::Rows(std::unique_ptr<State> state) : state_(std::move(state)) {}
Rows::Rows(Rows&&) noexcept = default;
Rows& Rows::operator=(Rows&&) noexcept = default;
Rows::~Rows() = default;

Result<bool> Rows::Next() {
  if (state_->chunk != nullptr) {
    duckdb_destroy_data_chunk(&state_->chunk);
  }
  state_->size = 0;
  state_->chunk = duckdb_fetch_chunk(state_->result);
  if (state_->chunk == nullptr) {
    const char* error = duckdb_result_error(&state_->result);
    if (error != nullptr && *error != '\0') {
      return Failure(duckdb_result_error_type(&state_->result), error);
    }
    return false;
  }
  state_->size = duckdb_data_chunk_get_size(state_->chunk);
  state_->columns.resize(duckdb_data_chunk_get_column_count(state_->chunk));
  for (std::size_t i = 0; i < state_->columns.size(); ++i) {
    State::Column& column = state_->columns[i];
    column.vector = duckdb_data_chunk_get_vector(state_->chunk, i);
    column.data = duckdb_vector_get_data(column.vector);
    column.validity = duckdb_vector_get_validity(column.vector);
  }
  return state_->size > 0;
}

std::size_t Rows::size() const { return state_->size; }
std::size_t Rows::columns() const { return duckdb_column_count(&state_->result); }
std::string Rows::ColumnName(std::size_t column) const {
  return duckdb_column_name(&state_->result, column);
}

const void* Rows::Data(std::size_t column) const { return state_->columns[column].data; }

bool Rows::HasNulls(std::size_t column) const {
  return state_->columns[column].validity != nullptr;
}

bool Rows::IsNull(std::size_t column, std::size_t row) const {
  const std::uint64_t* validity = state_->columns[column].validity;
  return validity != nullptr && (validity[row / 64] >> (row % 64) & 1) == 0;
}

std::string_view Rows::Text(std::size_t column, std::size_t row) const {
  return IsNull(column, row) ? std::string_view() : TextOf(Values<duckdb_string_t>(column)[row]);
}

std::vector<std::string> Rows::Texts(std::size_t column, std::size_t row) const {
  std::vector<std::string> out;
  if (IsNull(column, row)) {
    return out;
  }
  const duckdb_list_entry entry = Values<duckdb_list_entry>(column)[row];
  duckdb_vector child = duckdb_list_vector_get_child(state_->columns[column].vector);
  const auto* texts = static_cast<const duckdb_string_t*>(duckdb_vector_get_data(child));
  for (std::size_t i = 0; i < entry.length; ++i) {
    out.emplace_back(TextOf(texts[entry.offset + i]));
  }
  return out;
}

std::int64_t Rows::Integer(std::size_t column, std::size_t row) const {
  return IsNull(column, row) ? 0 : Values<std::int64_t>(column)[row];
}

double Rows::Number(std::size_t column, std::size_t row) const {
  return IsNull(column, row) ? 0 : Values<double>(column)[row];
}

struct Database::Impl {
  duckdb_database database = nullptr;
  duckdb_connection connection = nullptr;
  std::stop_token stop;
  std::optional<std::stop_callback<std::function<void()>>> on_stop;

  ~Impl() {
    on_stop.reset();
    if (connection != nullptr) {
      duckdb_disconnect(&connection);
    }
    if (database != nullptr) {
      duckdb_close(&database);
    }
  }
};

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::Open(const DatabaseOptions& options) {
  auto impl = std::make_unique<Impl>();
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const std::vector<std::pair<const char*, std::string>> settings = {
      {"memory_limit", fmt::format("{}MB", options.memory_limit_mb)},
      {"threads", std::to_string(options.threads > 0 ? options.threads : cores)},
      {"temp_directory", options.temporary_directory},
      {"autoinstall_known_extensions", "false"},
      {"autoload_known_extensions", "false"},
  };
  duckdb_config config = nullptr;
  if (duckdb_create_config(&config) == DuckDBError) {
    return Internal("DuckDB cannot make its configuration");
  }
  Status status;
  for (const auto& [name, value] : settings) {
    if (duckdb_set_config(config, name, value.c_str()) == DuckDBError) {
      status = InvalidArgument(fmt::format("DuckDB refuses {} = {}", name, value));
    }
  }
  char* error = nullptr;
  if (status.ok() && duckdb_open_ext(nullptr, &impl->database, config, &error) == DuckDBError) {
    status = Unavailable(fmt::format("DuckDB does not start: {}", error == nullptr ? "?" : error));
    duckdb_free(error);
  }
  duckdb_destroy_config(&config);
  RETURN_IF_ERROR(status);
  if (duckdb_connect(impl->database, &impl->connection) == DuckDBError) {
    return Unavailable("DuckDB does not give a connection");
  }
  std::unique_ptr<Database> database(new Database(std::move(impl)));
  RETURN_IF_ERROR(database->Execute("SET TimeZone = 'UTC'"));
  return database;
}

Status Database::Execute(const std::string& sql) {
  if (impl_->stop.stop_requested()) {
    return Cancelled("stopped on request; nothing was changed");
  }
  duckdb_result result{};
  Status status;
  if (duckdb_query(impl_->connection, sql.c_str(), &result) == DuckDBError) {
    const char* error = duckdb_result_error(&result);
    status = Failure(duckdb_result_error_type(&result), error == nullptr ? "?" : error);
  }
  duckdb_destroy_result(&result);
  return status;
}

Result<Rows> Database::Query(const std::string& sql) {
  if (impl_->stop.stop_requested()) {
    return Cancelled("stopped on request; nothing was changed");
  }
  duckdb_prepared_statement statement = nullptr;
  if (duckdb_prepare(impl_->connection, sql.c_str(), &statement) == DuckDBError) {
    const char* error = duckdb_prepare_error(statement);
    Status status = Failure(DUCKDB_ERROR_BINDER, error == nullptr ? "?" : error);
    duckdb_destroy_prepare(&statement);
    return status;
  }
  auto state = std::make_unique<Rows::State>();
  const duckdb_state done = duckdb_execute_prepared_streaming(statement, &state->result);
  duckdb_destroy_prepare(&statement);
  if (done == DuckDBError) {
    const char* error = duckdb_result_error(&state->result);
    return Failure(duckdb_result_error_type(&state->result), error == nullptr ? "?" : error);
  }
  return Rows(std::move(state));
}

Result<std::int64_t> Database::QueryInteger(const std::string& sql) {
  ASSIGN_OR_RETURN(const auto rows, QueryTexts("SELECT (" + sql + ")::BIGINT"));
  return rows.empty() || rows[0][0].empty() ? 0 : std::stoll(rows[0][0]);
}

Result<std::vector<std::vector<std::string>>> Database::QueryTexts(const std::string& sql) {
  ASSIGN_OR_RETURN(Rows rows, Query("SELECT COLUMNS(*)::VARCHAR FROM (" + sql + ")"));
  std::vector<std::vector<std::string>> out;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, rows.Next());
    if (!more) {
      return out;
    }
    for (std::size_t row = 0; row < rows.size(); ++row) {
      std::vector<std::string>& texts = out.emplace_back();
      for (std::size_t column = 0; column < rows.columns(); ++column) {
        texts.emplace_back(rows.Text(column, row));
      }
    }
  }
}

void Database::CancelWith(const std::stop_token& stop) {
  impl_->on_stop.reset();
  impl_->stop = stop;
  impl_->on_stop.emplace(stop, [connection = impl_->connection] { duckdb_interrupt(connection); });
}

void* Database::connection() const { return impl_->connection; }

std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    out += c;
    if (c == '\'') {
      out += c;
    }
  }
  return out + "'";
}

std::string Named(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    out += c;
    if (c == '"') {
      out += c;
    }
  }
  return out + "\"";
}

std::string QuotedList(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) {
    out += (out.size() > 1 ? ", " : "") + Quoted(text);
  }
  return out + "]";
}

}  // namespace vitrine::duckdb
