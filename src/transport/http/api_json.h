/// How values of the core and of the stages look in answers. Internal.
#pragma once

#include "core/catalogue.h"
#include "core/event.h"
#include "core/impression.h"
#include "loop/job.h"
#include "registry/ports.h"
#include "serve/model_set.h"
#include "serve/recommend.h"
#include "transport/http/json_writer.h"

namespace vitrine::http {

void WriteItem(JsonWriter& json, const Item& item);
void WriteUser(JsonWriter& json, const User& user);
void WriteEvent(JsonWriter& json, const Event& event);
void WriteAnswer(JsonWriter& json, const serve::RecommendResponse& answer);
/// The members of one recommended item.
void WriteRecommended(JsonWriter& json, const serve::RecommendedItem& item);
/// How reasons were made: a member "explanation"; nothing where no model was asked.
void WriteExplained(JsonWriter& json, const serve::Explained& explained);
/// Members "why_not" and "removed", each where it was asked for.
void WriteAbsences(JsonWriter& json, const serve::Absences& absences);
/// Members of an impression, without the object's braces and without its items.
void WriteImpressionFields(JsonWriter& json, const Impression& impression);
/// `state` may be null: nothing is known of it here.
void WriteVersion(JsonWriter& json, const registry::ModelVersion& version,
                  const serve::VersionStatus* state);
void WriteJob(JsonWriter& json, const loop::Job& job);
void WriteAuditEntry(JsonWriter& json, const registry::AuditEntry& entry);

/// Already JSON, or null where the text is empty.
void WriteJsonText(JsonWriter& json, std::string_view name, std::string_view text);

}  // namespace vitrine::http
