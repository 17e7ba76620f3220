#include "evaluate/labelled_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "data/attributes_json.h"

namespace vitrine::evaluate {
namespace {

using nlohmann::json;

constexpr int kFormat = 1;

json ObjectOf(const Attributes& attributes) {
  return json::parse(data::AttributesToJson(attributes));
}

json HeaderOf(const LabelledSet& set) {
  return {{"format", kFormat},
          {"kind", "labelled"},
          {"protocol", set.protocol},
          {"snapshot", set.snapshot},
          {"ordinal_time", set.ordinal_time},
          {"parts",
           {{"validation", set.CountOf(Part::kValidation)}, {"test", set.CountOf(Part::kTest)}}},
          {"slices", set.slices}};
}

json RowOf(const LabelledSet& set, std::size_t at) {
  const LabelledRow& row = set.rows[at];
  json line = {
      {"at", at}, {"part", PartName(row.part)}, {"ts", row.ts.value}, {"label", row.label}};
  if (row.known > 0) line["known"] = row.known;
  if (row.item != kNoItem) line["item"] = set.items[row.item];
  if (!row.context.empty()) line["context"] = ObjectOf(row.context);
  for (std::size_t s = 0; s < set.slices.size(); ++s) {
    if ((row.slices >> s & 1U) != 0) line["slices"].push_back(set.slices[s]);
  }
  return line;
}

/// One user with the given rows; its history as far as any of them knows it.
json LineOf(const LabelledSet& set, std::uint32_t user, const std::vector<std::size_t>& rows) {
  json line = json::object();
  std::size_t known = 0;
  for (const std::size_t at : rows) {
    line["rows"].push_back(RowOf(set, at));
    known = std::max<std::size_t>(known, set.rows[at].known);
  }
  if (user == kNobody) {
    return line;
  }
  const LabelledUser& of = set.users[user];
  line["user"] = {{"id", of.user.id}, {"attributes", ObjectOf(of.user.attributes)}};
  for (std::size_t i = 0; i < known; ++i) {
    const HoldoutEvent& event = of.history[i];
    line["history"].push_back(
        {set.items[event.item], event.ts.value, EventName(event.type), event.basket});
  }
  return line;
}

std::string TextOf(const json& line) {
  return line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

/// Puts the lines together again. Members throw: json's exceptions, or what is wrong with a word.
class Assembler {
 public:
  explicit Assembler(LabelledSet& set) : set_(set) {}

  void Take(const json& line) {
    std::uint32_t user = kNobody;
    if (line.contains("user")) {
      user = static_cast<std::uint32_t>(set_.users.size());
      LabelledUser& of = set_.users.emplace_back();
      of.user.id = line.at("user").at("id").get<std::string>();
      of.user.attributes = data::AttributesFromJson(line.at("user").at("attributes").dump());
      for (const json& event : line.value("history", json::array())) {
        of.history.push_back(EventOf(event));
      }
    }
    for (const json& row : line.at("rows")) {
      rows_.emplace_back(row.at("at").get<std::size_t>(), Row(row, user));
    }
  }

  /// In the protocol's order. Precondition: every line was taken.
  void Finish() {
    std::stable_sort(rows_.begin(), rows_.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& [at, row] : rows_) {
      set_.rows.push_back(std::move(row));
    }
  }

 private:
  std::uint32_t Item(const std::string& id) {
    const auto [place, added] =
        items_.try_emplace(id, static_cast<std::uint32_t>(set_.items.size()));
    if (added) {
      set_.items.push_back(id);
    }
    return place->second;
  }

  HoldoutEvent EventOf(const json& event) {
    const auto type = ParseEventType(event.at(2).get<std::string>());
    if (!type) {
      throw std::runtime_error(fmt::format("unknown event '{}'", event.at(2).get<std::string>()));
    }
    return {.item = Item(event.at(0).get<std::string>()),
            .ts = {event.at(1).get<std::int64_t>()},
            .type = *type,
            .basket = event.at(3).get<std::uint32_t>()};
  }

  LabelledRow Row(const json& from, std::uint32_t user) {
    LabelledRow row;
    const auto part = from.at("part").get<std::string>();
    if (part != "validation" && part != "test") {
      throw std::runtime_error(fmt::format("part '{}' is neither validation nor test", part));
    }
    row.part = part == "test" ? Part::kTest : Part::kValidation;
    row.user = user;
    row.known = from.value("known", std::uint32_t{0});
    const std::size_t history = user == kNobody ? 0 : set_.users[user].history.size();
    if (row.known > history) {
      throw std::runtime_error(
          fmt::format("a row knows {} events of a history of {}", row.known, history));
    }
    if (from.contains("item")) {
      row.item = Item(from.at("item").get<std::string>());
    }
    row.ts = {from.at("ts").get<std::int64_t>()};
    const auto label = from.at("label").get<int>();
    if (label != 0 && label != 1) {
      throw std::runtime_error(fmt::format("label {} is neither 0 nor 1", label));
    }
    row.label = static_cast<std::uint8_t>(label);
    if (from.contains("context")) {
      row.context = data::AttributesFromJson(from.at("context").dump());
    }
    for (const json& name : from.value("slices", json::array())) {
      const auto found = std::find(set_.slices.begin(), set_.slices.end(), name.get<std::string>());
      if (found == set_.slices.end()) {
        throw std::runtime_error(fmt::format("slice {} is not in the header", name.dump()));
      }
      row.slices |= std::uint64_t{1} << (found - set_.slices.begin());
    }
    return row;
  }

  LabelledSet& set_;
  std::map<std::string, std::uint32_t> items_;
  std::vector<std::pair<std::size_t, LabelledRow>> rows_;
};

/// Fills all but items, users and rows; the number of rows that the header promises.
Result<std::size_t> TakeHeader(const json& header, const std::string& name, LabelledSet& set) {
  if (header.at("format").get<int>() > kFormat) {
    return FailedPrecondition(fmt::format(
        "{} has format {}, this program reads up to {}; use the newer Vitrine that wrote it", name,
        header.at("format").get<int>(), kFormat));
  }
  set.protocol = header.at("protocol").get<std::string>();
  set.snapshot = header.at("snapshot").get<std::string>();
  set.ordinal_time = header.value("ordinal_time", false);
  set.slices = header.at("slices").get<std::vector<std::string>>();
  return header.at("parts").at("validation").get<std::size_t>() +
         header.at("parts").at("test").get<std::size_t>();
}

bool IsHeader(const json& header) {
  return header.is_object() && header.value("kind", json()) == json("labelled");
}

}  // namespace

Status WriteLabelledRows(const LabelledSet& set, const std::string& path) {
  std::map<std::uint32_t, std::vector<std::size_t>> by_user;
  std::vector<std::size_t> alone;
  for (std::size_t at = 0; at < set.rows.size(); ++at) {
    const LabelledRow& row = set.rows[at];
    if (row.part == Part::kValidation || row.part == Part::kTest) {
      (row.user == kNobody ? alone : by_user[row.user]).push_back(at);
    }
  }
  const std::string temporary = path + ".partial";
  errno = 0;
  std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
  file << TextOf(HeaderOf(set));
  for (const auto& [user, rows] : by_user) {
    file << TextOf(LineOf(set, user, rows));
  }
  for (const std::size_t at : alone) {
    file << TextOf(LineOf(set, kNobody, {at}));
  }
  file.close();
  if (!file || std::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    std::remove(temporary.c_str());
    return Status(error == ENOSPC ? Code::kResourceExhausted : Code::kUnavailable,
                  fmt::format("cannot write {}: {}", path, std::strerror(error)));
  }
  return Status::Ok();
}

bool IsLabelledFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  return std::getline(file, line) && IsHeader(json::parse(line, nullptr, false));
}

Result<LabelledSet> ParseLabelledRows(std::string_view text, const std::string& name) {
  LabelledSet set;
  Assembler assembler(set);
  std::size_t promised = 0;
  std::size_t number = 0;
  const auto bad = [&](std::string_view what) {
    return InvalidArgument(fmt::format("{}, line {}: {}", name, number, what));
  };
  try {
    while (!text.empty()) {
      const std::size_t end = text.find('\n');
      const json line = json::parse(text.substr(0, end));
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      if (++number > 1) {
        assembler.Take(line);
      } else if (!IsHeader(line)) {
        return bad("no labelled rows; `vitrine-trainer split` writes them");
      } else {
        ASSIGN_OR_RETURN(promised, TakeHeader(line, name, set));
      }
    }
  } catch (const std::exception& e) {
    return bad(e.what());
  }
  assembler.Finish();
  if (number == 0 || set.rows.size() != promised) {
    return DataLoss(
        fmt::format("{} holds {} rows where its header says {}; it was cut short, write it anew",
                    name, set.rows.size(), promised));
  }
  return set;
}

Result<LabelledSet> ReadLabelledRows(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return NotFound(
        fmt::format("no labelled rows at {}; `vitrine-trainer split` writes them", path));
  }
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return ParseLabelledRows(text, path);
}

}  // namespace vitrine::evaluate
