#include "graph/json_fields.h"

namespace vitrine::graph {

Result<Json> ParseObject(std::string_view text, std::string_view what) {
  try {
    Json json = Json::parse(text.begin(), text.end());
    if (!json.is_object()) {
      return InvalidArgument(fmt::format("{} is not a JSON object", what));
    }
    return json;
  } catch (const Json::parse_error& e) {
    return InvalidArgument(
        fmt::format("{} is not JSON: it cannot be read at byte {}", what, e.byte));
  } catch (const Json::exception& e) {
    return InvalidArgument(fmt::format("{} is not JSON: {}", what, e.what()));
  }
}

Status CheckFormat(const Json& object, int newest, std::string_view what) {
  int format = 0;
  RETURN_IF_ERROR(Fields(object, "").Need("format", format).WithContext(what));
  if (format > newest) {
    return FailedPrecondition(fmt::format(
        "{} has format {}, this build reads up to {}; use a newer Vitrine", what, format, newest));
  }
  if (format < 1) {
    return InvalidArgument(fmt::format("{} has the unknown format {}", what, format));
  }
  return Status::Ok();
}

Result<DType> ParseDType(const std::string& name, const std::string& field) {
  if (const std::optional<DType> type = DTypeFromName(name)) {
    return *type;
  }
  return InvalidArgument(fmt::format("{} names the unknown type '{}'", field, name));
}

}  // namespace vitrine::graph
