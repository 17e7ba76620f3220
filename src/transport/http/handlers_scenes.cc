// Scenes and their rules.
#include <algorithm>
#include <string>
#include <utility>

#include "serve/scene_json.h"
#include "transport/http/handler_parts.h"
#include "transport/http/handlers.h"

namespace vitrine::http {
namespace {

// Puts the scene in force and on disk, or neither. False after a problem.
bool Keep(const Services& services, serve::Scene scene, const Request& request,
          Response& response) {
  const std::string name = scene.name;
  const auto before = services.scenes->Find(name);
  Status status = services.scenes->Put(std::move(scene));
  if (!status.ok()) {
    WriteProblem(response, request.id(), status);
    return false;
  }
  if (services.save_scenes) {
    status = services.save_scenes(*services.scenes->All());
  }
  if (!status.ok()) {
    const Status back =
        before.ok() ? services.scenes->Put(**before) : services.scenes->Remove(name);
    WriteProblem(response, request.id(), back.ok() ? status : back);
    return false;
  }
  return true;
}

// A ranker finds no candidates of its own, so a scene that retrieves with one would always come down. An
// alias that is not there yet may be set later; a server of others is in the settings or is not.
Status CheckStages(const Services& services, const serve::Scene& scene) {
  if (serve::OutsideRankers::Names(scene.ranker) &&
      (services.outside == nullptr || services.outside->Find(scene.ranker) == nullptr)) {
    const std::string known = services.outside == nullptr ? "" : services.outside->Known();
    return InvalidArgument("scene '" + scene.name + "': 'ranker' is '" + scene.ranker +
                           "', and the settings have no such table [remote.NAME]; there are: " +
                           (known.empty() ? "none" : known));
  }
  if (services.models == nullptr) {
    return Status::Ok();
  }
  const auto version = services.models->Find(scene.retriever);
  if (version.ok() && version->kind == ModelKindName(ModelKind::kRanker)) {
    return FailedPrecondition("scene '" + scene.name + "': 'retriever' is alias '" +
                              scene.retriever + "', and " + version->ref.ToString() +
                              " is a ranker, which scores given candidates only; name it as "
                              "'ranker', beside a retriever");
  }
  return Status::Ok();
}

bool FindScene(const Services& services, std::string_view name, const Request& request,
               Response& response, serve::Scene& scene) {
  if (!Need(services.scenes, "scenes", request, response)) {
    return false;
  }
  const auto found = services.scenes->Find(name);
  if (!found.ok()) {
    WriteProblem(response, request.id(), found.status());
    return false;
  }
  scene = **found;
  return true;
}

// A rule as JSON is the one rule of a scene as JSON: one reader and one writer for both.
std::string RuleJson(const serve::Rule& rule) {
  serve::Scene scene;
  scene.name = "one";
  scene.rules = {rule};
  const std::string text = serve::SceneToJson(scene);
  const std::size_t key = text.find("\"rules\"");
  const std::size_t open = text.find('{', key);
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && text[i] == '{') {
      ++depth;
    } else if (!quoted && text[i] == '}' && --depth == 0) {
      return text.substr(open, i - open + 1);
    }
  }
  return "{}";
}

}  // namespace

void ListScenes(const Services& services, Request& request, Response& response) {
  if (Need(services.scenes, "scenes", request, response)) {
    response.body = serve::ScenesToJson(*services.scenes->All());
  }
}

void GetScene(const Services& services, Request& request, Response& response) {
  serve::Scene scene;
  if (FindScene(services, request.arg(0), request, response, scene)) {
    response.body = serve::SceneToJson(scene);
  }
}

