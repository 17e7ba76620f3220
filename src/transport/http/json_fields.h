/// Reading JSON bodies with simdjson's on-demand parser: rows of a call, and fields of a row with
/// errors that name the field. Internal; the one header that lets simdjson out.
/// Two kinds of failure are kept apart: a value of the wrong type spoils its row, a syntax error
/// the whole body.
/// Threads: one parser a thread, values of a body are used on the thread that opened it.
#pragma once

#include <simdjson.h>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/catalogue.h"
#include "core/status.h"
#include "data/timestamp.h"
#include "transport/http/message.h"

namespace vitrine::http {

namespace ondemand = simdjson::ondemand;

/// Why a field could not be taken. `code` is stable; empty: no error.
struct FieldError {
  std::string_view code;
  std::string message;
  std::string field;
  explicit operator bool() const { return !code.empty(); }
};

/// Where reading a row stands. Sticky: the first error stays.
class FieldReader {
 public:
  /// The field whose value comes next; for messages.
  void Enter(std::string_view name) { name_ = name; }

  /// Each returns false after an error.
  bool Text(ondemand::value value, std::string& out);
  /// Text, or a whole number as its digits: many shops number their goods.
  bool Id(ondemand::value value, std::string& out);
  bool Number(ondemand::value value, double& out);
  bool Integer(ondemand::value value, std::int64_t& out);
  bool Flag(ondemand::value value, bool& out);
  /// A list of texts, or one text.
  bool Texts(ondemand::value value, std::vector<std::string>& out);
  bool Floats(ondemand::value value, std::vector<float>& out);
  bool Time(ondemand::value value, data::ParsedTime& out);
  /// {"name": true | 1 | "text" | ["a", "b"]}; null leaves an entry out.
  bool Attributes(ondemand::value value, vitrine::Attributes& out);
  bool IsNull(ondemand::value value);

  /// Calls f(key, value) for each member; f returns false after an error.
  bool Object(ondemand::value value,
              const std::function<bool(std::string_view, ondemand::value)>& f);
  bool Members(ondemand::object object,
               const std::function<bool(std::string_view, ondemand::value)>& f);
  bool Array(ondemand::value value, const std::function<bool(ondemand::value)>& f);

  /// Remembers a member that no field reads; a few are reported back.
  void Ignore(std::string_view name);

  bool Fail(std::string_view code, std::string message);
  [[nodiscard]] const FieldError& error() const { return error_; }
  /// Not SUCCESS: the body is not JSON, nothing more can be read.
  [[nodiscard]] simdjson::error_code syntax() const { return syntax_; }
  [[nodiscard]] const std::vector<std::string>& ignored() const { return ignored_; }
  void NextRow() { error_ = {}; }

 private:
  // SUCCESS: true. Another type than asked for: a field error; anything else: a syntax error.
  bool Took(simdjson::error_code code, std::string_view wanted);
  bool AddAttribute(std::string_view name, ondemand::value value, vitrine::Attributes& out);

  std::string name_;
  FieldError error_;
  simdjson::error_code syntax_ = simdjson::SUCCESS;
  std::vector<std::string> ignored_;
};

/// Reads a body that is one object, and gives it to `read`.
/// Errors: kInvalidArgument (not JSON: says where it stops; not an object).
Status ReadObjectBody(const Request& request, FieldReader& reader,
                      const std::function<bool(ondemand::object)>& read);

/// Reads a body of rows: one object, an array of objects, or {"<list>": [objects]}; `read` is called
/// with each row's object and index. A row that is not an object is a field error of that row.
/// Errors: kInvalidArgument (not JSON), kOutOfRange (more than `max_rows`).
Status ReadRows(const Request& request, std::string_view list, std::size_t max_rows,
                FieldReader& reader,
                const std::function<void(std::size_t index, ondemand::object* row)>& read);

}  // namespace vitrine::http
