#include "data/lake_reports.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace vitrine::data {

using nlohmann::json;

namespace {

json ReasonsToJson(const std::vector<CountedReason>& reasons) {
  json out = json::array();
  for (const CountedReason& reason : reasons) {
    out.push_back({{"reason", reason.reason}, {"rows", reason.rows}, {"samples", reason.samples}});
  }
  return out;
}

/// A sample is a JSON object in text form; as an object where it still parses.
json SampleToJson(const std::string& sample) {
  json parsed = json::parse(sample, nullptr, false);
  return parsed.is_discarded() ? json(sample) : parsed;
}

std::string Window(bool ordinal, Micros from, Micros to) {
  return ordinal ? "no times: the order of the rows"
                 : fmt::format("{} to {}", FormatIso(from), FormatIso(to));
}

}  // namespace

std::string Grouped(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) {
      out += ',';
    }
    out += digits[i];
  }
  return out;
}

std::uint64_t ImportReport::Accepted() const {
  std::uint64_t sum = 0;
  for (const ImportedFile& file : files) {
    sum += file.accepted;
  }
  return sum;
}

std::string ImportReport::ToJson() const {
  json list = json::array();
  for (const ImportedFile& file : files) {
    list.push_back({{"path", file.path},
                    {"table", file.table},
                    {"sha256", file.sha256},
                    {"bytes", file.bytes},
                    {"rows_read", file.rows_read},
                    {"accepted", file.accepted},
                    {"rejected", file.rejected},
                    {"ignored", file.ignored},
                    {"reasons", ReasonsToJson(file.reasons)},
                    {"time_taken", file.time_taken},
                    {"already_there", file.already_there},
                    {"replaced_earlier", file.replaced_earlier}});
  }
  return json({{"mapping", mapping},
               {"files", list},
               {"seconds", seconds},
               {"dry_run", dry_run},
               {"contract_changes", contract_changes}})
             .dump(1) +
         "\n";
}

std::string ImportReport::ToText() const {
  std::string out = fmt::format("{} by mapping '{}' in {:.1f} s\n",
                                dry_run ? "Checked" : "Imported", mapping, seconds);
  for (const ImportedFile& file : files) {
    out += fmt::format("  {} -> {}\n", file.path, file.table);
    if (file.already_there) {
      out += "    already in the lake under this mapping: counted once, nothing done\n";
      continue;
    }
    out +=
        fmt::format("    read {}, accepted {}, rejected {}, ignored {}\n", Grouped(file.rows_read),
                    Grouped(file.accepted), Grouped(file.rejected), Grouped(file.ignored));
    if (!file.time_taken.empty()) {
      out += fmt::format("    times: {}\n", file.time_taken);
    }
    if (file.replaced_earlier) {
      out += "    replaces the import of the same file under another mapping\n";
    }
    for (const CountedReason& reason : file.reasons) {
      out += fmt::format("    {:>12}  {}\n", Grouped(reason.rows), reason.reason);
      for (const std::string& sample : reason.samples) {
        out += fmt::format("                  {}\n", sample);
      }
    }
  }
  for (const std::string& change : contract_changes) {
    out += fmt::format("  differs from the newest snapshot: {}\n", change);
  }
  return out;
}

std::string CleanReport::ToJson() const {
  json list = json::array();
  for (const RuleCount& rule : rules) {
    json samples = json::array();
    for (const std::string& sample : rule.samples) {
      samples.push_back(SampleToJson(sample));
    }
    list.push_back({{"name", rule.name},
                    {"what", rule.what},
                    {"action", rule.action},
                    {"matched", rule.matched},
                    {"removed", rule.removed},
                    {"changed", rule.changed},
                    {"note", rule.note},
                    {"samples", samples}});
  }
  return json({{"snapshot", snapshot},
               {"parent", parent},
               {"as_of", FormatIso(as_of)},
               {"full", full},
               {"parts_read", parts_read},
               {"rows_read", rows_read},
               {"kept", kept},
               {"removed", removed},
               {"rules", list},
               {"schema_changes", schema_changes},
               {"total",
                {{"rows", total_rows},
                 {"net_rows", net_rows},
                 {"users", total_users},
                 {"items", total_items},
                 {"catalogue_items", total_catalogue},
                 {"impressions", total_impressions},
                 {"returns", returns},
                 {"replacements", replacements},
                 {"identities", identities}}},
               {"window_from", ordinal_time ? json() : json(FormatIso(window_from))},
               {"window_to", ordinal_time ? json() : json(FormatIso(window_to))},
               {"ordinal_time", ordinal_time},
               {"seconds", seconds}})
             .dump(1) +
         "\n";
}

std::string CleanReport::ToText() const {
  std::string out = fmt::format("Snapshot {}{}\n", snapshot,
                                parent.empty() ? "" : fmt::format(" (parent {})", parent));
  out += fmt::format("  read {} rows of {} part{}: kept {}, removed {} (in quarantine)\n\n",
                     Grouped(rows_read), parts_read, parts_read == 1 ? "" : "s", Grouped(kept),
                     Grouped(removed));
  out += fmt::format("  {:<24} {:<8} {:>12} {:>12}  {}\n", "rule", "action", "matched", "removed",
                     "what");
  for (const RuleCount& rule : rules) {
    out += fmt::format("  {:<24} {:<8} {:>12} {:>12}  {}{}\n", rule.name, rule.action,
                       Grouped(rule.matched), Grouped(rule.removed), rule.what,
                       rule.note.empty() ? "" : " (" + rule.note + ")");
  }
  out += "\n  matched: over all rows read; removed: by the first rule that removes the row\n";
  for (const RuleCount& rule : rules) {
    for (std::size_t i = 0; i < std::min<std::size_t>(2, rule.samples.size()); ++i) {
      out += fmt::format("  {}: {}\n", rule.name, rule.samples[i]);
    }
  }
  for (const std::string& change : schema_changes) {
    out += fmt::format("  changed since the last snapshot: {}\n", change);
  }
  out += fmt::format(
      "\n  in all {} rows ({} net of {} returns and {} replacements) of {} users and {} "
      "items, {} items in the catalogue, {} impressions\n  {}\n",
      Grouped(total_rows), Grouped(net_rows), Grouped(returns), Grouped(replacements),
      Grouped(total_users), Grouped(total_items), Grouped(total_catalogue),
      Grouped(total_impressions), Window(ordinal_time, window_from, window_to));
  return out;
}

}  // namespace vitrine::data
