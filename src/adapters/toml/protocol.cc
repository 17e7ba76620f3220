#include "adapters/toml/protocol.h"

#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include "core/nearest_name.h"

namespace vitrine::adapters {
namespace {

using evaluate::Protocol;

/// "unknown key 'histroy'; did you mean 'history'?", or the known ones where none is near.
std::string UnknownWord(std::string_view what, std::string_view word,
                        const std::vector<std::string>& known) {
  const std::string hint = DidYouMean(word, known);
  return fmt::format("unknown {} '{}'{}", what, word,
                     hint.empty() ? fmt::format("; known: {}", fmt::join(known, ", ")) : hint);
}

/// One reading; `where` names the file, line and column of a node in messages.
class Reader {
 public:
  Reader(const toml::table& root, std::string origin) : root_(root), origin_(std::move(origin)) {}

  Result<Protocol> Read() {
    static const std::vector<std::string> kKeys = {"name",
                                                   "kind",
                                                   "history",
                                                   "ks",
                                                   "events",
                                                   "target_events",
                                                   "minimum_length",
                                                   "minimum_baskets",
                                                   "distinct_in_basket",
                                                   "test_days",
                                                   "validation_days",
                                                   "test_share",
                                                   "validation_share",
                                                   "test_rows",
                                                   "validation_rows",
                                                   "rows",
                                                   "scene",
                                                   "click_minutes",
                                                   "purchase_hours",
                                                   "position_bias",
                                                   "position_clip",
                                                   "fit_for_test",
                                                   "age",
                                                   "vocabulary",
                                                   "slice"};
    RETURN_IF_ERROR(CheckKeys(root_, kKeys));
    RETURN_IF_ERROR(Value(root_, "name", out_.name));
    RETURN_IF_ERROR(ReadKind());
    RETURN_IF_ERROR(ReadChoices());
    RETURN_IF_ERROR(ReadKs());
    RETURN_IF_ERROR(ReadEvents("events", out_.events));
    RETURN_IF_ERROR(ReadEvents("target_events", out_.target_events));
    RETURN_IF_ERROR(Value(root_, "minimum_length", out_.minimum_length));
    RETURN_IF_ERROR(Value(root_, "minimum_baskets", out_.minimum_baskets));
    RETURN_IF_ERROR(Value(root_, "distinct_in_basket", out_.distinct_in_basket));
    RETURN_IF_ERROR(Value(root_, "test_days", out_.test_days));
    RETURN_IF_ERROR(Value(root_, "validation_days", out_.validation_days));
    RETURN_IF_ERROR(Value(root_, "test_share", out_.test_share));
    RETURN_IF_ERROR(Value(root_, "validation_share", out_.validation_share));
    RETURN_IF_ERROR(ReadRule("test_rows", out_.test_rows));
    RETURN_IF_ERROR(ReadRule("validation_rows", out_.validation_rows));
    RETURN_IF_ERROR(ReadShown());
    RETURN_IF_ERROR(ReadVocabulary());
    RETURN_IF_ERROR(ReadSlices());
    const Status checked = evaluate::CheckProtocol(out_);
    if (!checked.ok()) {
      return checked.WithContext(origin_);
    }
    return std::move(out_);
  }

 private:
  template <typename E>
  using Choices = std::vector<std::pair<std::string_view, E>>;

  Status Bad(const toml::node& node, const std::string& what) const {
    const toml::source_position& at = node.source().begin;
    return InvalidArgument(fmt::format("{}:{}:{}: {}", origin_, at.line, at.column, what));
  }

  Status CheckKeys(const toml::table& table, const std::vector<std::string>& known) const {
    for (const auto& [key, node] : table) {
      if (std::find(known.begin(), known.end(), key.str()) == known.end()) {
        return Bad(node, UnknownWord("key", key.str(), known));
      }
    }
    return Status::Ok();
  }

  template <typename T>
  Status Value(const toml::table& table, std::string_view key, T& out) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) {
      return Status::Ok();
    }
    std::optional<T> value;
    if constexpr (std::is_same_v<T, double>) {
      value = node->is_number() ? node->value<double>() : std::nullopt;  // 7 is as good as 7.0
    } else {
      value = node->value_exact<T>();
    }
    if (!value) {
      return Bad(*node, fmt::format("{} must be {}", key, TypeWord<T>()));
    }
    out = *std::move(value);
    return Status::Ok();
  }

  Status Value(const toml::table& table, std::string_view key, int& out) const {
    std::int64_t wide = out;
    RETURN_IF_ERROR(Value(table, key, wide));
    if (wide < 0 || wide > 1'000'000) {
      return Bad(*table.get(key), fmt::format("{} must be from 0 to 1000000", key));
    }
    out = static_cast<int>(wide);
    return Status::Ok();
  }

