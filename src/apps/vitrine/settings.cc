#include "apps/vitrine/settings.h"

#include <fmt/format.h>

#include <toml++/toml.h>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <utility>

#include "core/nearest_name.h"

namespace vitrine::apps {
namespace {

using Values = std::map<std::string, SettingValue, std::less<>>;

constexpr std::string_view kRemote = "remote.";
constexpr std::size_t kMaxRemoteName = 32;

const SettingDef* FindIn(const std::vector<SettingDef>& defs, std::string_view name) {
  const auto it = std::find_if(defs.begin(), defs.end(),
                               [name](const SettingDef& def) { return def.name == name; });
  return it == defs.end() ? nullptr : &*it;
}

/// "ctr" of "remote.ctr.url"; empty of any other setting, and of a name that is none: a letter, then
/// letters, digits, - and _, small ones, so that it fits scenes, metrics and variables alike.
std::string_view RemoteNameOf(std::string_view setting) {
  if (!setting.starts_with(kRemote)) {
    return {};
  }
  std::string_view name = setting.substr(kRemote.size());
  name = name.substr(0, std::min(name.find('.'), name.size()));
  const auto small = [](char c) { return c >= 'a' && c <= 'z'; };
  const bool good = !name.empty() && name.size() <= kMaxRemoteName && small(name[0]) &&
                    std::all_of(name.begin(), name.end(), [&](char c) {
                      return small(c) || (c >= '0' && c <= '9') || c == '-' || c == '_';
                    });
  return good ? name : std::string_view();
}

const SettingDef* Find(std::string_view name) {
  if (const std::string_view remote = RemoteNameOf(name); !remote.empty()) {
    const std::size_t prefix = kRemote.size() + remote.size() + 1;
    return name.size() > prefix ? FindIn(RemoteSettingDefs(), name.substr(prefix)) : nullptr;
  }
  return FindIn(SettingDefs(), name);
}

std::vector<std::string> RemotesIn(const Values& values) {
  std::vector<std::string> names;
  for (auto at = values.lower_bound(kRemote); at != values.end() && at->first.starts_with(kRemote);
       ++at) {
    const std::string_view name = RemoteNameOf(at->first);
    if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end()) {
      names.emplace_back(name);
    }
  }
  return names;
}

Status Unknown(std::string_view name, std::string_view origin) {
  std::vector<std::string> known;
  if (const std::string_view remote = RemoteNameOf(name); !remote.empty()) {
    for (const SettingDef& def : RemoteSettingDefs()) {
      known.push_back(fmt::format("{}{}.{}", kRemote, remote, def.name));
    }
  } else if (name.starts_with(kRemote)) {
    return InvalidArgument(fmt::format(
        "{}: '{}' names no server: the name in [remote.NAME] is a letter and up to {} letters, "
        "digits, - and _, all small",
        origin, name, kMaxRemoteName - 1));
  }
  for (const SettingDef& def : SettingDefs()) {
    known.push_back(def.name);
  }
  const std::string near = NearestName(name, known);
  return InvalidArgument(
      fmt::format("{}: there is no setting '{}'{}; see them all with: vitrine "
                  "config show",
                  origin, name, near.empty() ? "" : fmt::format(", did you mean '{}'?", near)));
}

Status CheckValue(const SettingDef& def, std::string_view name, const SettingValue& value) {
  std::int64_t number = 0;
  const char* end = value.value.data() + value.value.size();
  switch (def.type) {
    case SettingType::kInteger:
      if (const auto [at, error] = std::from_chars(value.value.data(), end, number);
          error != std::errc() || at != end || number < 0) {
        return InvalidArgument(fmt::format("{}: {} must be a whole number, not '{}'", value.origin,
                                           name, value.value));
      }
      return Status::Ok();
    case SettingType::kFlag:
      if (value.value != "true" && value.value != "false") {
        return InvalidArgument(
            fmt::format("{}: {} must be true or false, not '{}'", value.origin, name, value.value));
      }
      return Status::Ok();
    case SettingType::kText:
    case SettingType::kList:
      return Status::Ok();
  }
  CHECK(false);
}

Result<std::string> TextOf(const toml::node& node, std::string_view name, std::string_view at) {
  if (const auto text = node.value_exact<std::string>()) {
    return *text;
  }
  if (const auto number = node.value_exact<std::int64_t>()) {
    return fmt::format("{}", *number);
  }
  if (const auto flag = node.value_exact<bool>()) {
    return std::string(*flag ? "true" : "false");
  }
  if (const toml::array* list = node.as_array()) {
    std::string joined;
    for (const toml::node& entry : *list) {
      const auto word = entry.value_exact<std::string>();
      if (!word || word->find(',') != std::string::npos) {
        return InvalidArgument(fmt::format("{}: {} is a list of words in quotes", at, name));
      }
      joined += (joined.empty() ? "" : ",") + *word;
    }
    return joined;
  }
  return InvalidArgument(
      fmt::format("{}: {} must be a text, a whole number, true or false, or a list", at, name));
}

Status ReadTable(const toml::table& table, const std::string& prefix, const std::string& file,
                 std::map<std::string, SettingValue, std::less<>>& values) {
  for (const auto& [key, node] : table) {
    const std::string name =
        prefix.empty() ? std::string(key.str()) : fmt::format("{}.{}", prefix, key.str());
    const std::string at = fmt::format("{}:{}", file, node.source().begin.line);
    if (const toml::table* inner = node.as_table()) {
      RETURN_IF_ERROR(ReadTable(*inner, name, file, values));
      continue;
    }
    if (Find(name) == nullptr) {
      return Unknown(name, at);
    }
    ASSIGN_OR_RETURN(std::string text, TextOf(node, name, at));
    values[name] = {std::move(text), at};
  }
  return Status::Ok();
}

Status ReadFile(const std::string& file, std::map<std::string, SettingValue, std::less<>>& values) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) {
    return NotFound(fmt::format("{}: no such settings file", file));
  }
  try {
    return ReadTable(toml::parse_file(file), "", std::filesystem::path(file).filename().string(),
                     values);
  } catch (const toml::parse_error& e) {
    return InvalidArgument(fmt::format("{}:{}: {}", file, e.source().begin.line, e.description()));
  }
}

}  // namespace

