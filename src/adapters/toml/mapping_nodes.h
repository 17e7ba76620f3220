/// The small words of a mapping file: bindings, tests, times. For mapping.cc only.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "core/status.h"
#include "data/mapping.h"

namespace vitrine::adapters {

/// "unknown key 'fiels'; did you mean 'fields'?" or, where none is near, the known ones.
std::string UnknownWord(std::string_view kind, std::string_view word,
                        std::span<const std::string_view> known);

/// A TOML table with the name of its file, for messages with line and column.
class MappingNode {
 public:
  MappingNode(const toml::table& table, const std::string& origin)
      : table_(table), origin_(origin) {}

  [[nodiscard]] const toml::table& table() const { return table_; }
  [[nodiscard]] const std::string& origin() const { return origin_; }
  [[nodiscard]] bool has(std::string_view key) const { return table_.contains(key); }

  [[nodiscard]] Status Bad(const toml::node& node, std::string_view what) const {
    const toml::source_position& at = node.source().begin;
    return InvalidArgument(fmt::format("{}:{}:{}: {}", origin_, at.line, at.column, what));
  }
  [[nodiscard]] Status Bad(std::string_view what) const { return Bad(table_, what); }

  [[nodiscard]] Status CheckKeys(std::span<const std::string_view> known) const;
  /// Leaves `out` alone where the key is absent.
  Status Text(std::string_view key, std::string& out) const;
  Status Number(std::string_view key, double& out) const;
  Status Integer(std::string_view key, std::int64_t& out) const;
  Status Flag(std::string_view key, bool& out) const;
  /// A text or an array of texts.
  Status Texts(std::string_view key, std::vector<std::string>& out) const;
  /// The table under the key; the same file's name. Errors: it is something else.
  Result<MappingNode> Child(std::string_view key) const;
  /// The tables of an array of tables; empty where absent.
  Result<std::vector<MappingNode>> Children(std::string_view key) const;

  /// A text that must be one of an enumeration's names.
  template <typename E>
  Status Choice(std::string_view key, std::optional<E> (*parse)(std::string_view),
                std::string_view (*name)(E), int count, E& out) const {
    std::string text;
    RETURN_IF_ERROR(Text(key, text));
    if (!has(key)) {
      return Status::Ok();
    }
    if (const std::optional<E> found = parse(text)) {
      out = *found;
      return Status::Ok();
    }
    std::vector<std::string_view> names;
    for (int i = 0; i < count; ++i) {
      names.push_back(name(static_cast<E>(i)));
    }
    return Bad(*table_.get(key), UnknownWord(key, text, names));
  }

 private:
  const toml::table& table_;
  const std::string& origin_;
};

/// A binding: "column", ["first", "second"], or a table of its options.
Result<data::FieldBinding> ReadBinding(const MappingNode& parent, std::string_view key,
                                       const toml::node& node);
/// The same, with the options of a time.
Result<data::TimeBinding> ReadTime(const MappingNode& parent, std::string_view key,
                                   const toml::node& node);
/// A table with `field` and one test; `found` says whether a test stands in it.
Result<data::FieldTest> ReadTest(const MappingNode& node, bool& found);

/// Keys of a test.
std::span<const std::string_view> TestKeys();

}  // namespace vitrine::adapters