  template <typename T>
  static constexpr std::string_view TypeWord() {
    if constexpr (std::is_same_v<T, bool>) return "true or false";
    if constexpr (std::is_same_v<T, std::string>) return "a \"text\"";
    if constexpr (std::is_same_v<T, double>) return "a number";
    return "a whole number";
  }

  template <typename E>
  Status Choice(const toml::table& table, std::string_view key, const Choices<E>& choices,
                E& out) const {
    const toml::node* node = table.get(key);
    if (node == nullptr) {
      return Status::Ok();
    }
    std::string word;
    RETURN_IF_ERROR(Value(table, key, word));
    std::vector<std::string> known;
    for (const auto& [name, value] : choices) {
      if (name == word) {
        out = value;
        return Status::Ok();
      }
      known.emplace_back(name);
    }
    return Bad(*node, UnknownWord(key, word, known));
  }

  /// The kind comes first: it brings its own defaults.
  Status ReadKind() {
    if (root_.get("kind") == nullptr) {
      return InvalidArgument(fmt::format(
          "{}: kind is missing; give leave_one_out, last_basket, time_split or labelled", origin_));
    }
    const Choices<evaluate::ProtocolKind> kinds = {
        {"leave_one_out", evaluate::ProtocolKind::kLeaveOneOut},
        {"last_basket", evaluate::ProtocolKind::kLastBasket},
        {"time_split", evaluate::ProtocolKind::kTimeSplit},
        {"labelled", evaluate::ProtocolKind::kLabelled}};
    RETURN_IF_ERROR(Choice(root_, "kind", kinds, out_.kind));
    if (out_.kind == evaluate::ProtocolKind::kLastBasket) {
      out_.distinct_in_basket = true;
      out_.history = evaluate::HistoryRule::kKept;
      out_.popularity = evaluate::PopularityUnit::kBaskets;
      out_.age = evaluate::AgeUnit::kBasket;
    }
    if (out_.kind == evaluate::ProtocolKind::kLabelled) {
      out_.history = evaluate::HistoryRule::kKept;
      out_.popularity = evaluate::PopularityUnit::kEvents;
    }
    return Status::Ok();
  }

  Status ReadChoices() {
    const Choices<evaluate::HistoryRule> rules = {{"filtered", evaluate::HistoryRule::kFiltered},
                                                  {"kept", evaluate::HistoryRule::kKept}};
    RETURN_IF_ERROR(Choice(root_, "history", rules, out_.history));
    const Choices<evaluate::AgeUnit> ages = {{"position", evaluate::AgeUnit::kPosition},
                                             {"basket", evaluate::AgeUnit::kBasket},
                                             {"day", evaluate::AgeUnit::kDay}};
    RETURN_IF_ERROR(Choice(root_, "age", ages, out_.age));
    const Choices<bool> fits = {{"training+validation", true}, {"training", false}};
    return Choice(root_, "fit_for_test", fits, out_.fit_validation_for_test);
  }

  Result<const toml::array*> List(const toml::table& table, std::string_view key) const {
    const toml::node* node = table.get(key);
    if (node != nullptr && !node->is_array()) {
      return Bad(*node, fmt::format("{} must be a list, as {} = [...]", key, key));
    }
    return node == nullptr ? nullptr : node->as_array();
  }

  Status ReadKs() {
    ASSIGN_OR_RETURN(const toml::array* list, List(root_, "ks"));
    if (list == nullptr) {
      return Status::Ok();
    }
    out_.ks.clear();
    for (const toml::node& node : *list) {
      const auto k = node.value_exact<std::int64_t>();
      if (!k || *k < 1 || *k > 1'000'000) {
        return Bad(node, "ks holds whole numbers, as ks = [5, 10, 20]");
      }
      out_.ks.push_back(static_cast<int>(*k));
    }
    return Status::Ok();
  }

  Status ReadEvents(std::string_view key, std::set<EventType>& out) const {
    ASSIGN_OR_RETURN(const toml::array* list, List(root_, key));
    if (list == nullptr) {
      return Status::Ok();
    }
    for (const toml::node& node : *list) {
      const auto name = node.value_exact<std::string>();
      const auto type = name ? ParseEventType(*name) : std::nullopt;
      if (!type) {
        std::vector<std::string> known;
        for (int t = 0; t < kEventTypes; ++t) {
          known.emplace_back(EventName(static_cast<EventType>(t)));
        }
        return Bad(node, name ? UnknownWord("event", *name, known)
                              : fmt::format("{} holds event names", key));
      }
      out.insert(*type);
    }
    return Status::Ok();
  }

