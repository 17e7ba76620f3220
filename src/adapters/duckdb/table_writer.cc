#include "adapters/duckdb/table_writer.h"

#include <duckdb.h>

#include <fmt/format.h>

namespace vitrine::duckdb {

struct TableWriter::Impl {
  duckdb_appender appender = nullptr;
  bool failed = false;

  void Check(duckdb_state state) { failed = failed || state == DuckDBError; }
};

TableWriter::TableWriter(Database& database, const std::string& table)
    : impl_(std::make_unique<Impl>()) {
  impl_->Check(duckdb_appender_create(static_cast<duckdb_connection>(database.connection()),
                                      nullptr, table.c_str(), &impl_->appender));
}

TableWriter::~TableWriter() {
  if (impl_->appender != nullptr) {
    duckdb_appender_destroy(&impl_->appender);
  }
}

void TableWriter::Null() { impl_->Check(duckdb_append_null(impl_->appender)); }

void TableWriter::Text(std::string_view value) {
  impl_->Check(value.empty()
                   ? duckdb_append_null(impl_->appender)
                   : duckdb_append_varchar_length(impl_->appender, value.data(), value.size()));
}

void TableWriter::Integer(std::int64_t value) {
  impl_->Check(duckdb_append_int64(impl_->appender, value));
}
void TableWriter::Number(double value) {
  impl_->Check(duckdb_append_double(impl_->appender, value));
}
void TableWriter::Flag(bool value) { impl_->Check(duckdb_append_bool(impl_->appender, value)); }

void TableWriter::Texts(const std::vector<std::string>& values) {
  std::vector<duckdb_value> elements;
  elements.reserve(values.size() +
                   1);  // DuckDB takes a null pointer, which none has, for a failure
  for (const std::string& value : values) {
    elements.push_back(duckdb_create_varchar_length(value.data(), value.size()));
  }
  duckdb_logical_type type = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
  duckdb_value list = duckdb_create_list_value(type, elements.data(), elements.size());
  impl_->Check(duckdb_append_value(impl_->appender, list));
  duckdb_destroy_value(&list);
  duckdb_destroy_logical_type(&type);
  for (duckdb_value& element : elements) {
    duckdb_destroy_value(&element);
  }
}

void TableWriter::EndRow() { impl_->Check(duckdb_appender_end_row(impl_->appender)); }

Status TableWriter::Close() {
  const bool closed = !impl_->failed && duckdb_appender_close(impl_->appender) == DuckDBSuccess;
  if (closed) {
    return Status::Ok();
  }
  duckdb_error_data error = duckdb_appender_error_data(impl_->appender);
  const char* message = duckdb_error_data_message(error);
  Status status = Internal(
      fmt::format("rows cannot be appended: {}", message == nullptr ? "no reason given" : message));
  duckdb_destroy_error_data(&error);
  return status;
}

}  // namespace vitrine::duckdb
