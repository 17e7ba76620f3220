#include "transport/http/json_fields.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace vitrine::http {
namespace {

constexpr std::size_t kMaxIgnored = 20;

ondemand::parser& ThreadParser() {
  thread_local ondemand::parser parser;
  return parser;
}

Status NotJson(simdjson::error_code error) {
  if (error == simdjson::EMPTY) {
    return InvalidArgument("The body is empty; JSON was expected.");
  }
  return InvalidArgument(std::string("The body is not valid JSON: ") +
                         simdjson::error_message(error) + ".");
}

Status Open(const Request& request, ondemand::document& document) {
  const std::string_view body = request.body();
  const auto error = ThreadParser()
                         .iterate(body.data(), body.size(), body.size() + Request::kBodyPadding)
                         .get(document);
  return error == simdjson::SUCCESS ? Status::Ok() : NotJson(error);
}

Status CheckEnd(ondemand::document& document) {
  const bool at_end = document.current_location().error() == simdjson::OUT_OF_BOUNDS;
  return at_end ? Status::Ok() : InvalidArgument("The body goes on behind its JSON value.");
}

}  // namespace

bool FieldReader::Fail(std::string_view code, std::string message) {
  if (!error_) {
    error_ = {code, std::move(message), name_};
  }
  return false;
}

bool FieldReader::Took(simdjson::error_code code, std::string_view wanted) {
  if (code == simdjson::SUCCESS) {
    return true;
  }
  if (code == simdjson::INCORRECT_TYPE || code == simdjson::NUMBER_OUT_OF_RANGE ||
      code == simdjson::NUMBER_ERROR) {
    return Fail("wrong_type", "'" + name_ + "' must be " + std::string(wanted) + ".");
  }
  syntax_ = code;
  return false;
}

bool FieldReader::IsNull(ondemand::value value) {
  bool null = false;
  return value.is_null().get(null) == simdjson::SUCCESS && null;
}

bool FieldReader::Text(ondemand::value value, std::string& out) {
  std::string_view text;
  if (!Took(value.get_string().get(text), "a text")) {
    return false;
  }
  out.assign(text);
  return true;
}

bool FieldReader::Id(ondemand::value value, std::string& out) {
  ondemand::json_type type{};
  if (!Took(value.type().get(type), "an id")) {
    return false;
  }
  if (type != ondemand::json_type::number) {
    return Text(value, out);
  }
  std::uint64_t number = 0;
  if (!Took(value.get_uint64().get(number), "a text or a whole number")) {
    return false;
  }
  out = std::to_string(number);
  return true;
}

bool FieldReader::Number(ondemand::value value, double& out) {
  return Took(value.get_double().get(out), "a number");
}

bool FieldReader::Integer(ondemand::value value, std::int64_t& out) {
  return Took(value.get_int64().get(out), "a whole number");
}

bool FieldReader::Flag(ondemand::value value, bool& out) {
  return Took(value.get_bool().get(out), "true or false");
}

bool FieldReader::Array(ondemand::value value, const std::function<bool(ondemand::value)>& f) {
  ondemand::array array;
  if (!Took(value.get_array().get(array), "a list")) {
    return false;
  }
  for (auto element : array) {
    ondemand::value item;
    if (!Took(element.get(item), "a value") || !f(item)) {
      return false;
    }
  }
  return true;
}

bool FieldReader::Texts(ondemand::value value, std::vector<std::string>& out) {
  out.clear();
  ondemand::json_type type{};
  if (!Took(value.type().get(type), "a list of texts")) {
    return false;
  }
  if (type == ondemand::json_type::string) {
    return Text(value, out.emplace_back());
  }
  return Array(value, [&](ondemand::value item) { return Text(item, out.emplace_back()); });
}

bool FieldReader::Floats(ondemand::value value, std::vector<float>& out) {
  out.clear();
  return Array(value, [&](ondemand::value item) {
    double number = 0;
    if (!Number(item, number)) {
      return false;
    }
    out.push_back(static_cast<float>(number));
    return true;
  });
}

bool FieldReader::Time(ondemand::value value, data::ParsedTime& out) {
  ondemand::json_type type{};
  if (!Took(value.type().get(type), "a time")) {
    return false;
  }
  auto parsed = Result<data::ParsedTime>(data::ParsedTime{});
  if (type == ondemand::json_type::number) {
    ondemand::number number;
    if (!Took(value.get_number().get(number), "a time")) {
      return false;
    }
    parsed = number.is_double()  ? data::ParseTime(number.get_double())
             : number.is_int64() ? data::ParseTime(number.get_int64())
                                 : data::ParseTime(static_cast<double>(number.get_uint64()));
  } else {
    std::string_view text;
    if (!Took(value.get_string().get(text), "a number or an ISO 8601 text")) {
      return false;
    }
    parsed = data::ParseTime(text);
  }
  if (!parsed.ok()) {
    return Fail("bad_time", parsed.status().message());
  }
  out = *parsed;
  return true;
}

bool FieldReader::Members(ondemand::object object,
                          const std::function<bool(std::string_view, ondemand::value)>& f) {
  for (auto field : object) {
    std::string_view key;
    ondemand::value value;
    if (!Took(field.unescaped_key().get(key), "an object") ||
        !Took(field.value().get(value), "a value") || !f(key, value)) {
      return false;
    }
  }
  return true;
}

