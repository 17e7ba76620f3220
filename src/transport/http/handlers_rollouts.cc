// Rollouts: begun, watched, and led by hand.
#include <algorithm>
#include <string>

#include "transport/http/api_json.h"
#include "transport/http/handler_parts.h"
#include "transport/http/handlers.h"
#include "transport/http/json_fields.h"

namespace vitrine::http {
namespace {

constexpr std::size_t kMaxPage = 500;

registry::Cause CauseOf(const Request& request, std::string_view reason) {
  registry::Cause cause;
  cause.actor = request.scope().principal;
  cause.evidence.clear();
  JsonWriter json(cause.evidence);
  json.BeginObject().Field("request_id", request.id()).FieldIfAny("reason", reason).EndObject();
  return cause;
}

void WriteRollout(JsonWriter& json, const RolloutView& view) {
  const rollout::Rollout& rollout = view.rollout;
  const rollout::Stage* stage = rollout.at();
  json.BeginObject()
      .Field("id", rollout.id)
      .Field("state", view.waits_for_approval ? std::string_view("waiting_for_approval")
                                              : rollout::RolloutStateName(rollout.state))
      .Field("candidate", rollout.candidate.ToString())
      .Field("control", rollout.control.ToString())
      .Field("alias", rollout.alias)
      .FieldIfAny("scene", rollout.scene)
      .Field("stage", static_cast<std::uint64_t>(rollout.stage));
  if (stage != nullptr) {
    json.Field("kind", rollout::StageKindName(stage->kind)).Field("share", stage->share);
  }
  json.Field("reason", rollout.reason)
      .Field("actor", rollout.actor)
      .FieldIfAny("job", rollout.job)
      .Field("started", rollout.started)
      .Field("entered", rollout.entered);
  if (rollout.ended.value != 0) {
    json.Field("ended", rollout.ended);
  }
  json.Key("approvals").BeginArray();
  for (const rollout::Approval& approval : rollout.approvals) {
    json.BeginObject()
        .Field("actor", approval.actor)
        .FieldIfAny("reason", approval.reason)
        .Field("time", approval.time)
        .EndObject();
  }
  json.EndArray();
  json.Key("policy").Raw(rollout::PolicyToJson(rollout.policy));
  json.Key("seen").Raw(view.seen);
  json.EndObject();
}

void WriteOne(const Result<RolloutView>& view, const Request& request, Response& response) {
  if (!view.ok()) {
    WriteProblem(response, request.id(), view.status());
    return;
  }
  JsonWriter json(response.body);
  WriteRollout(json, *view);
}

/// Reads the members of a body that are texts, and a policy as it stands. False after a problem.
bool ReadBody(const Request& request, Response& response, bool starts, RolloutStart& start,
              std::string& reason) {
  if (request.body().empty() && !starts) {
    return true;
  }
  FieldReader reader;
  const Status status = ReadObjectBody(request, reader, [&](ondemand::object object) {
    return reader.Members(object, [&](std::string_view key, ondemand::value member) {
      reader.Enter(key);
      if (key == "reason") {
        return reader.Text(member, reason);
      }
      if (starts && key == "candidate") {
        return reader.Text(member, start.candidate);
      }
      if (starts && key == "scene") {
        return reader.Text(member, start.scene);
      }
      if (starts && key == "policy") {
        std::string_view text;
        ondemand::object inner;
        if (member.get_object().get(inner) == simdjson::SUCCESS &&
            inner.raw_json().get(text) == simdjson::SUCCESS) {
          start.policy = text;
          return true;
        }
        return reader.Fail("invalid_argument", "'policy' must be an object.");
      }
      return reader.Fail("unknown_field",
                         "'" + std::string(key) + "' is not a field of this call.");
    });
  });
  if (!status.ok() || reader.error()) {
    WriteProblem(response, request.id(), 400, status.ok() ? reader.error().code : "bad_json",
                 status.ok() ? reader.error().message : status.message());
    return false;
  }
  return true;
}

void Lead(const Services& services, RolloutVerb verb, Request& request, Response& response) {
  RolloutStart none;
  std::string reason;
  if (Need(services.rollouts, "rollouts", request, response) &&
      ReadBody(request, response, false, none, reason)) {
    WriteOne(services.rollouts->Do(request.arg(0), verb, CauseOf(request, reason)), request,
             response);
  }
}

}  // namespace

void PostRollout(const Services& services, Request& request, Response& response) {
  RolloutStart start;
  std::string reason;
  if (!Need(services.rollouts, "rollouts", request, response) ||
      !ReadBody(request, response, true, start, reason)) {
    return;
  }
  if (start.candidate.empty()) {
    WriteProblem(response, request.id(), 400, "invalid_argument",
                 "'candidate' must name a version, NAME:NUMBER.");
    return;
  }
  const auto view = services.rollouts->Start(start, CauseOf(request, reason));
  WriteOne(view, request, response);
  if (view.ok()) {
    response.status = 201;
    response.AddHeader("Location", "/v1/rollouts/" + PercentEncode(view->rollout.id));
  }
}

void ListRollouts(const Services& services, Request& request, Response& response) {
  Page page;
  if (!Need(services.rollouts, "rollouts", request, response) ||
      !ReadPage(request, response, kMaxPage, page)) {
    return;
  }
  const auto views = services.rollouts->List(page.cursor, page.limit + 1);
  if (!views.ok()) {
    // A cursor that names none is the caller's slip, not a missing page.
    const bool cursor = views.status().code() == Code::kNotFound;
    WriteProblem(response, request.id(),
                 cursor
                     ? InvalidArgument("'cursor' must come from 'next_cursor' of the page before")
                     : views.status());
    return;
  }
  const std::size_t shown = std::min(views->size(), page.limit);
  JsonWriter json(response.body);
  json.BeginObject().Key("rollouts").BeginArray();
  for (std::size_t i = 0; i < shown; ++i) {
    WriteRollout(json, (*views)[i]);
  }
  json.EndArray();
  WriteNextCursor(json, views->size() > shown, shown > 0 ? (*views)[shown - 1].rollout.id : "");
  json.EndObject();
}

void GetRollout(const Services& services, Request& request, Response& response) {
  if (Need(services.rollouts, "rollouts", request, response)) {
    WriteOne(services.rollouts->Get(request.arg(0)), request, response);
  }
}

void PauseRollout(const Services& services, Request& request, Response& response) {
  Lead(services, RolloutVerb::kPause, request, response);
}

void ResumeRollout(const Services& services, Request& request, Response& response) {
  Lead(services, RolloutVerb::kResume, request, response);
}

void PromoteRollout(const Services& services, Request& request, Response& response) {
  Lead(services, RolloutVerb::kPromote, request, response);
}

void RollBackRollout(const Services& services, Request& request, Response& response) {
  Lead(services, RolloutVerb::kRollBack, request, response);
}

void ApproveRollout(const Services& services, Request& request, Response& response) {
  Lead(services, RolloutVerb::kApprove, request, response);
}

}  // namespace vitrine::http
