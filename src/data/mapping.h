/// A mapping: how the files of one data set become events, items and users, and how they are
/// cleaned. Read from TOML by adapters/toml; docs/collect.md is its manual.
/// Threads: values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "data/predicate.h"
#include "data/rules.h"

namespace vitrine::data {

/// Text formats may be compressed (.gz).
enum class FileFormat : std::uint8_t {
  kCsv,
  kTsv,
  kJsonl,
  kParquet,
  kSequences,  ///< a line a user: id, then item ids, oldest first
};
std::string_view FileFormatName(FileFormat format);
std::optional<FileFormat> ParseFileFormat(std::string_view name);

enum class TableKind : std::uint8_t { kEvents, kItems, kUsers };
std::string_view TableKindName(TableKind table);

enum class TimeNotation : std::uint8_t {
  kAuto,  ///< found from the file's first rows, and reported
  kSeconds,
  kMilliseconds,
  kMicroseconds,
  kIso8601,
  kPattern,   ///< strftime letters, in `zone`
  kSequence,  ///< no time: the order of the rows is all there is
};
std::string_view TimeNotationName(TimeNotation notation);
std::optional<TimeNotation> ParseTimeNotation(std::string_view name);

/// Where a field's text comes from, and what is done to it.
struct FieldBinding {
  std::vector<std::string>
      columns;               ///< the first that has a value; JSON paths: a.b, a[0], a[key=x]
  std::string constant;      ///< where no column has one
  std::string strip_suffix;  ///< "17850.0" -> "17850" by ".0"
  std::string split;         ///< list fields: separator
  double scale = 1;          ///< numbers are multiplied by it (cents: 0.01)
  bool optional = false;     ///< a file without the column is fine
  friend bool operator==(const FieldBinding&, const FieldBinding&) = default;
};
using Bindings = std::map<std::string, FieldBinding, std::less<>>;

struct TimeBinding {
  FieldBinding field;
  TimeNotation notation = TimeNotation::kAuto;
  std::string pattern;
  std::string zone = "UTC";  ///< of times that name none
  friend bool operator==(const TimeBinding&, const TimeBinding&) = default;
};

/// Rows that meet the test are events of this (canonical) name.
struct EventWhen {
  FieldTest test;
  std::string event;
  friend bool operator==(const EventWhen&, const EventWhen&) = default;
};

/// Which rows of a catalogue file become versions.
enum class Versions : std::uint8_t {
  kAll,
  kChange,  ///< a row that equals the item's version before it is none
  kLast,    ///< the newest row of each id
};

/// One kind of file of the data set.
struct Source {
  TableKind table = TableKind::kEvents;
  std::vector<std::string> files;  ///< names with * inside the imported folder
  bool optional = false;           ///< a folder without such a file is fine
  FileFormat format = FileFormat::kCsv;
  std::string delimiter = ",";
  std::string quote = "\"";   ///< empty: a quote is a character like any other
  bool typed_header = false;  ///< header names are name:type (RecBole)
  std::size_t max_line_bytes = kDefaultMaxLineBytes;

  Bindings fields;
  TimeBinding time;           ///< ts of events, valid_from of items and users
  std::string default_event;  ///< canonical name of rows without one
  std::vector<EventWhen> event_when;
  std::string list;  ///< path of a list; each element is one item of the event
  Bindings list_fields;
  std::vector<FieldTest> where;  ///< rows that fail a test are not part of this table
  bool all_attributes = false;   ///< every unbound column is an attribute
  Bindings attributes;
  Versions versions = Versions::kAll;

  static constexpr std::size_t kDefaultMaxLineBytes = std::size_t{4} << 20;
};

struct Mapping {
  std::string name;
  std::string description;
  std::vector<Source> sources;
  /// Source name -> canonical event name, or "ignore". Canonical names need no line.
  std::map<std::string, std::string, std::less<>> event_names;
  std::vector<Rule> rules;  ///< complete: default rules included
  std::string text;         ///< the TOML it was read from, kept in the lake
  [[nodiscard]] bool ordinal_time() const;
  /// sha256 of the text.
  [[nodiscard]] std::string hash() const;
};

/// Fields that bindings of a table may name. Items add attributes and vectors.
const std::vector<std::string>& FieldNames(TableKind table);
/// Of them, those whose value is a number.
bool IsNumericField(TableKind table, std::string_view name);

/// Checks what a reader of one key at a time cannot see. Errors: kInvalidArgument.
Status ValidateMapping(const Mapping& mapping);

}  // namespace vitrine::data
