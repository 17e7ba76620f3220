/// Bindings, tests and times of a mapping as SQL expressions.
/// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "data/mapping.h"
#include "data/predicate.h"

namespace vitrine::duckdb {

/// What a file offers to bindings.
struct FileColumns {
  std::vector<std::string> names;    ///< as bindings name them
  std::vector<std::string> columns;  ///< as the file names them, same order
  std::vector<std::string> types;    ///< of name:type headers, else empty texts
  /// The reader gives one JSON column `j`; names are the keys of its first rows.
  bool json = false;
};

/// A JSON path of a mapping, such as `ecommerce.items[0].id` or `params[key=term].value`, applied to
/// the JSON expression `root`: SQL of type VARCHAR. Errors: kInvalidArgument (not a path).
Result<std::string> JsonPathSql(const std::string& root, const std::string& path);
/// The same for a list: SQL of type JSON[], empty where it is none.
Result<std::string> JsonListSql(const std::string& root, const std::string& path);

/// Turns bindings into SQL over the columns of one file.
class FieldSql {
 public:
  FieldSql(std::string file, const FileColumns& columns)
      : file_(std::move(file)), columns_(columns) {}

  /// VARCHAR: trimmed, empty is NULL. `field` is for messages.
  /// Errors: kInvalidArgument: no such column (names the file's and the nearest).
  Result<std::string> Text(std::string_view field, const data::FieldBinding& binding) const;
  /// The same over an element of a list, the JSON expression `element`.
  static Result<std::string> ElementText(const std::string& element,
                                         const data::FieldBinding& binding);
  /// VARCHAR of one column named by a test. Errors: as Text.
  Result<std::string> Column(std::string_view field, const std::string& name) const;

 private:
  Result<std::string> Find(const std::string& name) const;
  Status Missing(std::string_view field, const std::vector<std::string>& names) const;
  std::string file_;
  const FileColumns& columns_;
};

/// BOOLEAN, never NULL: whether the test holds for the text expression.
std::string TestSql(const data::FieldTest& test, const std::string& text);

/// BIGINT microseconds of a text expression, NULL where it is no such time.
/// Precondition: the notation is neither kAuto nor kSequence.
std::string TimeSql(const data::TimeBinding& time, const std::string& text);

/// DOUBLE of a text expression, NULL where it is no finite number.
std::string NumberSql(const std::string& text, double scale);

}  // namespace vitrine::duckdb
