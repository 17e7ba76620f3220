// vitrine alert list|show|ack|silence|silences|unsilence|rules|deliveries|channels|test.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/vitrine/api_session.h"
#include "apps/vitrine/command_line.h"
#include "core/time.h"

namespace vitrine::apps {
namespace {

using nlohmann::json;

struct AlertFlags {
  std::string state = "open";
  std::string id;
  std::string note;
  std::string rule;
  std::string kind = "silence";
  std::vector<std::string> where;
  std::string length = "2h";
  std::string why;
  std::string file;
};

std::string LabelsText(const json& labels) {
  std::string text;
  for (const auto& [name, value] : labels.items()) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", name,
                        value.is_string() ? value.get<std::string>() : value.dump());
  }
  return text;
}

/// Everything of a list that comes in pages. `key` names the rows.
Result<json> All(ApiSession& session, const std::string& target, const char* key) {
  json rows = json::array();
  std::string cursor;
  do {
    const char* joint = target.find('?') == std::string::npos ? "?" : "&";
    ASSIGN_OR_RETURN(
        const std::string text,
        session.Get(fmt::format("{}{}limit=1000{}{}", target, joint,
                                cursor.empty() ? "" : "&cursor=", http::PercentEncode(cursor))));
    const json page = json::parse(text);
    rows.insert(rows.end(), page[key].begin(), page[key].end());
    const auto more = page.find("next_cursor");
    cursor = more != page.end() && more->is_string() ? more->get<std::string>() : "";
  } while (!cursor.empty());
  return rows;
}

/// Rows as JSON, or as lines; `empty` where there are none.
void PrintRows(const CommandLine& line, const char* key, const json& rows, const std::string& text,
               std::string_view empty) {
  Print(line.json ? json({{key, rows}}).dump(2) : rows.empty() ? std::string(empty) : text);
}

Status ListAlerts(const CommandLine& line, const AlertFlags& flags) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  const std::string state = flags.state == "all" ? "" : "?state=" + flags.state;
  ASSIGN_OR_RETURN(const json rows, All(session, "/v1/alerts" + state, "alerts"));
  std::string text;
  for (const json& alert : rows) {
    text += fmt::format("{:<17} {:<12} {:<8} {:<20} {}\n", alert.value("id", ""),
                        alert.value("state", ""), alert.value("severity", ""),
                        alert.value("since", "").substr(0, 19), alert.value("text", ""));
  }
  PrintRows(line, "alerts", rows, text,
            flags.state == "open" ? "No alert is open. What is watched: vitrine alert rules list"
                                  : "No such alert. Those that are open: vitrine alert list");
  return Status::Ok();
}

Status ShowAlert(const CommandLine& line, const AlertFlags& flags) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(const std::string text,
                   session.Get("/v1/alerts/" + http::PercentEncode(flags.id)));
  Print(json::parse(text).dump(2));
  return Status::Ok();
}

Status Acknowledge(const CommandLine& line, const AlertFlags& flags) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(const std::string text, session.Post(fmt::format("/v1/alerts/{}:acknowledge",
                                                                    http::PercentEncode(flags.id)),
                                                        json({{"note", flags.note}}).dump()));
  const json alert = json::parse(text);
  Print(line.json ? alert.dump(2)
                  : fmt::format("{} is acknowledged; nobody is reminded of it unless it gets worse",
                                alert.value("id", "")));
  return Status::Ok();
}

/// "90m", "2h", "3d". Errors: kInvalidArgument.
Result<Micros> LengthOf(const std::string& text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  const std::string_view unit(at, static_cast<std::size_t>(end - at));
  const std::int64_t seconds = unit == "m" ? 60 : unit == "h" ? 3600 : unit == "d" ? 86'400 : 0;
  if (error != std::errc() || seconds == 0 || number < 1 || number > 100'000) {
    return InvalidArgument(fmt::format("--for '{}': write 90m, 2h or 3d", text));
  }
  return Micros{number * seconds * kMicrosPerSecond};
}

Result<json> LabelsOf(const std::vector<std::string>& given) {
  json labels = json::object();
  for (const std::string& text : given) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return InvalidArgument(fmt::format("--where '{}': write LABEL=VALUE", text));
    }
    labels[text.substr(0, equals)] = text.substr(equals + 1);
  }
  return labels;
}

Status Silence(const CommandLine& line, const AlertFlags& flags) {
  ASSIGN_OR_RETURN(const Micros length, LengthOf(flags.length));
  ASSIGN_OR_RETURN(const json where, LabelsOf(flags.where));
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  const json quiet = {{"kind", flags.kind},
                      {"rule", flags.rule},
                      {"where", where},
                      {"until", FormatIso({Now().value + length.value})},
                      {"why", flags.why}};
  ASSIGN_OR_RETURN(const std::string text, session.Post("/v1/quiet-times", quiet.dump()));
  const json made = json::parse(text);
  Print(line.json
            ? made.dump(2)
            : fmt::format("{0} ({1}) lasts until {2}; end it earlier: vitrine alert "
                          "unsilence {0}",
                          made.value("id", ""), made.value("kind", ""), made.value("until", "")));
  return Status::Ok();
}

