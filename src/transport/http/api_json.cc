#include "transport/http/api_json.h"

#include <vector>

namespace vitrine::http {
namespace {

void WriteTexts(JsonWriter& json, std::string_view name, const std::vector<std::string>& texts) {
  if (texts.empty()) {
    return;
  }
  json.Key(name).BeginArray();
  for (const std::string& text : texts) {
    json.String(text);
  }
  json.EndArray();
}

void WriteAttributes(JsonWriter& json, const Attributes& attributes) {
  if (attributes.empty()) {
    return;
  }
  json.Key("attributes").BeginObject();
  for (const auto& [name, value] : attributes) {
    json.Key(name).Value(value);
  }
  json.EndObject();
}

void WriteReason(JsonWriter& json, const serve::Reason& reason) {
  json.BeginObject()
      .Field("kind", serve::ReasonKindName(reason.kind))
      .Field("contribution", reason.contribution)
      .FieldIfAny("item_id", reason.item_id);
  if (reason.kind == serve::ReasonKind::kHistory) {
    json.Field("event", EventName(reason.type));
  }
  if (reason.error != 0) {
    json.Field("error", reason.error);
  }
  if (reason.places != 0) {
    json.Field("places", static_cast<std::int64_t>(reason.places));
  }
  json.FieldIfAny("feature", reason.feature)
      .FieldIfAny("rule", reason.rule)
      .FieldIfAny("text", reason.text)
      .EndObject();
}

void WriteReasons(JsonWriter& json, const std::vector<serve::Reason>& reasons) {
  if (reasons.empty()) {
    return;
  }
  json.Key("reasons").BeginArray();
  for (const serve::Reason& reason : reasons) {
    WriteReason(json, reason);
  }
  json.EndArray();
}

void WriteRank(JsonWriter& json, std::string_view name, std::size_t rank) {
  if (rank != 0) {
    json.Field(name, static_cast<std::uint64_t>(rank));
  }
}

void WriteNumber(JsonWriter& json, std::string_view name, const std::optional<double>& number) {
  if (number.has_value()) {
    json.Field(name, *number);
  }
}

void WriteAbsence(JsonWriter& json, const serve::Absence& absence) {
  json.BeginObject().Field("item_id", absence.item_id).Key("why").BeginArray();
  for (const serve::AbsenceReason& why : absence.why) {
    json.BeginObject()
        .Field("cause", serve::AbsenceCauseName(why.cause))
        .FieldIfAny("rule", why.rule)
        .FieldIfAny("text", why.text)
        .EndObject();
  }
  json.EndArray();
  WriteRank(json, "rank", absence.rank);
  WriteRank(json, "model_rank", absence.model_rank);
  WriteRank(json, "retriever_rank", absence.retriever_rank);
  WriteNumber(json, "score", absence.score);
  WriteNumber(json, "model_score", absence.model_score);
  WriteNumber(json, "gap", absence.gap);
  WriteReasons(json, absence.reasons);
  json.EndObject();
}

void WriteAbsenceList(JsonWriter& json, std::string_view name,
                      const std::vector<serve::Absence>& absences) {
  json.Key(name).BeginArray();
  for (const serve::Absence& absence : absences) {
    WriteAbsence(json, absence);
  }
  json.EndArray();
}

void WriteTimeIfAny(JsonWriter& json, std::string_view name, Micros time) {
  if (time.value != 0) {
    json.Field(name, time);
  }
}

}  // namespace

void WriteJsonText(JsonWriter& json, std::string_view name, std::string_view text) {
  json.Key(name);
  if (text.empty()) {
    json.Null();
  } else {
    json.Raw(text);
  }
}

void WriteItem(JsonWriter& json, const Item& item) {
  json.BeginObject()
      .Field("id", item.id)
      .Field("valid_from", item.valid_from)
      .FieldIfAny("title", item.title)
      .FieldIfAny("description", item.description)
      .FieldIfAny("brand", item.brand);
  WriteTexts(json, "categories", item.categories);
  if (item.price != 0) {
    json.Field("price", item.price);
  }
  json.FieldIfAny("currency", item.currency);
  if (item.stock >= 0) {
    json.Field("stock", item.stock);
  }
  WriteTexts(json, "tags", item.tags);
  json.FieldIfAny("image_url", item.image_url).Field("hidden", item.hidden);
  if (!item.vectors.empty()) {
    json.Key("vectors").BeginObject();
    for (const auto& [name, vector] : item.vectors) {
      json.Key(name).BeginArray();
      for (const float value : vector) {
        json.Double(static_cast<double>(value));
      }
      json.EndArray();
    }
    json.EndObject();
  }
  WriteAttributes(json, item.attributes);
  json.EndObject();
}

void WriteUser(JsonWriter& json, const User& user) {
  json.BeginObject().Field("id", user.id).Field("valid_from", user.valid_from);
  WriteAttributes(json, user.attributes);
  json.EndObject();
}

void WriteEvent(JsonWriter& json, const Event& event) {
  json.BeginObject()
      .Field("event_id", event.event_id)
      .Field("event", EventName(event.type))
      .FieldIfAny("user_id", event.user_id)
      .FieldIfAny("anonymous_id", event.anonymous_id)
      .Field("ts", event.ts);
  if (!event.items.empty()) {
    json.Key("items").BeginArray();
    for (const EventItem& item : event.items) {
      json.BeginObject().Field("item_id", item.item_id);
      if (item.position >= 0) {
        json.Field("position", item.position);
      }
      json.Field("quantity", item.quantity);
      if (item.price != 0) {
        json.Field("price", item.price);
      }
      json.EndObject();
    }
    json.EndArray();
  }
  json.FieldIfAny("request_id", event.request_id)
      .FieldIfAny("scene", event.scene)
      .FieldIfAny("query", event.query)
      .FieldIfAny("order_id", event.order_id)
      .FieldIfAny("currency", event.currency)
      .FieldIfAny("experiment", event.experiment);
  if (event.seconds != 0) {
    json.Field("seconds", event.seconds);
  }
  if (event.rating != 0) {
    json.Field("rating", event.rating);
  }
  json.FieldIfAny("replaces", event.replaces).EndObject();
}

void WriteRecommended(JsonWriter& json, const serve::RecommendedItem& item) {
  json.BeginObject()
      .Field("item_id", item.item_id)
      .Field("score", item.score)
      .Field("source", item.source);
  WriteReasons(json, item.reasons);
  json.EndObject();
}

void WriteExplained(JsonWriter& json, const serve::Explained& explained) {
  if (explained.method.empty()) {
    return;
  }
  json.Key("explanation")
      .BeginObject()
      .Field("method", explained.method)
      .Field("scored", static_cast<std::uint64_t>(explained.scored))
      .Field("residual", explained.residual)
      .EndObject();
}

void WriteAbsences(JsonWriter& json, const serve::Absences& absences) {
  if (!absences.items.empty()) {
    WriteAbsenceList(json, "why_not", absences.items);
  }
  if (absences.listed) {
    WriteAbsenceList(json, "removed", absences.removed);
  }
}

void WriteAnswer(JsonWriter& json, const serve::RecommendResponse& answer) {
  json.BeginObject()
      .Field("request_id", answer.request_id)
      .Field("scene", answer.scene)
      .Field("model", answer.model)
      .Field("personalised", answer.personalised);
  if (answer.arm != serve::Arm::kNone) {
    json.Field("rollout", answer.rollout).Field("arm", serve::ArmName(answer.arm));
  }
  if (answer.fallback != serve::Fallback::kNone) {
    json.Field("fallback", serve::FallbackName(answer.fallback)).FieldIfAny("why", answer.why);
  }
  json.FieldIfAny("degraded", serve::RungName(answer.rung));
  json.Field("seconds", answer.seconds).Key("items").BeginArray();
  for (const serve::RecommendedItem& item : answer.items) {
    WriteRecommended(json, item);
  }
  json.EndArray();
  WriteExplained(json, answer.explained);
  WriteAbsences(json, answer.absent);
  json.EndObject();
}

void WriteImpressionFields(JsonWriter& json, const Impression& impression) {
  json.Field("request_id", impression.request_id)
      .Field("ts", impression.ts)
      .Field("route", impression.route)
      .Field("scene", impression.scene)
      .FieldIfAny("subject", impression.subject)
      .FieldIfAny("query", impression.query)
      .Field("model", impression.model)
      .FieldIfAny("fallback", impression.fallback)
      .FieldIfAny("rollout", impression.rollout)
      .FieldIfAny("arm", impression.arm)
      .FieldIfAny("candidate", impression.candidate)
      .Field("personalised", impression.personalised)
      .Field("seconds", impression.seconds);
  json.Key("history").BeginArray();
  for (const SeenEvent& event : impression.history) {
    json.BeginObject()
        .Field("item_id", event.item_id)
        .Field("ts", event.ts)
        .Field("type", EventName(event.type))
        .Field("basket", static_cast<std::uint64_t>(event.basket))
        .EndObject();
  }
  json.EndArray();
}

namespace {

// How a dense model's items are found.
void WriteRetrieval(JsonWriter& json, const serve::Retrieval& retrieval) {
  json.Key("retrieval")
      .BeginObject()
      .Field("method", retrieval.near == nullptr ? "exact" : "hnsw")
      .Field("exact_seconds", retrieval.exact_seconds);
  if (retrieval.near_seconds > 0) {
    json.Field("hnsw_seconds", retrieval.near_seconds)
        .Field("recall", retrieval.recall)
        .Field("effort", static_cast<std::uint64_t>(retrieval.effort));
  }
  if (retrieval.build_seconds > 0) {
    json.Field("build_seconds", retrieval.build_seconds);
  }
  json.Field("why", retrieval.why).EndObject();
}

}  // namespace

void WriteVersion(JsonWriter& json, const registry::ModelVersion& version,
                  const serve::VersionStatus* state) {
  json.BeginObject()
      .Field("version", version.ref.ToString())
      .Field("name", version.ref.name)
      .Field("number", static_cast<std::uint64_t>(version.ref.number))
      .Field("artifact", version.artifact)
      .Field("kind", version.kind)
      .Field("algorithm", version.algorithm)
      .Field("snapshot", version.snapshot)
      .Field("code_version", version.code_version)
      .Field("seed", version.seed)
      .FieldIfAny("parent", version.parent)
      .Field("created_by", version.created_by)
      .Field("created", version.created);
  WriteJsonText(json, "train_spec", version.train_spec);
  WriteJsonText(json, "report", version.report);
  WriteJsonText(json, "probe", version.probe);
  json.Key("state").String(state == nullptr ? "not_loaded" : serve::VersionStateName(state->state));
  if (state != nullptr) {
    WriteTexts(json, "aliases", state->aliases);
    json.FieldIfAny("error", state->error);
    if (state->load_seconds > 0) {
      json.Field("load_seconds", state->load_seconds);
    }
    if (state->retrieval) {
      WriteRetrieval(json, *state->retrieval);
    }
  }
  json.EndObject();
}

void WriteJob(JsonWriter& json, const loop::Job& job) {
  json.BeginObject()
      .Field("id", job.id)
      .Field("kind", job.kind)
      .Field("state", loop::JobStateName(job.state))
      .Field("attempts", static_cast<std::uint64_t>(job.attempts))
      .Field("actor", job.actor)
      .Field("created", job.created);
  WriteTimeIfAny(json, "started", job.started);
  WriteTimeIfAny(json, "finished", job.finished);
  WriteJsonText(json, "spec", job.spec);
  WriteJsonText(json, "progress", job.progress);
  WriteJsonText(json, "result", job.result);
  json.FieldIfAny("error", job.error).EndObject();
}

void WriteAuditEntry(JsonWriter& json, const registry::AuditEntry& entry) {
  json.BeginObject()
      .Field("number", entry.number)
      .Field("time", entry.time)
      .Field("actor", entry.actor)
      .Field("action", entry.action)
      .Field("subject", entry.subject);
  WriteJsonText(json, "evidence", entry.evidence);
  json.Field("hash", entry.hash).EndObject();
}

}  // namespace vitrine::http