const std::vector<SettingDef>& SettingDefs() {
  static const std::vector<SettingDef> kDefs = {
      {"server.listen", SettingType::kText, "127.0.0.1:7700",
       "Address and port of the HTTP server; port 0 picks a free one. Any address that is not a "
       "loopback one needs API keys."},
      {"server.grpc_listen", SettingType::kText, "127.0.0.1:7701",
       "Address and port of the inference protocol over gRPC; port 0 picks a free one, empty turns "
       "it off. "
       "Keys as for server.listen."},
      {"server.threads", SettingType::kInteger, "0",
       "I/O threads of HTTP, and as many of gRPC; 0 takes one per core. Small models run on them."},
      {"server.require_keys", SettingType::kFlag, "false",
       "Ask for an API key on a loopback listener too."},
      {"server.max_connections", SettingType::kInteger, "4096",
       "Open connections at most; more are refused."},
      {"search.chinese_dictionary", SettingType::kText, "",
       "Folder of the Chinese dictionary; empty: the one Vitrine came with."},
      {"server.hosts", SettingType::kList, "",
       "Names that requests may carry in Host, beside the listener's own address."},
      {"serving.user_cache_mb", SettingType::kInteger, "64",
       "Memory for the states of users who asked last; 0: each request reads its user's from the "
       "log."},
      {"serving.answer_lists_mb", SettingType::kInteger, "16",
       "Memory for ready answers to requests that say nothing of their own: popular items of a "
       "scene, "
       "similar items; 0: each is made anew."},
      {"retrieval.exact_ms", SettingType::kInteger, "5",
       "Milliseconds that an exact scan over a model's item vectors may take; above it an index of "
       "neighbours is tried when the version is loaded."},
      {"retrieval.recall", SettingType::kText, "0.99",
       "Share of the exact best 100 items that such an index must find to be used."},
      {"retrieval.build_seconds", SettingType::kInteger, "600",
       "Time that building such an index may take; 0: always scan exactly."},
      {"log.keep_days", SettingType::kInteger, "30",
       "Days of the event log that stay readable after a retraining took them into the lake."},
      {"lake.mapping", SettingType::kText, "",
       "Mapping whose rules clean what arrives: a ready one's name, or a file; empty: the default "
       "rules, and those of each imported file."},
      {"lake.memory_limit_mb", SettingType::kInteger, "768",
       "Memory for import and cleaning; larger inputs spill to disk."},
      {"train.memory_limit_mb", SettingType::kInteger, "4096", "Memory for one training process."},
      {"train.specs", SettingType::kList, "popularity,item-knn-decay,markov",
       "Models that a retraining fits: names of ready specs, or files."},
      {"train.protocol", SettingType::kText, "leave-one-out",
       "Protocol that judges them: the name of a ready one, or a file."},
      {"train.metric", SettingType::kText, "ndcg@10", "Metric that decides between candidates."},
      {"train.refit", SettingType::kFlag, "true",
       "A retraining deploys the winner fitted again on all data, the newest included; false: "
       "exactly what was evaluated."},
      {"gate.margin", SettingType::kText, "0.02",
       "Share of the champion's metric by which a candidate may be worse."},
      {"gate.min_cases", SettingType::kInteger, "100", "Test cases that a verdict needs at least."},
      {"inference.provider", SettingType::kText, "cpu",
       "What runs the models: cpu, or cuda where ONNX Runtime was built with it."},
      {"inference.queue", SettingType::kInteger, "256",
       "Requests that may wait for one model; more are refused with 503 until some are done."},
      {"inference.batch_rows", SettingType::kInteger, "16",
       "Rows of several requests that run together at most, where a model's warm-up finds that it "
       "pays; 1 runs each request alone."},
      {"inference.batch_delay_us", SettingType::kInteger, "0",
       "Microseconds that a batch which is not full waits for more requests; 0 runs it at once."},
      {"inference.cache_mb", SettingType::kInteger, "0",
       "Memory for answers of models that are given again where the same is asked; 0: none are "
       "kept."},
      {"inference.cache_seconds", SettingType::kInteger, "60",
       "Seconds for which such an answer is given again."},
      {"inference.threads", SettingType::kInteger, "0",
       "Threads for models and batches that take longer than 2 ms; 0 takes one per core."},
      {"probe.memory_limit_mb", SettingType::kInteger, "2048",
       "Memory that checking a model file may take."},
      {"probe.timeout_seconds", SettingType::kInteger, "120",
       "Time that checking a model file may take."},
      {"monitor.purchase_hours", SettingType::kInteger, "24",
       "How long after an answer a purchase counts as its result."},
      {"monitor.history_days", SettingType::kInteger, "32",
       "Days for which the hours of the monitors are kept."},
      {"monitor.save_ms", SettingType::kInteger, "10000",
       "Milliseconds between two times that the monitors' state is kept. What follows from the log "
       "is counted again "
       "after a crash; drift counters since then are lost."},
      {"monitor.slot_seconds", SettingType::kInteger, "10",
       "The drift window is the newest 12 slots; a slot holds 200 requests at least and lasts this "
       "long at least."},
      {"trace.otlp_endpoint", SettingType::kText, "",
       "Where spans of requests go: a collector's OTLP/HTTP address, for example "
       "http://127.0.0.1:4318/v1/traces; empty: nowhere."},
      {"trace.otlp_headers_file", SettingType::kText, "",
       "File of headers for the collector, a line NAME: VALUE each, for its key."},
      {"trace.sample_ratio", SettingType::kText, "0.01",
       "Share of the traces begun here that are recorded; a caller's traceparent decides for its "
       "own."},
  };
  return kDefs;
}

