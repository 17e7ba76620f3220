// Which settings there are.
#include "apps/vitrine/settings.h"

namespace vitrine::apps {

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
      {"train.specs", SettingType::kList,
       "popularity,item-knn-decay,transitions,hybrid,hybrid-again",
       "Models that a retraining fits: names of ready specs, or files."},
      {"train.protocol", SettingType::kText, "leave-one-out",
       "Protocol that judges them: the name of a ready one, or a file."},
      {"train.metric", SettingType::kText, "ndcg@10", "Metric that decides between candidates."},
      {"train.refit", SettingType::kFlag, "true",
       "A retraining deploys the winner fitted again on all data, the newest included; false: "
       "exactly what was evaluated."},
      {"train.warm_start", SettingType::kFlag, "false",
       "A retraining's networks start from the champion's weights where it has the same name; "
       "false: "
       "from nothing."},
      {"retrain.schedule", SettingType::kText, "",
       "When a turn of the loop is due, in cron's words, UTC, such as 0 4 * * *; empty: never."},
      {"retrain.triggers", SettingType::kList, "",
       "What else starts a turn: quality, drift (open alerts of the champion), volume, catalogue."},
      {"retrain.every_seconds", SettingType::kInteger, "10",
       "Seconds between two looks at schedule and triggers, 1 to 3600."},
      {"retrain.growth", SettingType::kText, "0.5",
       "volume: new events as a share of those the champion was fitted on."},
      {"retrain.newcomers", SettingType::kText, "0.1",
       "catalogue: share of its items that the champion does not know."},
      {"retrain.rest_minutes", SettingType::kInteger, "60",
       "Minutes after a turn in which nothing starts another by itself."},
      {"retrain.min_events", SettingType::kInteger, "1000",
       "New events without which no turn starts by itself."},
      {"retrain.per_day", SettingType::kInteger, "6",
       "Turns that start by themselves within 24 hours, at most."},
      {"retrain.promote", SettingType::kText, "direct",
       "How a turn's winner gets to users: direct (it gets the alias), or rollout (shadow, canary, "
       "then the alias)."},
      {"retrain.policy", SettingType::kText, "",
       "rollout: file with its policy, in the data directory or absolute; empty: the default one."},
      {"gc.schedule", SettingType::kText, "30 3 * * *",
       "When files that nothing needs are removed, in cron's words, UTC; empty: never."},
      {"gc.versions", SettingType::kInteger, "10",
       "Newest versions of each model whose files stay, whoever needs them."},
      {"gc.snapshots", SettingType::kInteger, "10", "Newest snapshots that stay."},
      {"gc.days", SettingType::kInteger, "30",
       "Days that an artifact or a snapshot stays at least."},
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
      {"rollout.every_ms", SettingType::kInteger, "1000",
       "Milliseconds between two looks at what a rollout's candidate does."},
      {"rollout.approval", SettingType::kFlag, "false",
       "Whether the last step of every rollout waits for the word of somebody other than who began "
       "it. `vitrine model promote` is no rollout, and does not wait."},
      {"monitor.enabled", SettingType::kFlag, "true",
       "Whether answers are watched: service, quality, drift, skew, and alerts on them."},
      {"monitor.save_ms", SettingType::kInteger, "10000",
       "Milliseconds between two times that the monitors' state is kept. What follows from the log "
       "is counted again after a crash; drift counters since then are lost."},
      {"monitor.slot_seconds", SettingType::kInteger, "10",
       "The drift window is the newest 12 slots; a slot holds 200 requests at least and lasts this "
       "long at least."},
      {"explain.live_minutes", SettingType::kInteger, "30",
       "Minutes between two looks at what live answers rest on, of versions that an explain job "
       "has "
       "made a report of; 0: never."},
      {"alerts.every_seconds", SettingType::kInteger, "15",
       "Seconds between two looks at the signals."},
      {"alerts.quality_minutes", SettingType::kInteger, "60",
       "Minutes over which clicks and purchases are counted for alerts, 5 to 10080: as long as "
       "1,000 places "
       "take to be shown, and longer where clicks are few."},
      {"alerts.gather_seconds", SettingType::kInteger, "30",
       "Seconds for which changes are gathered into one message, from the first on."},
      {"alerts.remind_hours", SettingType::kInteger, "4",
       "Hours after which an alert that fires and nobody acknowledged is told again; 0: never."},
      {"alerts.channels", SettingType::kList, "",
       "Channels of rules that name none; empty: every channel."},
      {"alerts.allow_private", SettingType::kList, "",
       "Private addresses that channels may lead to: true for all, or networks such as "
       "10.1.0.0/16; http:// is taken to those only."},
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

const std::vector<SettingDef>& ObjectiveSettingDefs() {
  static const std::vector<SettingDef> kDefs = {
      {"target", SettingType::kText, "0.99", "Share of answers that are good, 0.5 to 0.99999."},
      {"milliseconds", SettingType::kInteger, "100",
       "Good is an answer within so long; 0: a request that does not fail on the server's side."},
      {"scene", SettingType::kText, "", "Only answers of this scene; empty: all."},
  };
  return kDefs;
}

const std::vector<SettingDef>& ChannelSettingDefs() {
  static const std::vector<SettingDef> kDefs = {
      {"kind", SettingType::kText, "",
       "webhook, dingtalk, feishu, wecom, slack, email or alertmanager."},
      {"url", SettingType::kText, "",
       "Where it is, of email (smtp://HOST:PORT, smtps://HOST:PORT) and alertmanager "
       "(https://HOST:PORT)."},
      {"url_file", SettingType::kText, "",
       "File with the address, of the others: a robot's address is a secret. Its first line."},
      {"secret_file", SettingType::kText, "",
       "File with the secret that signs (webhook, dingtalk, feishu), the password (email) or a "
       "bearer token (alertmanager). Its first line."},
      {"language", SettingType::kText, "en", "Of the messages: en or zh."},
      {"user", SettingType::kText, "", "Of email: who logs in; empty: nobody."},
      {"from", SettingType::kText, "", "Of email: the sender's address."},
      {"to", SettingType::kList, "", "Of email: the receivers' addresses."},
      {"tls", SettingType::kFlag, "true",
       "Of email: STARTTLS or smtps:// is a must; false is taken to private addresses only."},
      {"ca_file", SettingType::kText, "",
       "Certificates to trust instead of the system's; empty: those."},
      {"timeout_seconds", SettingType::kInteger, "10", "Seconds for one message."},
  };
  return kDefs;
}

}  // namespace vitrine::apps
