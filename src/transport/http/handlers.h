/// The functions behind the routes, in the order of the table in routes.cc. Each reads a request,
/// calls a service, and writes the answer or a problem; none keeps state. Internal.
/// Threads: any; where each runs is said in the table.
#pragma once

#include "transport/http/message.h"
#include "transport/http/services.h"

namespace vitrine::http {

using Handler = void(const Services&, Request&, Response&);

// collect
Handler PostEvents;
Handler PostItems;
Handler PostUsers;
Handler ListItems;
Handler GetItem;
Handler PatchItem;
Handler DeleteItem;
Handler PostImpressions;

// users
Handler GetUser;
Handler ListUserEvents;
Handler ExportUser;
Handler EraseUser;

// serve
Handler PostRecommend;
Handler GetRecommend;
Handler GetSimilar;
Handler PostSearch;
Handler PostRank;
Handler GetAnswer;

// deploy
Handler ListModels;
Handler GetModel;
Handler GetModelExplanation;
Handler ListVersions;
Handler ImportModel;
Handler ListAliases;
Handler GetAlias;
Handler PutAlias;
Handler RollBack;
Handler ListAudit;
Handler ListScenes;
Handler GetScene;
Handler PutScene;
Handler DeleteScene;
Handler ListRules;
Handler PutRule;
Handler DeleteRule;
Handler PostRollout;
Handler ListRollouts;
Handler GetRollout;
Handler PauseRollout;
Handler ResumeRollout;
Handler PromoteRollout;
Handler RollBackRollout;
Handler ApproveRollout;

// run and watch
Handler PostJob;
Handler ListJobs;
Handler GetJob;
Handler CancelJob;
Handler FollowJobLog;
Handler GetMonitor;
Handler GetMonitorHistory;
Handler GetDiagnosis;
Handler GetRetraining;
Handler FollowChanges;

// data contract
Handler GetDataContract;
Handler PutDataContract;
Handler LearnDataContract;
Handler ListDataContractVersions;
Handler GetDataContractVersion;
Handler DiffDataContract;

// alerts
Handler ListAlerts;
Handler GetAlert;
Handler AcknowledgeAlert;
Handler ListAlertRules;
Handler GetAlertRule;
Handler PutAlertRule;
Handler DeleteAlertRule;
Handler ListQuietTimes;
Handler PostQuietTime;
Handler EndQuietTime;
Handler ListAlertDeliveries;
Handler ListChannels;
Handler TestChannel;

// inference by tensors (/v2)
Handler GetInferenceServer;
Handler GetInferenceLive;
Handler GetInferenceReady;
Handler GetInferenceModel;
Handler GetInferenceModelReady;
Handler GetInferenceConfig;
Handler GetInferenceStats;
Handler PostInfer;
Handler PostRepositoryIndex;
Handler PostRepositoryLoad;
Handler PostRepositoryUnload;

// operate
Handler GetLive;
Handler GetReady;
Handler GetMetrics;
Handler GetOpenApi;
Handler GetStartPage;

}  // namespace vitrine::http