const std::vector<SettingDef>& RemoteSettingDefs() {
  static const std::vector<SettingDef> kDefs = {
      {"url", SettingType::kText, "",
       "Where the server is: http://HOST:PORT. It speaks the Open Inference Protocol v2."},
      {"model", SettingType::kText, "", "Name of the model there; empty: the name of the table."},
      {"version", SettingType::kText, "", "Its version; empty: the one that the server takes."},
      {"output", SettingType::kText, "", "Output that holds the scores; empty: the first."},
      {"features", SettingType::kText, "",
       "featurespec.json: how its inputs are made of a history and candidates."},
      {"vocabulary", SettingType::kText, "",
       "Item ids, one a line: line n is item number n + 1 (0 padding, 1 unknown)."},
      {"deadline_ms", SettingType::kInteger, "50",
       "Milliseconds for one answer, retry included; less where less is left of the request's."},
      {"in_flight", SettingType::kInteger, "16",
       "Requests to it at one time; more are answered without it at once. A thread each."},
      {"key_file", SettingType::kText, "",
       "File with the key to send as Authorization: Bearer; empty: none is sent."},
  };
  return kDefs;
}

std::string EnvironmentName(std::string_view setting) {
  std::string name = "VITRINE_";
  for (const char c : setting) {
    name +=
        c == '.' || c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

Result<Settings> Settings::Load(const std::string& file, const Environment& environment,
                                const std::vector<std::string>& overrides) {
  Settings settings;
  for (const SettingDef& def : SettingDefs()) {
    settings.values_[def.name] = {def.standard, "default"};
  }
  if (!file.empty()) {
    RETURN_IF_ERROR(ReadFile(file, settings.values_));
  }
  // A table that the command line alone names is one too.
  Values named = settings.values_;
  for (const std::string& text : overrides) {
    named.try_emplace(text.substr(0, text.find('=')));
  }
  for (const std::string& remote : RemotesIn(named)) {
    for (const SettingDef& def : RemoteSettingDefs()) {
      settings.values_.try_emplace(fmt::format("{}{}.{}", kRemote, remote, def.name),
                                   SettingValue{def.standard, "default"});
    }
  }
  for (auto& [setting, value] : settings.values_) {
    const std::string name = EnvironmentName(setting);
    if (auto given = environment(name)) {
      value = {std::move(*given), name};
    }
  }
  for (const std::string& text : overrides) {
    const auto equals = text.find('=');
    if (equals == std::string::npos) {
      return InvalidArgument(fmt::format("--set {}: write NAME=VALUE", text));
    }
    const std::string name = text.substr(0, equals);
    if (Find(name) == nullptr) {
      return Unknown(name, "--set");
    }
    settings.values_[name] = {text.substr(equals + 1), "--set"};
  }
  for (const auto& [name, value] : settings.values_) {
    RETURN_IF_ERROR(CheckValue(*Find(name), name, value));
  }
  return settings;
}

const std::string& Settings::Text(std::string_view name) const {
  const auto it = values_.find(name);
  CHECK(it != values_.end());
  return it->second.value;
}

std::vector<std::string> Settings::Remotes() const { return RemotesIn(values_); }

std::int64_t Settings::Integer(std::string_view name) const {
  const std::string& text = Text(name);
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

bool Settings::Flag(std::string_view name) const { return Text(name) == "true"; }

Result<double> Settings::Share(std::string_view name) const {
  const std::string& text = Text(name);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0 && value <= 1)) {
    return InvalidArgument(fmt::format("{} is '{}'; write a share between 0 and 1", name, text));
  }
  return value;
}

std::vector<std::string> Settings::List(std::string_view name) const {
  std::vector<std::string> words;
  std::string_view rest = Text(name);
  while (!rest.empty()) {
    const auto comma = std::min(rest.find(','), rest.size());
    if (comma > 0) {
      words.emplace_back(rest.substr(0, comma));
    }
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return words;
}

}  // namespace vitrine::apps
