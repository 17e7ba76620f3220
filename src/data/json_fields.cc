#include "data/json_fields.h"

#include "core/nearest_name.h"
#include "data/timestamp.h"

namespace vitrine::data {

JsonFields::JsonFields(const Json& object, std::string path)
    : object_(object), path_(std::move(path)) {
  if (!object_.is_object()) {
    Fail("", "is not an object");
  }
}

const JsonFields::Json* JsonFields::Find(const char* name) {
  known_.emplace_back(name);
  if (!error_.ok()) {
    return nullptr;
  }
  const auto found = object_.find(name);
  return found == object_.end() ? nullptr : &*found;
}

void JsonFields::Read(const char* name, std::string& value) {
  if (const Json* found = Find(name)) {
    found->is_string() ? static_cast<void>(value = found->get<std::string>())
                       : Fail(name, "is not a text");
  }
}

void JsonFields::Read(const char* name, bool& value) {
  if (const Json* found = Find(name)) {
    found->is_boolean() ? static_cast<void>(value = found->get<bool>())
                        : Fail(name, "is not true or false");
  }
}

void JsonFields::Read(const char* name, double& value) {
  if (const Json* found = Find(name)) {
    found->is_number() ? static_cast<void>(value = found->get<double>())
                       : Fail(name, "is not a number");
  }
}

void JsonFields::Read(const char* name, std::optional<double>& value) {
  const Json* found = Find(name);
  if (found != nullptr && !found->is_null()) {
    found->is_number() ? static_cast<void>(value = found->get<double>())
                       : Fail(name, "is not a number");
  }
}

void JsonFields::Read(const char* name, std::vector<std::string>& values) {
  const Json* found = Find(name);
  if (found == nullptr) {
    return;
  }
  if (!found->is_array() || !std::all_of(found->begin(), found->end(),
                                         [](const Json& value) { return value.is_string(); })) {
    Fail(name, "is not a list of texts");
    return;
  }
  values = found->get<std::vector<std::string>>();
}

void JsonFields::Read(const char* name, std::map<std::string, std::string, std::less<>>& values) {
  const Json* found = Find(name);
  if (found == nullptr) {
    return;
  }
  if (!found->is_object() || !std::all_of(found->begin(), found->end(),
                                          [](const Json& value) { return value.is_string(); })) {
    Fail(name, "is not an object of texts");
    return;
  }
  values.clear();
  for (const auto& [key, value] : found->items()) {
    values[key] = value.get<std::string>();
  }
}

void JsonFields::Read(const char* name, Micros& value) {
  std::optional<Micros> time;
  Read(name, time);
  if (time) {
    value = *time;
  }
}

void JsonFields::Read(const char* name, std::optional<Micros>& value) {
  const Json* found = Find(name);
  if (found == nullptr || found->is_null()) {
    return;
  }
  const auto time = found->is_string()           ? ParseTime(found->get<std::string>())
                    : found->is_number_integer() ? ParseTime(found->get<std::int64_t>())
                                                 : InvalidArgument("it is no text or number");
  if (time.ok()) {
    value = time->time;
  } else {
    Fail(name, "is not a time: " + time.status().message());
  }
}

std::optional<std::string> JsonFields::Name(const char* name) {
  const Json* found = Find(name);
  if (found == nullptr || found->is_null()) {
    return std::nullopt;
  }
  if (!found->is_string()) {
    Fail(name, "is not a text");
    return std::nullopt;
  }
  return found->get<std::string>();
}

std::optional<std::int64_t> JsonFields::WholeNumber(const char* name) {
  const Json* found = Find(name);
  if (found == nullptr) {
    return std::nullopt;
  }
  if (!found->is_number_integer() || found->get<double>() < 0 || found->get<double>() > 1e9) {
    Fail(name, "is not a whole number of 0 or more");
    return std::nullopt;
  }
  return found->get<std::int64_t>();
}

std::string JsonFields::PathOf(const std::string& name) const {
  return path_.empty() ? name : path_ + "." + name;
}

void JsonFields::Fail(const std::string& name, const std::string& what) {
  if (error_.ok()) {
    error_ = InvalidArgument((name.empty() ? path_ : PathOf(name)) + " " + what);
  }
}

void JsonFields::Take(const Status& status) {
  if (error_.ok()) {
    error_ = status;
  }
}

Status JsonFields::Finish() {
  for (auto field = object_.begin(); error_.ok() && field != object_.end(); ++field) {
    if (std::find(known_.begin(), known_.end(), field.key()) == known_.end()) {
      Fail(field.key(), "is not known" + DidYouMean(field.key(), known_));
    }
  }
  return error_;
}

Result<nlohmann::ordered_json> ParseJson(std::string_view text) {
  auto json = nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) {
    return InvalidArgument("this is not JSON");
  }
  return json;
}

}  // namespace vitrine::data
