#include "data/contract.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace vitrine::data {

using nlohmann::json;

namespace {

constexpr double kShareChange = 0.10;

void CompareColumns(const std::string& where, const std::vector<SourceColumn>& before,
                    const std::vector<SourceColumn>& now, std::vector<std::string>& out) {
  const auto find = [](const std::vector<SourceColumn>& columns, const std::string& name) {
    return std::find_if(columns.begin(), columns.end(),
                        [&](const SourceColumn& column) { return column.name == name; });
  };
  for (const SourceColumn& column : before) {
    const auto found = find(now, column.name);
    if (found == now.end()) {
      out.push_back(fmt::format("{}: the column '{}' is gone", where, column.name));
    } else if (found->type != column.type && !found->type.empty() && !column.type.empty()) {
      out.push_back(fmt::format("{}: the column '{}' was {} and is {}", where, column.name,
                                column.type, found->type));
    }
  }
  for (const SourceColumn& column : now) {
    if (find(before, column.name) == before.end()) {
      out.push_back(fmt::format("{}: the column '{}' is new", where, column.name));
    }
  }
}

void CompareFields(const Contract& before, const Contract& now, std::vector<std::string>& out) {
  for (const auto& [name, was] : before.fields) {
    const auto found = now.fields.find(name);
    if (found == now.fields.end()) {
      continue;
    }
    const FieldContract& is = found->second;
    if (std::abs(is.present_share - was.present_share) > kShareChange) {
      out.push_back(fmt::format("{} is present in {:.0f} % of the rows, was {:.0f} %", name,
                                100 * is.present_share, 100 * was.present_share));
    }
    if (!was.format.empty() && !is.format.empty() && was.format != is.format) {
      out.push_back(fmt::format("{} looks like {} now, was {}: is it the same id?", name, is.format,
                                was.format));
    }
  }
}

}  // namespace

std::string Contract::ToJson() const {
  json out = {{"format", kContractFormat},
              {"rows", rows},
              {"fields", json::object()},
              {"events", events},
              {"columns", json::object()}};
  for (const auto& [name, field] : fields) {
    out["fields"][name] = {{"type", field.type},     {"present_share", field.present_share},
                           {"format", field.format}, {"least", field.least},
                           {"most", field.most},     {"longest", field.longest}};
  }
  for (const auto& [where, list] : columns) {
    json& target = out["columns"][where] = json::array();
    for (const SourceColumn& column : list) {
      target.push_back({{"name", column.name}, {"type", column.type}});
    }
  }
  return out.dump(1) + "\n";
}

Result<Contract> Contract::Parse(std::string_view text, const std::string& path) {
  Contract out;
  try {
    const json root = json::parse(text);
    if (root.at("format").get<int>() > kContractFormat) {
      return FailedPrecondition(path + " was written by a newer version; use that");
    }
    out.rows = root.at("rows");
    out.events = root.at("events").get<std::map<std::string, std::uint64_t, std::less<>>>();
    for (const auto& [name, field] : root.at("fields").items()) {
      out.fields[name] = {field.at("type"),  field.at("present_share"), field.at("format"),
                          field.at("least"), field.at("most"),          field.at("longest")};
    }
    for (const auto& [where, list] : root.at("columns").items()) {
      for (const json& column : list) {
        out.columns[where].push_back({column.at("name"), column.at("type")});
      }
    }
  } catch (const json::exception& error) {
    return DataLoss(fmt::format("{} is damaged ({}); make a new snapshot with `clean --full`", path,
                                error.what()));
  }
  return out;
}

std::vector<std::string> CompareContracts(const Contract& before, const Contract& now) {
  std::vector<std::string> out;
  for (const auto& [where, columns] : now.columns) {
    const auto was = before.columns.find(where);
    if (was != before.columns.end()) {
      CompareColumns(where, was->second, columns, out);
    }
  }
  if (before.rows == 0 || now.rows == 0) {
    return out;
  }
  CompareFields(before, now, out);
  for (const auto& [name, rows] : now.events) {
    if (!before.events.contains(name)) {
      out.push_back(fmt::format("the event '{}' is new ({} rows)", name, rows));
    }
  }
  for (const auto& [name, rows] : before.events) {
    if (!now.events.contains(name) && rows * 100 >= before.rows) {
      out.push_back(fmt::format("the event '{}' does not come any more", name));
    }
  }
  return out;
}

Contract MergeContracts(const Contract& before, const Contract& now) {
  Contract out = before;
  out.rows += now.rows;
  const double share =
      out.rows == 0 ? 0 : static_cast<double>(now.rows) / static_cast<double>(out.rows);
  for (const auto& [name, is] : now.fields) {
    const auto [at, fresh] = out.fields.emplace(name, is);
    FieldContract& field = at->second;
    if (fresh || before.rows == 0) {
      field = is;
      continue;
    }
    if (now.rows == 0) {
      continue;
    }
    field.least = std::min(field.least, is.least);
    field.most = std::max(field.most, is.most);
    field.longest = std::max(field.longest, is.longest);
    field.format = field.format.empty()                             ? is.format
                   : is.format.empty() || field.format == is.format ? field.format
                                                                    : "text";
    field.present_share += (is.present_share - field.present_share) * share;
  }
  for (const auto& [name, rows] : now.events) {
    out.events[name] += rows;
  }
  for (const auto& [where, columns] : now.columns) {
    out.columns[where] = columns;
  }
  return out;
}

}  // namespace vitrine::data