  Status ReadRule(std::string_view key, evaluate::IndexRule& out) const {
    std::string text;
    RETURN_IF_ERROR(Value(root_, key, text));
    if (root_.get(key) == nullptr) {
      return Status::Ok();
    }
    const Result<evaluate::IndexRule> rule = evaluate::ParseIndexRule(text);
    if (!rule.ok()) {
      return Bad(*root_.get(key), fmt::format("{}: {}", key, rule.status().message()));
    }
    out = *rule;
    return Status::Ok();
  }

  Status ReadShown() {
    const Choices<evaluate::RowSource> sources = {{"events", evaluate::RowSource::kEvents},
                                                  {"shown", evaluate::RowSource::kShown}};
    RETURN_IF_ERROR(Choice(root_, "rows", sources, out_.rows));
    for (const char* key :
         {"scene", "click_minutes", "purchase_hours", "position_bias", "position_clip"}) {
      if (const toml::node* node = root_.get(key);
          node != nullptr && out_.rows != evaluate::RowSource::kShown) {
        return Bad(*node,
                   fmt::format("{} is of rows = \"shown\"; without it nothing reads it", key));
      }
    }
    evaluate::ShownOptions& shown = out_.shown;
    RETURN_IF_ERROR(Value(root_, "scene", shown.scene));
    RETURN_IF_ERROR(Value(root_, "click_minutes", shown.click_minutes));
    RETURN_IF_ERROR(Value(root_, "purchase_hours", shown.purchase_hours));
    RETURN_IF_ERROR(Value(root_, "position_clip", shown.position_clip));
    Choices<evaluate::PlaceBias> biases;
    for (const auto bias : {evaluate::PlaceBias::kNone, evaluate::PlaceBias::kShopperItem,
                            evaluate::PlaceBias::kItem, evaluate::PlaceBias::kRandomised}) {
      biases.emplace_back(evaluate::PlaceBiasName(bias), bias);
    }
    return Choice(root_, "position_bias", biases, shown.position_bias);
  }

  Status ReadVocabulary() {
    const toml::node* node = root_.get("vocabulary");
    if (node == nullptr) {
      return Status::Ok();
    }
    if (!node->is_table()) {
      return Bad(*node, "vocabulary must be a table: [vocabulary]");
    }
    const toml::table& table = *node->as_table();
    static const std::vector<std::string> kKeys = {"items", "popularity"};
    RETURN_IF_ERROR(CheckKeys(table, kKeys));
    const Choices<bool> items = {{"all", true}, {"fitted", false}};
    RETURN_IF_ERROR(Choice(table, "items", items, out_.whole_catalogue));
    const Choices<evaluate::PopularityUnit> units = {
        {"users", evaluate::PopularityUnit::kUsers},
        {"baskets", evaluate::PopularityUnit::kBaskets},
        {"events", evaluate::PopularityUnit::kEvents}};
    return Choice(table, "popularity", units, out_.popularity);
  }

  Status ReadSlices() {
    ASSIGN_OR_RETURN(const toml::array* list, List(root_, "slice"));
    if (list == nullptr) {
      return Status::Ok();
    }
    for (const toml::node& node : *list) {
      if (!node.is_table()) {
        return Bad(node, "a slice is a table: [[slice]] with name and where");
      }
      const toml::table& table = *node.as_table();
      static const std::vector<std::string> kKeys = {"name", "where"};
      RETURN_IF_ERROR(CheckKeys(table, kKeys));
      evaluate::SliceDef slice;
      RETURN_IF_ERROR(Value(table, "name", slice.name));
      RETURN_IF_ERROR(Value(table, "where", slice.where));
      if (slice.name.empty() || slice.where.empty()) {
        return Bad(node, "a slice needs a name and a predicate: where = \"history.length >= 5\"");
      }
      out_.slices.push_back(std::move(slice));
    }
    return Status::Ok();
  }

  const toml::table& root_;
  std::string origin_;
  Protocol out_;
};

}  // namespace

Result<Protocol> ParseProtocol(std::string_view text, const std::string& origin) {
  try {
    const toml::table root = toml::parse(text, origin);
    return Reader(root, origin).Read();
  } catch (const toml::parse_error& e) {
    const toml::source_position& at = e.source().begin;
    return InvalidArgument(
        fmt::format("{}:{}:{}: {}", origin, at.line, at.column, e.description()));
  }
}

Result<Protocol> ReadProtocol(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  if (!file || !(text << file.rdbuf())) {
    return NotFound(
        fmt::format("cannot read a protocol at {}; see protocols/ for ready ones", path));
  }
  return ParseProtocol(text.str(), path);
}

}  // namespace vitrine::adapters