Status ListSilences(const CommandLine& line, const AlertFlags& /*flags*/) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(const std::string answer, session.Get("/v1/quiet-times"));
  const json rows = json::parse(answer)["quiet_times"];
  std::string text;
  for (const json& quiet : rows) {
    text += fmt::format("{:<6} {:<12} {:<8} until {:<20} {} {}  {} ({})\n", quiet.value("id", ""),
                        quiet.value("kind", ""), quiet.value("active", false) ? "active" : "",
                        quiet.value("until", "").substr(0, 19), quiet.value("rule", ""),
                        LabelsText(quiet["where"]), quiet.value("why", ""), quiet.value("by", ""));
  }
  PrintRows(line, "quiet_times", rows, text,
            "Nothing is silenced. Silence a rule: vitrine alert silence --rule NAME --for 2h "
            "--why TEXT");
  return Status::Ok();
}

Status Unsilence(const CommandLine& line, const AlertFlags& flags) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(
      const std::string text,
      session.Post(fmt::format("/v1/quiet-times/{}:end", http::PercentEncode(flags.id)), "{}"));
  Print(line.json ? text : fmt::format("{} has ended", flags.id));
  return Status::Ok();
}

std::string BoundText(const json& rule, const char* key) {
  const auto bound = rule.find(key);
  return bound != rule.end() && bound->is_number() ? fmt::format("{:g}", bound->get<double>())
                                                   : "-";
}

Status ListRules(const CommandLine& line, const AlertFlags& /*flags*/) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(const std::string answer, session.Get("/v1/alert-rules"));
  const json all = json::parse(answer);
  std::string text;
  for (const json& rule : all["rules"]) {
    const std::string against = rule.value("against", "");
    text +=
        fmt::format("{:<20} {} {} {}, critical {}{}{}\n", rule.value("name", ""),
                    rule.value("signal", ""), rule.value("side", ""), BoundText(rule, "warning"),
                    BoundText(rule, "critical"), against == "bounds" ? "" : ", against " + against,
                    rule.value("enabled", true) ? "" : " (off)");
  }
  Print(line.json ? all.dump(2)
        : text.empty()
            ? "No rule, so nothing is watched. Add one: vitrine alert rules set FILE.json"
            : text);
  return Status::Ok();
}

Status ShowRule(const CommandLine& line, const AlertFlags& flags) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(const std::string text,
                   session.Get("/v1/alert-rules/" + http::PercentEncode(flags.rule)));
  Print(json::parse(text).dump(2));
  return Status::Ok();
}

/// One rule, a list of them, or what `rules list --json` prints.
Status SetRules(const CommandLine& line, const AlertFlags& flags) {
  std::ifstream in(flags.file, std::ios::binary);
  if (!in) {
    return NotFound(fmt::format("{} cannot be read", flags.file));
  }
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  json given = json::parse(text, nullptr, false);
  if (given.is_object() && given.contains("rules")) {
    given = json(given["rules"]);
  }
  const json rules = given.is_array() ? given : json::array({given});
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  std::string done;
  for (const json& rule : rules) {
    if (!rule.is_object()) {
      return InvalidArgument(fmt::format(
          "{} is no JSON of rules; look at one: vitrine alert rules show NAME", flags.file));
    }
    const auto name = rule.find("name");
    const std::string named =
        name != rule.end() && name->is_string() ? name->get<std::string>() : "";
    if (named.empty()) {
      return InvalidArgument(fmt::format("{}: a rule has no 'name'", flags.file));
    }
    RETURN_IF_ERROR(
        session.Call("PUT", "/v1/alert-rules/" + http::PercentEncode(named), rule.dump()).status());
    done += named + " is set\n";
  }
  Print(line.json ? json({{"set", rules.size()}}).dump() : done);
  return Status::Ok();
}

Status RemoveRule(const CommandLine& line, const AlertFlags& flags) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  RETURN_IF_ERROR(
      session.Call("DELETE", "/v1/alert-rules/" + http::PercentEncode(flags.rule), {}).status());
  Print(line.json ? json({{"removed", flags.rule}}).dump()
                  : fmt::format("{} is removed; its alerts end at the next look", flags.rule));
  return Status::Ok();
}

