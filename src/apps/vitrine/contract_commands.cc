// vitrine data contract show|learn|set|history|diff, and data reconcile.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "apps/vitrine/api_session.h"
#include "apps/vitrine/command_line.h"
#include "apps/vitrine/contract_commands.h"
#include "apps/vitrine/lake_child.h"

namespace vitrine::apps {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kRoute = "/v1/data-contract";

struct ContractFlags {
  std::uint64_t version = 0;
  std::uint64_t from = 0, to = 0;
  std::string snapshot, since, until;
  std::string file;
  std::string reason;
  std::string source;
};

std::string BoundsText(const Json& rule, const char* grain) {
  const auto found = rule.find(grain);
  if (found == rule.end() || !found->is_object()) {
    return "-";
  }
  return fmt::format("{:.4g} to {:.4g}", found->value("low", 0.0), found->value("high", 0.0));
}

std::string RuleLine(const Json& rule) {
  std::string pinned;
  for (const Json& name : rule["pinned"]) {
    pinned += (pinned.empty() ? "  pinned: " : ", ") + name.get<std::string>();
  }
  return fmt::format("{:<36} {:>11.4g}  {:<22} {:<22}{}{}\n", rule.value("id", ""),
                     rule.value("expected", 0.0), BoundsText(rule, "hour"), BoundsText(rule, "day"),
                     rule.value("enabled", true) ? "" : "  (off)", pinned);
}

Status Show(const CommandLine& line, const ContractFlags& flags) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  const std::string target =
      flags.version == 0 ? kRoute : fmt::format("{}/versions/{}", kRoute, flags.version);
  ASSIGN_OR_RETURN(const std::string text, session.Get(target));
  const Json version = Json::parse(text);
  if (line.json) {
    Print(version.dump(1));
    return Status::Ok();
  }
  const Json& contract = version.at("contract");
  const Json& learned = contract.at("learned");
  std::string out = fmt::format(
      "version {} ({} by {}, {}){}\nlearned from {}, {} days, {} rows; alpha {:g}\n{:<36} {:>11}  "
      "{:<22} {:<22}\n",
      version.value("version", 0), version.value("how", ""), version.value("author", ""),
      version.value("at", "").substr(0, 19),
      version.value("reason", "").empty() ? "" : ": " + version.value("reason", ""),
      learned.value("source", ""), learned.value("days", 0), learned.value("rows", 0),
      contract.value("alpha", 0.0), "rule", "expected", "an hour", "a day");
  for (const Json& rule : contract.at("rules")) {
    out += RuleLine(rule);
  }
  Print(out);
  return Status::Ok();
}

Status Change(const CommandLine& line, std::string_view method, const std::string& target,
              const Json& body) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(const std::string text, session.Call(method, target, body.dump()));
  const Json made = Json::parse(text);
  if (line.json) {
    Print(made.dump(1));
    return Status::Ok();
  }
  const auto version = made.value("version", std::uint64_t{0});
  Print(fmt::format(
      "version {} is in force, {} rules{}", version, made.at("contract").at("rules").size(),
      version > 1
          ? fmt::format("; what differs: vitrine data contract diff {} {}", version - 1, version)
          : "; look at it: vitrine data contract show"));
  return Status::Ok();
}

Status Learn(const CommandLine& line, const ContractFlags& flags) {
  if (!line.server.empty()) {
    return InvalidArgument(
        "a contract is learned where the lake is: run this on the server's machine, without "
        "--server");
  }
  std::vector<std::string> arguments = {"contract-learn"};
  for (const auto& [flag, value] : {std::pair("--snapshot", flags.snapshot),
                                    {"--from", flags.since},
                                    {"--until", flags.until}}) {
    if (!value.empty()) {
      arguments.insert(arguments.end(), {flag, value});
    }
  }
  ASSIGN_OR_RETURN(const std::string learned, RunLake(line, std::move(arguments), StopOnSignals()));
  Json body = Json::parse(learned);
  body["reason"] = flags.reason;
  return Change(line, "POST", std::string(kRoute) + ":learn", body);
}

/// What `show --json` printed, changed; or a contract alone.
Status Set(const CommandLine& line, const ContractFlags& flags) {
  std::ifstream in(flags.file, std::ios::binary);
  if (!in) {
    return NotFound(fmt::format("{} cannot be read", flags.file));
  }
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const Json given = Json::parse(text, nullptr, false);
  if (!given.is_object()) {
    return InvalidArgument(fmt::format(
        "{} is no JSON of a contract; begin with: vitrine --json data contract show > {}",
        flags.file, flags.file));
  }
  Json body = {{"reason", flags.reason}};
  if (given.contains("contract")) {
    body["contract"] = given["contract"];
    if (given.contains("version") && given["version"].is_number_unsigned()) {
      body["based_on"] = given["version"];
    }
  } else {
    body["contract"] = given;
  }
  return Change(line, "PUT", kRoute, body);
}

