#include "transport/http/routes.h"

#include <array>

#include "transport/http/handlers.h"

namespace vitrine::http {
namespace {

using Placement = RequestHandler::Placement;

struct Row {
  Method method;
  std::string_view pattern;
  Permission permission;
  Placement placement;
  Handler* handler;
};

constexpr auto kInline = Placement::kInline;
constexpr auto kPool = Placement::kPool;

// Handlers that wait for the disk, a child process or many runs of a model stand on the pool.
constexpr std::array kRows = {
    // collect
    Row{Method::kPost, "/v1/events", Permission::kIngest, kPool, PostEvents},
    Row{Method::kPost, "/v1/items", Permission::kIngest, kPool, PostItems},
    Row{Method::kPost, "/v1/users", Permission::kIngest, kPool, PostUsers},
    Row{Method::kGet, "/v1/items", Permission::kServe, kPool, ListItems},
    Row{Method::kGet, "/v1/items/{item}", Permission::kServe, kInline, GetItem},
    Row{Method::kPatch, "/v1/items/{item}", Permission::kIngest, kPool, PatchItem},
    Row{Method::kDelete, "/v1/items/{item}", Permission::kIngest, kPool, DeleteItem},
    Row{Method::kPost, "/v1/impressions", Permission::kIngest, kInline, PostImpressions},
    // users
    Row{Method::kGet, "/v1/users/{user}", Permission::kAdmin, kPool, GetUser},
    Row{Method::kGet, "/v1/users/{user}/events", Permission::kAdmin, kPool, ListUserEvents},
    Row{Method::kPost, "/v1/users/{user}:export", Permission::kAdmin, kPool, ExportUser},
    Row{Method::kDelete, "/v1/users/{user}", Permission::kAdmin, kPool, EraseUser},
    // serve
    Row{Method::kPost, "/v1/recommend", Permission::kServe, kInline, PostRecommend},
    Row{Method::kGet, "/v1/recommend/{user}", Permission::kServe, kInline, GetRecommend},
    Row{Method::kGet, "/v1/similar/{item}", Permission::kServe, kInline, GetSimilar},
    Row{Method::kPost, "/v1/search", Permission::kServe, kInline, PostSearch},
    Row{Method::kPost, "/v1/rank", Permission::kServe, kInline, PostRank},
    Row{Method::kGet, "/v1/requests/{request}", Permission::kOperate, kPool, GetAnswer},
    // deploy
    Row{Method::kGet, "/v1/models", Permission::kOperate, kPool, ListModels},
    Row{Method::kPost, "/v1/models:import", Permission::kAdmin, kPool, ImportModel},
    Row{Method::kPost, "/v1/models:rollback", Permission::kOperate, kPool, RollBack},
    Row{Method::kGet, "/v1/models/{model}", Permission::kOperate, kPool, GetModel},
    Row{Method::kGet, "/v1/models/{model}/versions", Permission::kOperate, kPool, ListVersions},
    Row{Method::kGet, "/v1/models/{model}/explanation", Permission::kOperate, kPool,
        GetModelExplanation},
    Row{Method::kGet, "/v1/aliases", Permission::kOperate, kPool, ListAliases},
    Row{Method::kGet, "/v1/aliases/{alias}", Permission::kOperate, kPool, GetAlias},
    Row{Method::kPut, "/v1/aliases/{alias}", Permission::kOperate, kPool, PutAlias},
    Row{Method::kGet, "/v1/audit", Permission::kOperate, kPool, ListAudit},
    Row{Method::kGet, "/v1/scenes", Permission::kOperate, kInline, ListScenes},
    Row{Method::kGet, "/v1/scenes/{scene}", Permission::kOperate, kInline, GetScene},
    Row{Method::kPut, "/v1/scenes/{scene}", Permission::kOperate, kPool, PutScene},
    Row{Method::kDelete, "/v1/scenes/{scene}", Permission::kOperate, kPool, DeleteScene},
    Row{Method::kGet, "/v1/rules", Permission::kOperate, kInline, ListRules},
    Row{Method::kPut, "/v1/rules/{scene}/{rule}", Permission::kOperate, kPool, PutRule},
    Row{Method::kDelete, "/v1/rules/{scene}/{rule}", Permission::kOperate, kPool, DeleteRule},
    Row{Method::kPost, "/v1/rollouts", Permission::kOperate, kPool, PostRollout},
    Row{Method::kGet, "/v1/rollouts", Permission::kOperate, kPool, ListRollouts},
    Row{Method::kGet, "/v1/rollouts/{rollout}", Permission::kOperate, kPool, GetRollout},
    Row{Method::kPost, "/v1/rollouts/{rollout}:pause", Permission::kOperate, kPool, PauseRollout},
    Row{Method::kPost, "/v1/rollouts/{rollout}:resume", Permission::kOperate, kPool, ResumeRollout},
    Row{Method::kPost, "/v1/rollouts/{rollout}:promote", Permission::kOperate, kPool,
        PromoteRollout},
    Row{Method::kPost, "/v1/rollouts/{rollout}:approve", Permission::kOperate, kPool,
        ApproveRollout},
    Row{Method::kPost, "/v1/rollouts/{rollout}:rollback", Permission::kOperate, kPool,
        RollBackRollout},
    // run and watch
    Row{Method::kPost, "/v1/jobs", Permission::kOperate, kPool, PostJob},
    Row{Method::kGet, "/v1/jobs", Permission::kOperate, kPool, ListJobs},
    Row{Method::kGet, "/v1/jobs/{job}", Permission::kOperate, kPool, GetJob},
    Row{Method::kPost, "/v1/jobs/{job}:cancel", Permission::kOperate, kPool, CancelJob},
    Row{Method::kGet, "/v1/jobs/{job}/logs", Permission::kOperate, kPool, FollowJobLog},
    Row{Method::kGet, "/v1/monitors/{monitor}", Permission::kOperate, kPool, GetMonitor},
    Row{Method::kGet, "/v1/monitors/{monitor}/history", Permission::kOperate, kPool,
        GetMonitorHistory},
    Row{Method::kGet, "/v1/diagnosis", Permission::kOperate, kPool, GetDiagnosis},
    Row{Method::kGet, "/v1/retraining", Permission::kOperate, kInline, GetRetraining},
    Row{Method::kGet, "/v1/stream", Permission::kOperate, kInline, FollowChanges},
    // data contract
    Row{Method::kGet, "/v1/data-contract", Permission::kOperate, kPool, GetDataContract},
    Row{Method::kPut, "/v1/data-contract", Permission::kOperate, kPool, PutDataContract},
    Row{Method::kPost, "/v1/data-contract:learn", Permission::kOperate, kPool, LearnDataContract},
    Row{Method::kGet, "/v1/data-contract/versions", Permission::kOperate, kPool,
        ListDataContractVersions},
    Row{Method::kGet, "/v1/data-contract/versions/{number}", Permission::kOperate, kPool,
        GetDataContractVersion},
    Row{Method::kGet, "/v1/data-contract/diff", Permission::kOperate, kPool, DiffDataContract},
    // alerts
    Row{Method::kGet, "/v1/alerts", Permission::kOperate, kPool, ListAlerts},
    Row{Method::kGet, "/v1/alerts/{alert}", Permission::kOperate, kPool, GetAlert},
    Row{Method::kPost, "/v1/alerts/{alert}:acknowledge", Permission::kOperate, kPool,
        AcknowledgeAlert},
    Row{Method::kGet, "/v1/alert-rules", Permission::kOperate, kPool, ListAlertRules},
    Row{Method::kGet, "/v1/alert-rules/{rule}", Permission::kOperate, kPool, GetAlertRule},
    Row{Method::kPut, "/v1/alert-rules/{rule}", Permission::kOperate, kPool, PutAlertRule},
    Row{Method::kDelete, "/v1/alert-rules/{rule}", Permission::kOperate, kPool, DeleteAlertRule},
    Row{Method::kGet, "/v1/quiet-times", Permission::kOperate, kPool, ListQuietTimes},
    Row{Method::kPost, "/v1/quiet-times", Permission::kOperate, kPool, PostQuietTime},
    Row{Method::kPost, "/v1/quiet-times/{quiet}:end", Permission::kOperate, kPool, EndQuietTime},
    Row{Method::kGet, "/v1/alert-deliveries", Permission::kOperate, kPool, ListAlertDeliveries},
    Row{Method::kGet, "/v1/channels", Permission::kOperate, kPool, ListChannels},
    Row{Method::kPost, "/v1/channels/{channel}:test", Permission::kOperate, kPool, TestChannel},
    // inference by tensors
    Row{Method::kGet, "/v2", Permission::kServe, kInline, GetInferenceServer},
    Row{Method::kGet, "/v2/health/live", Permission::kPublic, kInline, GetInferenceLive},
    Row{Method::kGet, "/v2/health/ready", Permission::kPublic, kInline, GetInferenceReady},
    Row{Method::kGet, "/v2/models/stats", Permission::kServe, kInline, GetInferenceStats},
    Row{Method::kGet, "/v2/models/{model}", Permission::kServe, kInline, GetInferenceModel},
    Row{Method::kGet, "/v2/models/{model}/ready", Permission::kServe, kInline,
        GetInferenceModelReady},
    Row{Method::kGet, "/v2/models/{model}/config", Permission::kServe, kInline, GetInferenceConfig},
    Row{Method::kGet, "/v2/models/{model}/stats", Permission::kServe, kInline, GetInferenceStats},
    Row{Method::kPost, "/v2/models/{model}/infer", Permission::kServe, kInline, PostInfer},
    Row{Method::kGet, "/v2/models/{model}/versions/{version}", Permission::kServe, kInline,
        GetInferenceModel},
    Row{Method::kGet, "/v2/models/{model}/versions/{version}/ready", Permission::kServe, kInline,
        GetInferenceModelReady},
    Row{Method::kGet, "/v2/models/{model}/versions/{version}/config", Permission::kServe, kInline,
        GetInferenceConfig},
    Row{Method::kGet, "/v2/models/{model}/versions/{version}/stats", Permission::kServe, kInline,
        GetInferenceStats},
    Row{Method::kPost, "/v2/models/{model}/versions/{version}/infer", Permission::kServe, kInline,
        PostInfer},
    Row{Method::kPost, "/v2/repository/index", Permission::kAdmin, kInline, PostRepositoryIndex},
    Row{Method::kPost, "/v2/repository/models/{model}/load", Permission::kAdmin, kPool,
        PostRepositoryLoad},
    Row{Method::kPost, "/v2/repository/models/{model}/unload", Permission::kAdmin, kPool,
        PostRepositoryUnload},
    // operate
    Row{Method::kGet, "/livez", Permission::kPublic, kInline, GetLive},
    Row{Method::kGet, "/readyz", Permission::kPublic, kInline, GetReady},
    Row{Method::kGet, "/metrics", Permission::kOperate, kInline, GetMetrics},
    Row{Method::kGet, "/openapi.yaml", Permission::kPublic, kInline, GetOpenApi},
    Row{Method::kGet, "/", Permission::kPublic, kInline, GetStartPage},
};

}  // namespace

std::vector<Route> ApiRoutes(const Services& services) {
  std::vector<Route> routes;
  routes.reserve(kRows.size());
  for (const Row& row : kRows) {
    routes.push_back({row.method, row.pattern, row.permission, row.placement,
                      [&services, handler = row.handler](Request& request, Response& response) {
                        handler(services, request, response);
                      },
                      0});
  }
  return routes;
}

}  // namespace vitrine::http
