// holdout.jsonl: writing, and a reader that goes over each line once.
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "evaluate/holdout.h"
#include "evaluate/json_cursor.h"

namespace vitrine::evaluate {
namespace {

constexpr int kFormat = 1;
constexpr std::size_t kWriteBytes = std::size_t{1} << 20U;

std::string HeaderLine(const Holdout& h) {
  const nlohmann::json header = {
      {"format", kFormat},
      {"protocol", h.protocol},
      {"snapshot", h.snapshot},
      {"ordinal_time", h.ordinal_time},
      {"parts", {{"validation", h.CountOf(Part::kValidation)}, {"test", h.CountOf(Part::kTest)}}},
      {"slices", h.slices},
      {"history", HistoryRuleName(h.history)},
      {"ks", h.ks},
      {"users", h.users},
      {"items", h.catalogue_items}};
  return header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

void AppendInteger(std::string& out, std::int64_t value) {
  char digits[24];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
  out.append(digits, end);
}

void AppendCase(std::string& out, const Holdout& h, const HoldoutCase& c) {
  out += "{\"part\":\"";
  out += PartName(c.part);
  out += "\",\"user\":";
  AppendJsonString(out, c.user);
  out += ",\"history\":[";
  for (const HoldoutEvent& event : c.history) {
    out += out.back() == '[' ? "[" : ",[";
    AppendJsonString(out, h.items[event.item]);
    out += ',';
    AppendInteger(out, event.ts.value);
    out += ",\"";
    out += EventName(event.type);
    out += "\",";
    AppendInteger(out, event.basket);
    out += ']';
  }
  out += "],\"target\":[";
  for (const std::uint32_t item : c.target) {
    if (out.back() != '[') out += ',';
    AppendJsonString(out, h.items[item]);
  }
  out += "],\"slices\":[";
  for (std::size_t s = 0; s < h.slices.size(); ++s) {
    if ((c.slices >> s & 1U) == 0) continue;
    if (out.back() != '[') out += ',';
    AppendJsonString(out, h.slices[s]);
  }
  out += "]}\n";
}

/// Reads the case lines into `out`, whose header is already there.
class CaseReader {
 public:
  explicit CaseReader(Holdout& out) : out_(out) {}

  /// Empty where the line is a case; else what was expected.
  std::string_view Read(JsonCursor& cursor) {
    HoldoutCase& c = out_.cases.emplace_back();
    if (!cursor.Take('{')) {
      return "expected '{'";
    }
    unsigned seen = 0;
    do {
      if (!cursor.ReadString(key_) || !cursor.Take(':')) {
        return "expected a key and ':'";
      }
      const std::string_view wrong = ReadField(cursor, c, seen);
      if (!wrong.empty()) {
        return wrong;
      }
    } while (cursor.Take(','));
    if (!cursor.Take('}') || !cursor.AtEnd()) {
      return "expected '}' and the end of the line";
    }
    return seen == kAllFields ? "" : "a case needs part, user, history, target and slices";
  }

 private:
  static constexpr unsigned kAllFields = 31;

  std::string_view ReadField(JsonCursor& cursor, HoldoutCase& c, unsigned& seen) {
    if (key_ == "part") {
      seen |= 1U;
      if (!cursor.ReadString(text_)) return "expected the part's name";
      if (text_ != "validation" && text_ != "test") return "part must be validation or test";
      c.part = text_ == "test" ? Part::kTest : Part::kValidation;
      return "";
    }
    if (key_ == "user") {
      seen |= 2U;
      return cursor.ReadString(c.user) ? "" : "expected the user's id";
    }
    if (key_ == "history") {
      seen |= 4U;
      return ReadList(cursor, [&] { return ReadEvent(cursor, c); });
    }
    if (key_ == "target") {
      seen |= 8U;
      return ReadList(cursor, [&]() -> std::string_view {
        if (!cursor.ReadString(text_)) return "expected an item id";
        c.target.push_back(Intern(text_));
        return "";
      });
    }
    if (key_ == "slices") {
      seen |= 16U;
      return ReadList(cursor, [&] { return ReadSlice(cursor, c); });
    }
    return cursor.SkipValue() ? "" : "broken value";
  }

  template <typename F>
  std::string_view ReadList(JsonCursor& cursor, F&& element) {
    if (!cursor.Take('[')) return "expected '['";
    if (cursor.Take(']')) return "";
    do {
      const std::string_view wrong = element();
      if (!wrong.empty()) return wrong;
    } while (cursor.Take(','));
    return cursor.Take(']') ? "" : "expected ',' or ']'";
  }

  std::string_view ReadEvent(JsonCursor& cursor, HoldoutCase& c) {
    HoldoutEvent event;
    std::int64_t basket = 0;
    if (!cursor.Take('[') || !cursor.ReadString(text_)) return "expected [item, ts, type, basket]";
    event.item = Intern(text_);
    if (!cursor.Take(',') || !cursor.ReadInteger(event.ts.value)) return "expected the time";
    if (!cursor.Take(',') || !cursor.ReadString(text_)) return "expected the event's name";
    const auto type = ParseEventType(text_);
    if (!type) return "unknown event name";
    event.type = *type;
    if (!cursor.Take(',') || !cursor.ReadInteger(basket) || basket < 0 || basket > UINT32_MAX) {
      return "expected the basket's number";
    }
    event.basket = static_cast<std::uint32_t>(basket);
    if (!cursor.Take(']')) return "expected ']'";
    c.history.push_back(event);
    return "";
  }

  std::string_view ReadSlice(JsonCursor& cursor, HoldoutCase& c) {
    if (!cursor.ReadString(text_)) return "expected a slice's name";
    for (std::size_t s = 0; s < out_.slices.size(); ++s) {
      if (out_.slices[s] == text_) {
        c.slices |= std::uint64_t{1} << s;
        return "";
      }
    }
    return "a slice that the header does not name";
  }

  std::uint32_t Intern(const std::string& id) {
    const auto [place, added] =
        index_.try_emplace(id, static_cast<std::uint32_t>(out_.items.size()));
    if (added) out_.items.push_back(id);
    return place->second;
  }

  Holdout& out_;
  std::unordered_map<std::string, std::uint32_t> index_;
  std::string key_;
  std::string text_;
};

/// Fills everything of `out` but the cases; returns the number of cases promised.
Result<std::size_t> ReadHeader(std::string_view line, const std::string& name, Holdout& out) {
  const auto bad = [&](std::string_view why) {
    return InvalidArgument(
        fmt::format("{}, line 1: {}; is this a file of `vitrine-trainer split`?", name, why));
  };
  try {
    const nlohmann::json header = nlohmann::json::parse(line);
    const int format = header.at("format").get<int>();
    if (format > kFormat) {
      return FailedPrecondition(fmt::format(
          "{} has format {}, this program reads up to {}; use the newer Vitrine that wrote it",
          name, format, kFormat));
    }
    out.protocol = header.at("protocol").get<std::string>();
    out.snapshot = header.at("snapshot").get<std::string>();
    out.ordinal_time = header.value("ordinal_time", false);
    out.slices = header.at("slices").get<std::vector<std::string>>();
    out.ks = header.at("ks").get<std::vector<int>>();
    out.users = header.at("users").get<std::uint64_t>();
    out.catalogue_items = header.at("items").get<std::uint64_t>();
    const auto history = header.at("history").get<std::string>();
    if (history != "filtered" && history != "kept")
      return bad("history is neither filtered nor kept");
    out.history = history == "kept" ? HistoryRule::kKept : HistoryRule::kFiltered;
    if (out.slices.size() > kMaxSlices) return bad("too many slices");
    return header.at("parts").at("validation").get<std::size_t>() +
           header.at("parts").at("test").get<std::size_t>();
  } catch (const nlohmann::json::exception& e) {
    return bad(e.what());
  }
}

}  // namespace

Status WriteHoldout(const Holdout& holdout, const std::string& path) {
  const std::string temporary = path + ".partial";
  const auto failed = [&](const std::string& what) {
    const int error = errno;
    std::remove(temporary.c_str());
    return Status(error == ENOSPC ? Code::kResourceExhausted : Code::kUnavailable,
                  fmt::format("cannot {} {}: {}", what, path, std::strerror(error)));
  };
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(temporary.c_str(), "wb"),
                                                       &std::fclose);
  if (!file) {
    return failed("create");
  }
  std::string buffer = HeaderLine(holdout);
  const auto flush = [&] {
    const bool whole = std::fwrite(buffer.data(), 1, buffer.size(), file.get()) == buffer.size();
    buffer.clear();
    return whole;
  };
  for (const HoldoutCase& c : holdout.cases) {
    AppendCase(buffer, holdout, c);
    if (buffer.size() >= kWriteBytes && !flush()) {
      return failed("write");
    }
  }
  if (!flush() || std::fclose(file.release()) != 0) {
    return failed("write");
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    return failed("rename the finished file to");
  }
  return Status::Ok();
}

Result<Holdout> ParseHoldout(std::string_view text, const std::string& name) {
  if (text.empty()) {
    return InvalidArgument(
        fmt::format("{} is empty; `vitrine-trainer split` writes it anew", name));
  }
  Holdout out;
  CaseReader reader(out);
  std::size_t promised = 0;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (++number == 1) {
      ASSIGN_OR_RETURN(promised, ReadHeader(line, name, out));
      continue;
    }
    JsonCursor cursor(line);
    const std::string_view wrong = reader.Read(cursor);
    if (!wrong.empty()) {
      return InvalidArgument(
          fmt::format("{}, line {}, column {}: {}", name, number, cursor.column(), wrong));
    }
  }
  if (out.cases.size() != promised) {
    return DataLoss(
        fmt::format("{} holds {} cases where its header says {}; it was cut short, write it anew",
                    name, out.cases.size(), promised));
  }
  return out;
}

Result<Holdout> ReadHoldout(const std::string& path) {
  std::error_code error;
  std::ifstream file;
  if (std::filesystem::is_regular_file(path, error)) {
    file.open(path, std::ios::binary | std::ios::ate);
  }
  if (!file.is_open()) {
    return NotFound(
        fmt::format("no evaluation cases at {}; `vitrine-trainer split` writes them", path));
  }
  std::string text(static_cast<std::size_t>(std::max<std::streamoff>(file.tellg(), 0)), '\0');
  file.seekg(0);
  if (!file.read(text.data(), static_cast<std::streamsize>(text.size()))) {
    return Unavailable(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  }
  return ParseHoldout(text, path);
}

}  // namespace vitrine::evaluate