Status ShowHistory(const CommandLine& line, const ContractFlags& /*flags*/) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  Json rows = Json::array();
  std::string cursor;
  do {
    ASSIGN_OR_RETURN(const std::string text,
                     session.Get(fmt::format("{}/versions?limit=1000{}", kRoute,
                                             cursor.empty() ? "" : "&cursor=" + cursor)));
    const Json page = Json::parse(text);
    for (const Json& version : page.at("versions")) {
      rows.push_back(version);
    }
    cursor = page.at("next_cursor").is_string() ? page.at("next_cursor").get<std::string>() : "";
  } while (!cursor.empty());
  if (line.json) {
    Print(Json({{"versions", rows}}).dump(1));
    return Status::Ok();
  }
  std::string out;
  for (const Json& version : rows) {
    out += fmt::format("{:>5}  {:<20} {:<6} {:<20} {}\n", version.value("version", 0),
                       version.value("at", "").substr(0, 19), version.value("how", ""),
                       version.value("author", ""), version.value("reason", ""));
  }
  Print(out.empty() ? "No contract yet. Learn one: vitrine data contract learn" : out);
  return Status::Ok();
}

Status ShowDiff(const CommandLine& line, const ContractFlags& flags) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(const std::string text,
                   session.Get(fmt::format("{}/diff?from={}&to={}", kRoute, flags.from, flags.to)));
  const Json diff = Json::parse(text);
  if (line.json) {
    Print(diff.dump(1));
    return Status::Ok();
  }
  std::string out;
  for (const Json& change : diff.at("changes")) {
    const std::string rule = change.value("rule", "");
    const std::string field = change.value("field", "");
    const std::string before = change.value("before", "");
    const std::string after = change.value("after", "");
    if (field == "pattern") {
      out += rule + ": the pattern of the week differs\n";
    } else if (field.empty()) {
      out += fmt::format("{}: {}\n", rule, before.empty() ? "is new" : "is gone");
    } else {
      out += fmt::format("{}{}{}: {} -> {}\n", rule, rule.empty() ? "" : ", ", field,
                         before.empty() ? "-" : before, after.empty() ? "-" : after);
    }
  }
  Print(out.empty() ? "Nothing differs." : out);
  return Status::Ok();
}

Status Reconcile(const CommandLine& line, const ContractFlags& flags) {
  std::vector<std::string> arguments = {"reconcile", flags.source};
  for (const auto& [flag, value] : {std::pair("--from", flags.since), {"--until", flags.until}}) {
    if (!value.empty()) {
      arguments.insert(arguments.end(), {flag, value});
    }
  }
  ASSIGN_OR_RETURN(const std::string report,
                   RunLake(line, std::move(arguments), StopOnSignals(), &line.outcome));
  Print(report);
  return Status::Ok();
}

}  // namespace

void AddContractCommands(CLI::App& data, CommandLine& line) {
  auto flags = std::make_shared<ContractFlags>();
  const auto add = [&](CLI::App& noun, const char* name, const char* what, auto run) {
    CLI::App* verb = noun.add_subcommand(name, what);
    verb->callback(
        [run, flags, &line] { line.run = [run, flags, &line] { return run(line, *flags); }; });
    return verb;
  };
  CLI::App* contract = data.add_subcommand("contract", "What the rows that come in keep to");
  contract->require_subcommand(1);
  add(*contract, "show", "The rules and their tolerances; --json to change them", Show)
      ->add_option("--version", flags->version, "The one in force where left out");
  CLI::App* learn = add(*contract, "learn", "Learn it anew; what people have pinned stays", Learn);
  learn->add_option("--snapshot", flags->snapshot, "Its id; the newest where left out");
  learn->add_option("--from", flags->since, "Only events from then on, ISO 8601");
  learn->add_option("--until", flags->until, "Only events before then, ISO 8601");
  learn->add_option("--reason", flags->reason, "For those who wonder");
  CLI::App* set = add(*contract, "set", "Put an edited contract in force", Set);
  set->add_option("FILE", flags->file, "What `show --json` printed, changed")->required();
  set->add_option("--reason", flags->reason, "For those who wonder")->required();
  set->alias("edit");
  add(*contract, "history", "Its versions: when, who, why", ShowHistory);
  CLI::App* diff = add(*contract, "diff", "What differs between two versions", ShowDiff);
  diff->add_option("FROM", flags->from, "A version")->required();
  diff->add_option("TO", flags->to, "Another")->required();
  CLI::App* reconcile =
      add(data, "reconcile", "Compare our rows with another system's export", Reconcile);
  reconcile->add_option("SOURCE", flags->source, "A TOML file that describes the export")
      ->required();
  reconcile->add_option("--from", flags->since, "Only events from then on, ISO 8601");
  reconcile->add_option("--until", flags->until, "Only events before then, ISO 8601");
}

}  // namespace vitrine::apps