void PutScene(const Services& services, Request& request, Response& response) {
  if (!Need(services.scenes, "scenes", request, response)) {
    return;
  }
  auto scene = serve::SceneFromJson(request.body());
  if (!scene.ok()) {
    WriteProblem(response, request.id(), scene.status());
    return;
  }
  if (scene->name != request.arg(0)) {
    WriteProblem(response, request.id(), 400, "name_differs",
                 "The body's 'name' is not the scene of the path.");
    return;
  }
  if (const Status fits = CheckStages(services, *scene); !fits.ok()) {
    WriteProblem(response, request.id(), fits);
    return;
  }
  const std::string name = scene->name;
  std::string text = serve::SceneToJson(*scene);
  if (Keep(services, std::move(scene).value(), request, response) &&
      Audit(services, request, response, "scene.put", name, text)) {
    response.body = std::move(text);
  }
}

void DeleteScene(const Services& services, Request& request, Response& response) {
  serve::Scene scene;
  if (!FindScene(services, request.arg(0), request, response, scene)) {
    return;
  }
  Status status = services.scenes->Remove(request.arg(0));
  if (status.ok() && services.save_scenes) {
    status = services.save_scenes(*services.scenes->All());
    if (!status.ok()) {
      const Status back = services.scenes->Put(scene);
      status = back.ok() ? status : back;
    }
  }
  if (!status.ok()) {
    WriteProblem(response, request.id(), status);
    return;
  }
  if (Audit(services, request, response, "scene.delete", scene.name, "{}")) {
    response.status = 204;
  }
}

void ListRules(const Services& services, Request& request, Response& response) {
  if (!Need(services.scenes, "scenes", request, response)) {
    return;
  }
  JsonWriter json(response.body);
  json.BeginObject().Key("rules").BeginArray();
  const auto all = services.scenes->All();
  for (const auto& [name, scene] : *all) {
    for (const serve::Rule& rule : scene->rules) {
      json.BeginObject().Field("scene", name).Key("rule").Raw(RuleJson(rule)).EndObject();
    }
  }
  json.EndArray().EndObject();
}

void PutRule(const Services& services, Request& request, Response& response) {
  serve::Scene scene;
  if (!FindScene(services, request.arg(0), request, response, scene)) {
    return;
  }
  const auto one =
      serve::SceneFromJson("{\"name\":\"one\",\"rules\":[" + std::string(request.body()) + "]}");
  if (!one.ok()) {
    WriteProblem(response, request.id(), one.status());
    return;
  }
  if (one->rules.size() != 1 || one->rules.front().name != request.arg(1)) {
    WriteProblem(response, request.id(), 400, "name_differs",
                 "The body must be one rule whose 'name' is the path's.");
    return;
  }
  const serve::Rule& rule = one->rules.front();
  const auto found = std::find_if(scene.rules.begin(), scene.rules.end(),
                                  [&](const serve::Rule& r) { return r.name == rule.name; });
  if (found == scene.rules.end()) {
    scene.rules.push_back(rule);
  } else {
    *found = rule;
  }
  const std::string subject = scene.name + "/" + rule.name;
  std::string text = RuleJson(rule);
  if (Keep(services, std::move(scene), request, response) &&
      Audit(services, request, response, "rule.put", subject, text)) {
    response.body = std::move(text);
  }
}

void DeleteRule(const Services& services, Request& request, Response& response) {
  serve::Scene scene;
  if (!FindScene(services, request.arg(0), request, response, scene)) {
    return;
  }
  const auto found = std::find_if(scene.rules.begin(), scene.rules.end(),
                                  [&](const serve::Rule& r) { return r.name == request.arg(1); });
  if (found == scene.rules.end()) {
    WriteProblem(
        response, request.id(), 404, "not_found",
        "The scene '" + scene.name + "' has no rule '" + std::string(request.arg(1)) + "'.");
    return;
  }
  scene.rules.erase(found);
  const std::string subject = scene.name + "/" + std::string(request.arg(1));
  if (Keep(services, std::move(scene), request, response) &&
      Audit(services, request, response, "rule.delete", subject, "{}")) {
    response.status = 204;
  }
}

}  // namespace vitrine::http
