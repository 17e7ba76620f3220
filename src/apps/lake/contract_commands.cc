// vitrine-lake check and contract-learn: rows held against the data contract, and learned from.
#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "adapters/duckdb/contract_rows.h"
#include "adapters/duckdb/duck_lake.h"
#include "adapters/files/numbered_files.h"
#include "adapters/toml/mapping.h"
#include "apps/lake/commands.h"
#include "core/exit_code.h"
#include "data/timestamp.h"
#include "monitor/contract/contract_book.h"
#include "monitor/contract/contract_json.h"
#include "monitor/contract/judge_contract.h"
#include "monitor/contract/learn_contract.h"
#include "monitor/statistics/tails.h"

namespace vitrine::apps {
namespace {

using Json = nlohmann::ordered_json;
using monitor::ContractFinding;
using monitor::ContractVersion;

constexpr std::string_view kLake = "lake:";
constexpr std::size_t kOutsideMb = 256;
constexpr std::size_t kLeastMb = 128;

/// A contract held against rows.
struct ContractCheck {
  std::uint64_t version = 0;
  double alpha = 0;
  std::size_t days = 0;   ///< that were judged
  std::size_t whole = 0;  ///< of them, also by volume and silence
  std::vector<ContractFinding> findings;
  std::vector<std::string> columns;
  duckdb::RefusedRows refused;
  std::map<std::string, Micros> newest;
  [[nodiscard]] bool kept() const { return findings.empty() && columns.empty(); }
};

Result<Micros> TimeOf(const std::string& text, const char* flag) {
  if (text.empty()) {
    return Micros{};
  }
  const auto time = data::ParseTime(text);
  return time.ok() ? Result<Micros>(time->time)
                   : InvalidArgument(fmt::format("{}: {}", flag, time.status().message()));
}

Result<duckdb::ContractRowsOptions> OptionsOf(const LakeArguments& arguments) {
  duckdb::ContractRowsOptions options;
  options.memory_limit_mb = std::max(arguments.memory_limit_mb, kOutsideMb + kLeastMb) - kOutsideMb;
  options.threads = arguments.threads;
  options.data_dir = arguments.data;
  options.snapshot = arguments.snapshot;
  ASSIGN_OR_RETURN(options.from, TimeOf(arguments.contract.from, "--from"));
  ASSIGN_OR_RETURN(options.until, TimeOf(arguments.contract.until, "--until"));
  return options;
}

/// Version 0: the newest. Errors: kNotFound.
Result<ContractVersion> ReadContract(const std::string& data_dir, std::uint64_t version) {
  const files::NumberedFiles store(data_dir + "/contract");
  if (version == 0) {
    ASSIGN_OR_RETURN(const std::vector<std::uint64_t> numbers, store.Numbers());
    if (numbers.empty()) {
      return NotFound(
          "there is no data contract yet; learn one from what was collected: vitrine data contract "
          "learn");
    }
    version = numbers.back();
  }
  ASSIGN_OR_RETURN(const std::string text, store.Read(version));
  return monitor::VersionFromJson(text, fmt::format("version {} of the data contract", version));
}

/// Refused rows have no hour: they are judged over all that was read.
void JudgeRefused(const monitor::DataContract& contract, Micros from, ContractCheck& check) {
  for (const monitor::ContractRule& rule : contract.rules) {
    const bool asked = rule.kind == monitor::ContractKind::kRefused && rule.enabled && rule.day;
    if (!asked || !rule.day.has_value() || check.refused.rows <= 0) {
      continue;
    }
    const double chance =
        monitor::BinomialAtLeast(check.refused.refused, check.refused.rows, rule.day->high);
    if (chance < contract.RuleAlpha(monitor::Grain::kDay) / 2) {
      check.findings.push_back({.rule = rule.id,
                                .kind = rule.kind,
                                .grain = monitor::Grain::kDay,
                                .window = from,
                                .expected = rule.expected,
                                .high = rule.day->high,
                                .seen = check.refused.refused / check.refused.rows,
                                .rows = check.refused.rows,
                                .count = check.refused.refused,
                                .chance = chance,
                                .example = check.refused.example});
    }
  }
}

Result<ContractCheck> Hold(const ContractVersion& version, const LakeArguments& arguments,
                           const duckdb::ContractRowsOptions& options, const Progress& progress) {
  ContractCheck out;
  monitor::DataContract contract = version.contract;
  if (arguments.contract.alpha > 0) {
    contract.alpha = arguments.contract.alpha;
  }
  RETURN_IF_ERROR(monitor::Validate(contract));
  out.version = version.version;
  out.alpha = contract.alpha;
  ASSIGN_OR_RETURN(const auto rows, duckdb::ContractRows::Open(options, progress));
  ASSIGN_OR_RETURN(const std::vector<monitor::ContractWindow> hours, rows->Count(contract));
  for (const monitor::ContractWindow& day : monitor::DaysOf(hours)) {
    const monitor::Judged judged = JudgeWindow(contract, day, {.grain = monitor::Grain::kDay});
    ++out.days;
    out.whole += day.whole ? 1 : 0;
    for (ContractFinding finding : judged.findings) {
      if (const monitor::ContractRule* rule = contract.Find(finding.rule); rule != nullptr) {
        ASSIGN_OR_RETURN(finding.example, rows->ExampleOf(*rule, finding.grain, finding.window));
      }
      out.findings.push_back(std::move(finding));
    }
  }
  out.refused = rows->refused();
  JudgeRefused(contract, hours.empty() ? Micros{} : hours.front().from, out);
  for (const auto& [source, columns] : rows->columns()) {
    for (std::string& change : monitor::CompareColumns(contract, source, columns)) {
      out.columns.push_back(std::move(change));
    }
  }
  ASSIGN_OR_RETURN(out.newest, rows->Newest());
  return out;
}

Json ToJson(const ContractCheck& check) {
  Json out = {{"version", check.version},
              {"alpha", check.alpha},
              {"kept", check.kept()},
              {"days", check.days},
              {"whole_days", check.whole},
              {"columns", check.columns},
              {"refused",
               {{"rows", check.refused.rows},
                {"refused", check.refused.refused},
                {"example", check.refused.example}}},
              {"newest", Json::object()},
              {"findings", Json::array()}};
  for (const auto& [source, newest] : check.newest) {
    out["newest"][source] = FormatIso(newest);
  }
  for (const ContractFinding& finding : check.findings) {
    out["findings"].push_back(monitor::ToJson(finding));
  }
  return out;
}

/// A rule a line, with its worst day: a month of one fault is one thing to read.
std::string ToText(const ContractCheck& check) {
  std::string text = fmt::format("Data contract, version {}: {} days, {} of them whole\n",
                                 check.version, check.days, check.whole);
  for (const auto& [source, newest] : check.newest) {
    text += fmt::format("  {}: newest event {}\n", source, FormatIso(newest));
  }
  for (const std::string& change : check.columns) {
    text += "  " + change + "\n";
  }
  std::map<std::string, std::pair<std::size_t, const ContractFinding*>> rules;
  std::vector<std::string> order;
  for (const ContractFinding& finding : check.findings) {
    auto& [days, worst] = rules[finding.rule];
    if (++days == 1) {
      order.push_back(finding.rule);
    }
    if (worst == nullptr || finding.chance < worst->chance) {
      worst = &finding;
    }
  }
  std::stable_sort(order.begin(), order.end(), [&rules](const auto& a, const auto& b) {
    return rules[a].first > rules[b].first;
  });
  for (const std::string& rule : order) {
    const auto& [days, worst] = rules[rule];
    text += fmt::format("  {:>3} {} {}\n", days, days == 1 ? "day, " : "days, at worst",
                        monitor::FindingText(*worst));
  }
  return text + (check.kept() ? "  Every rule is kept.\n"
                              : fmt::format("  {} rules are broken.\n", order.size()));
}

/// What an import would say, beside what the contract says.
Result<std::string> CheckFiles(const LakeArguments& arguments, const Progress& progress) {
  data::ImportRequest request;
  request.paths = arguments.paths;
  request.now = Now();
  ASSIGN_OR_RETURN(request.mapping, adapters::LoadMapping(arguments.mapping));
  ASSIGN_OR_RETURN(duckdb::ContractRowsOptions options, OptionsOf(arguments));
  ASSIGN_OR_RETURN(const data::ImportReport report,
                   duckdb::OpenDuckLake(arguments.data, {.memory_limit_mb = options.memory_limit_mb,
                                                         .threads = arguments.threads})
                       ->Check(request, progress));
  const Result<ContractVersion> version = ReadContract(arguments.data, arguments.contract.version);
  if (version.status().code() == Code::kNotFound && arguments.contract.version == 0) {
    return arguments.json ? report.ToJson() : report.ToText();
  }
  RETURN_IF_ERROR(version.status());
  options.files = arguments.paths;
  options.mapping = request.mapping;
  ASSIGN_OR_RETURN(const ContractCheck check, Hold(*version, arguments, options, progress));
  *arguments.verdict = check.kept() ? kExitOk : kExitGateFailed;
  if (!arguments.json) {
    return report.ToText() + ToText(check);
  }
  Json out = Json::parse(report.ToJson());
  out["contract"] = ToJson(check);
  return out.dump(1) + "\n";
}

}  // namespace

Result<std::string> RunCheck(const LakeArguments& arguments, const Progress& progress) {
  if (!arguments.mapping.empty()) {
    return CheckFiles(arguments, progress);
  }
  std::string snapshot = arguments.paths.empty() ? "" : arguments.paths.front();
  if (snapshot.starts_with(kLake)) {
    snapshot.erase(0, kLake.size());
  } else if (arguments.paths.size() != 1 || snapshot.find_first_of("/.") != std::string::npos) {
    return InvalidArgument(
        "files are read under a mapping: say which with --mapping NAME|FILE; without it, name one "
        "snapshot (lake: is the newest)");
  }
  ASSIGN_OR_RETURN(duckdb::ContractRowsOptions options, OptionsOf(arguments));
  options.snapshot = snapshot;
  ASSIGN_OR_RETURN(const ContractVersion version,
                   ReadContract(arguments.data, arguments.contract.version));
  ASSIGN_OR_RETURN(const ContractCheck check, Hold(version, arguments, options, progress));
  *arguments.verdict = check.kept() ? kExitOk : kExitGateFailed;
  return arguments.json ? ToJson(check).dump(1) + "\n" : ToText(check);
}

Result<std::string> RunContractLearn(const LakeArguments& arguments, const Progress& progress) {
  ASSIGN_OR_RETURN(const duckdb::ContractRowsOptions options, OptionsOf(arguments));
  const Result<ContractVersion> current = ReadContract(arguments.data, 0);
  if (!current.ok() && current.status().code() != Code::kNotFound) {
    return current.status();
  }
  ASSIGN_OR_RETURN(const auto rows, duckdb::ContractRows::Open(options, progress));
  ASSIGN_OR_RETURN(monitor::FeedFacts facts, rows->Facts());
  if (facts.ordinal) {
    return FailedPrecondition(
        "times of these rows are only an order, so there are no days to learn from; a contract "
        "needs a source with real times");
  }
  facts.from.source +=
      arguments.contract.from.empty() && arguments.contract.until.empty()
          ? ""
          : fmt::format("@{}..{}", arguments.contract.from, arguments.contract.until);
  monitor::DataContract contract =
      monitor::ProposeContract(facts, current.ok() ? &current->contract : nullptr);
  ASSIGN_OR_RETURN(const std::vector<monitor::ContractWindow> hours, rows->Count(contract));
  RETURN_IF_ERROR(monitor::FitContract(hours, contract));
  const Json out = {{"based_on", current.ok() ? current->version : 0},
                    {"contract", monitor::ToJson(contract)}};
  return out.dump(1) + "\n";
}

}  // namespace vitrine::apps
