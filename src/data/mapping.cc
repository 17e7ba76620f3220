#include "data/mapping.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "core/event.h"
#include "core/sha256.h"

namespace vitrine::data {
namespace {

constexpr std::array<std::string_view, 5> kFormats = {"csv", "tsv", "jsonl", "parquet",
                                                      "sequences"};
constexpr std::array<std::string_view, 3> kTables = {"events", "items", "users"};
constexpr std::array<std::string_view, 7> kNotations = {"auto",    "unix_s",  "unix_ms", "unix_us",
                                                        "iso8601", "pattern", "sequence"};

template <typename T, std::size_t n>
std::optional<T> FindName(const std::array<std::string_view, n>& names, std::string_view name) {
  const auto* found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? std::nullopt : std::optional(static_cast<T>(found - names.begin()));
}

Status Wrong(const Source& source, std::string_view what) {
  return InvalidArgument(fmt::format("source '{}' ({}): {}",
                                     source.files.empty() ? std::string("?") : source.files.front(),
                                     TableKindName(source.table), what));
}

bool Binds(const Source& source, std::string_view field) {
  return source.fields.contains(field) || source.list_fields.contains(field);
}

Status CheckEvents(const Mapping& mapping, const Source& source) {
  if (!source.default_event.empty() && !ParseEventType(source.default_event)) {
    return Wrong(source, fmt::format("default_event '{}' is not an event", source.default_event));
  }
  for (const EventWhen& when : source.event_when) {
    if (!ParseEventType(when.event)) {
      return Wrong(source, fmt::format("event_when: '{}' is not an event", when.event));
    }
  }
  if (source.default_event.empty() && !Binds(source, "event")) {
    return Wrong(source, "bind `event` to a column, or give `default_event`");
  }
  if (source.format == FileFormat::kSequences) {
    return Status::Ok();
  }
  if (!Binds(source, "user_id") && !Binds(source, "anonymous_id")) {
    return Wrong(source, "bind `user_id` or `anonymous_id` to a column");
  }
  if (!Binds(source, "item_id")) {
    return Wrong(source, "bind `item_id` to a column");
  }
  if (source.time.notation != TimeNotation::kSequence && source.time.field.columns.empty()) {
    return Wrong(
        source, "bind `ts` to a column, or say ts = { format = \"sequence\" } where there is none");
  }
  const bool ordinal = source.time.notation == TimeNotation::kSequence;
  return ordinal == mapping.ordinal_time()
             ? Status::Ok()
             : Wrong(source, "either every events source has time, or none has");
}

}  // namespace

std::string_view FileFormatName(FileFormat format) {
  return kFormats.at(static_cast<std::size_t>(format));
}
std::optional<FileFormat> ParseFileFormat(std::string_view name) {
  return FindName<FileFormat>(kFormats, name);
}
std::string_view TableKindName(TableKind table) {
  return kTables.at(static_cast<std::size_t>(table));
}
std::string_view TimeNotationName(TimeNotation notation) {
  return kNotations.at(static_cast<std::size_t>(notation));
}
std::optional<TimeNotation> ParseTimeNotation(std::string_view name) {
  return FindName<TimeNotation>(kNotations, name);
}

bool Mapping::ordinal_time() const {
  return std::any_of(sources.begin(), sources.end(), [](const Source& source) {
    return source.table == TableKind::kEvents && source.time.notation == TimeNotation::kSequence;
  });
}

std::string Mapping::hash() const { return Sha256Hex(text); }

const std::vector<std::string>& FieldNames(TableKind table) {
  static const std::vector<std::string> items = {"id",         "title",     "description", "brand",
                                                 "categories", "price",     "currency",    "stock",
                                                 "tags",       "image_url", "hidden"};
  static const std::vector<std::string> users = {"id"};
  switch (table) {
    case TableKind::kEvents:
      return EventFieldNames();
    case TableKind::kItems:
      return items;
    case TableKind::kUsers:
      break;
  }
  return users;
}

bool IsNumericField(TableKind table, std::string_view name) {
  return table == TableKind::kEvents ? IsNumericEventField(name) && name != "ts"
                                     : name == "price" || name == "stock";
}

Status ValidateMapping(const Mapping& mapping) {
  if (mapping.sources.empty()) {
    return InvalidArgument(
        "the mapping describes no file: add [[events]], [[items]] or [[users]] tables");
  }
  for (const Source& source : mapping.sources) {
    if (source.format == FileFormat::kSequences &&
        (source.table != TableKind::kEvents || source.time.notation != TimeNotation::kSequence)) {
      return Wrong(source, "format \"sequences\" is for events whose ts is the sequence");
    }
    if (source.time.notation == TimeNotation::kPattern && source.time.pattern.empty()) {
      return Wrong(source, "a time of format \"pattern\" needs `pattern`");
    }
    if (source.table == TableKind::kEvents) {
      RETURN_IF_ERROR(CheckEvents(mapping, source));
    } else if (!Binds(source, "id")) {
      return Wrong(source, "bind `id` to a column");
    }
  }
  for (const auto& [name, event] : mapping.event_names) {
    if (event != "ignore" && !ParseEventType(event)) {
      return InvalidArgument(
          fmt::format("event_names: '{}' = '{}' is not an event of ours; use a "
                      "canonical name or \"ignore\"",
                      name, event));
    }
  }
  return Status::Ok();
}

}  // namespace vitrine::data