Status ListDeliveries(const CommandLine& line, const AlertFlags& /*flags*/) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(const json rows, All(session, "/v1/alert-deliveries", "deliveries"));
  std::string text;
  for (const json& record : rows) {
    const bool delivered = record.value("delivered", false);
    text +=
        fmt::format("{:<20} {:<12} {:<6} attempt {:<3} {:<5} alerts  {}\n",
                    record.value("at", "").substr(0, 19), record.value("channel", ""),
                    record.value("id", ""), record.value("attempt", 0), record.value("alerts", 0),
                    delivered ? std::string("delivered")
                              : (record.value("given_up", false) ? "GIVEN UP: " : "failed: ") +
                                    record.value("error", ""));
  }
  PrintRows(line, "deliveries", rows, text,
            "No message was sent yet. Try a channel: vitrine alert test CHANNEL");
  return Status::Ok();
}

Status ListChannels(const CommandLine& line, const AlertFlags& /*flags*/) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(const std::string answer, session.Get("/v1/channels"));
  const json rows = json::parse(answer)["channels"];
  std::string text;
  for (const json& channel : rows) {
    text += fmt::format("{:<20} {:<14} {}\n", channel.value("name", ""), channel.value("kind", ""),
                        channel.value("language", ""));
  }
  PrintRows(line, "channels", rows, text,
            "No channel, so alerts are only listed. Write a table [channel.NAME] into "
            "vitrine.toml; its settings: docs/operate.md");
  return Status::Ok();
}

Status Test(const CommandLine& line, const AlertFlags& flags) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  ASSIGN_OR_RETURN(
      const std::string text,
      session.Post(fmt::format("/v1/channels/{}:test", http::PercentEncode(flags.id)), "{}"));
  const json outcome = json::parse(text);
  const bool delivered = outcome.value("delivered", false);
  if (line.json || delivered) {
    Print(line.json ? outcome.dump(2) : fmt::format("{} took the message", flags.id));
  }
  return delivered ? Status::Ok()
                   : Unavailable(fmt::format("{}: {}", flags.id, outcome.value("error", "")));
}

}  // namespace

void AddAlertCommands(CLI::App& app, CommandLine& line) {
  auto flags = std::make_shared<AlertFlags>();
  const auto add = [&](CLI::App* noun, const char* name, const char* what, auto run) {
    CLI::App* verb = noun->add_subcommand(name, what);
    verb->callback(
        [run, flags, &line] { line.run = [run, flags, &line] { return run(line, *flags); }; });
    return verb;
  };
  CLI::App* alert = app.add_subcommand("alert", "What is wrong, who is told, and when not");
  alert->require_subcommand(1);
  add(alert, "list", "The alerts, worst first", ListAlerts)
      ->add_option("--state", flags->state, "open, pending, firing, acknowledged, resolved, all")
      ->check(CLI::IsMember({"open", "pending", "firing", "acknowledged", "resolved", "all"}))
      ->capture_default_str();
  add(alert, "show", "One alert", ShowAlert)->add_option("id", flags->id, "Its id")->required();
  CLI::App* ack = add(alert, "ack", "Take charge of one that fires", Acknowledge);
  ack->add_option("id", flags->id, "Its id")->required();
  ack->add_option("--note", flags->note, "For those who look at it");
  CLI::App* silence = add(alert, "silence", "Call nobody for a while", Silence);
  silence->add_option("--rule", flags->rule, "Alerts of this rule; default: of every rule");
  silence->add_option("--where", flags->where, "Series with this label, LABEL=VALUE");
  silence->add_option("--kind", flags->kind, "silence, maintenance, sale")->capture_default_str();
  silence->add_option("--for", flags->length, "How long: 90m, 2h, 3d")->capture_default_str();
  silence->add_option("--why", flags->why, "For those who wonder")->required();
  add(alert, "silences", "Silences, maintenance and sales", ListSilences);
  add(alert, "unsilence", "End one of them now", Unsilence)
      ->add_option("id", flags->id, "Its id")
      ->required();
  CLI::App* rules = alert->add_subcommand("rules", "What is watched");
  rules->require_subcommand(1);
  add(rules, "list", "Every rule", ListRules);
  add(rules, "show", "One rule as JSON, to change and set again", ShowRule)
      ->add_option("name", flags->rule, "Its name")
      ->required();
  add(rules, "set", "Add or replace rules", SetRules)
      ->add_option("FILE", flags->file, "JSON: one rule, or a list of them")
      ->required();
  add(rules, "remove", "Watch it no longer", RemoveRule)
      ->add_option("name", flags->rule, "Its name")
      ->required();
  add(alert, "deliveries", "What came of messages, newest first", ListDeliveries);
  add(alert, "channels", "Where messages go", ListChannels);
  add(alert, "test", "Send a test message", Test)
      ->add_option("CHANNEL", flags->id, "Its name")
      ->required();
}

}  // namespace vitrine::apps