bool FieldReader::Object(ondemand::value value,
                         const std::function<bool(std::string_view, ondemand::value)>& f) {
  ondemand::object object;
  return Took(value.get_object().get(object), "an object") && Members(object, f);
}

bool FieldReader::AddAttribute(std::string_view name, ondemand::value value,
                               vitrine::Attributes& out) {
  ondemand::json_type type{};
  if (!Took(value.type().get(type), "a value")) {
    return false;
  }
  const std::string outer = std::exchange(name_, name_ + "." + std::string(name));
  bool taken = true;
  Attribute attribute;
  switch (type) {
    case ondemand::json_type::null:
      name_ = outer;
      out.erase(std::string(name));
      return true;
    case ondemand::json_type::boolean:
      taken = Flag(value, attribute.emplace<bool>());
      break;
    case ondemand::json_type::number:
      taken = Number(value, attribute.emplace<double>());
      break;
    case ondemand::json_type::string:
      taken = Text(value, attribute.emplace<std::string>());
      break;
    case ondemand::json_type::array:
      taken = Texts(value, attribute.emplace<std::vector<std::string>>());
      break;
    default:
      taken = Fail("wrong_type",
                   "'" + name_ + "' must be true or false, a number, a text or a list of texts.");
  }
  if (taken) {
    out.insert_or_assign(std::string(name), std::move(attribute));
    name_ = outer;
  }
  return taken;
}

bool FieldReader::Attributes(ondemand::value value, vitrine::Attributes& out) {
  return Object(value, [&](std::string_view name, ondemand::value member) {
    return AddAttribute(name, member, out);
  });
}

void FieldReader::Ignore(std::string_view name) {
  if (ignored_.size() < kMaxIgnored &&
      std::find(ignored_.begin(), ignored_.end(), name) == ignored_.end()) {
    ignored_.emplace_back(name);
  }
}

Status ReadObjectBody(const Request& request, FieldReader& reader,
                      const std::function<bool(ondemand::object)>& read) {
  ondemand::document document;
  RETURN_IF_ERROR(Open(request, document));
  ondemand::object object;
  if (const auto error = document.get_object().get(object); error != simdjson::SUCCESS) {
    return error == simdjson::INCORRECT_TYPE ? InvalidArgument("The body must be a JSON object.")
                                             : NotJson(error);
  }
  if (!read(object)) {
    return reader.syntax() != simdjson::SUCCESS ? NotJson(reader.syntax()) : Status::Ok();
  }
  return CheckEnd(document);
}

namespace {

Status ReadArray(ondemand::array array, std::size_t max_rows, FieldReader& reader,
                 const std::function<void(std::size_t, ondemand::object*)>& read) {
  std::size_t index = 0;
  for (auto element : array) {
    if (index == max_rows) {
      return {Code::kOutOfRange, "A call takes at most " + std::to_string(max_rows) +
                                     " rows; send the rest in another."};
    }
    ondemand::object row;
    const auto error = element.get_object().get(row);
    reader.NextRow();
    if (error == simdjson::INCORRECT_TYPE) {
      reader.Fail("wrong_type", "A row must be a JSON object.");
      read(index++, nullptr);
    } else if (error != simdjson::SUCCESS) {
      return NotJson(error);
    } else {
      read(index++, &row);
    }
    if (reader.syntax() != simdjson::SUCCESS) {
      return NotJson(reader.syntax());
    }
  }
  return Status::Ok();
}

}  // namespace

Status ReadRows(const Request& request, std::string_view list, std::size_t max_rows,
                FieldReader& reader,
                const std::function<void(std::size_t index, ondemand::object* row)>& read) {
  ondemand::document document;
  RETURN_IF_ERROR(Open(request, document));
  ondemand::json_type type{};
  if (const auto error = document.type().get(type); error != simdjson::SUCCESS) {
    return NotJson(error);
  }
  ondemand::array rows;
  if (type == ondemand::json_type::array) {
    if (const auto error = document.get_array().get(rows); error != simdjson::SUCCESS) {
      return NotJson(error);
    }
    RETURN_IF_ERROR(ReadArray(rows, max_rows, reader, read));
    return CheckEnd(document);
  }
  ondemand::object object;
  if (type != ondemand::json_type::object) {
    return InvalidArgument("The body must be a JSON object or a list of objects.");
  }
  if (const auto error = document.get_object().get(object); error != simdjson::SUCCESS) {
    return NotJson(error);
  }
  const auto listed = object.find_field_unordered(list).get_array().get(rows);
  if (listed == simdjson::SUCCESS) {
    return ReadArray(rows, max_rows, reader, read);
  }
  if (listed != simdjson::NO_SUCH_FIELD && listed != simdjson::INCORRECT_TYPE) {
    return NotJson(listed);
  }
  // One row: read again from the start.
  document.rewind();
  if (const auto error = document.get_object().get(object); error != simdjson::SUCCESS) {
    return NotJson(error);
  }
  reader.NextRow();
  read(0, &object);
  if (reader.syntax() != simdjson::SUCCESS) {
    return NotJson(reader.syntax());
  }
  return reader.error() ? Status::Ok() : CheckEnd(document);
}

}  // namespace vitrine::http
