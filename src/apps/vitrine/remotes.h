/// The rankers that other servers run, by the settings remote.NAME.*. What they are, and where, comes from
/// there alone: no request names a server.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "adapters/open_inference/remote_graph.h"
#include "apps/vitrine/settings.h"
#include "core/metrics.h"
#include "core/status.h"
#include "data/event_log.h"
#include "serve/item_states.h"
#include "serve/outside_rankers.h"
#include "transport/http/blocking_pool.h"

namespace vitrine::apps {

struct Remotes {
  serve::OutsideRankers rankers;
  std::vector<const adapters::RemoteGraph*> graphs;  ///< of the rankers; for reports
  /// A thread for each call that may be under way; null where there is no remote.
  std::unique_ptr<http::BlockingPool> pool;
};

/// No server is asked: one that is down keeps nobody from starting. `metrics` must outlive it.
/// Errors: kInvalidArgument (a setting that cannot be used: named), kNotFound (a file), those of
///         OutsideRankers::Add.
Result<Remotes> OpenRemotes(const Settings& settings, data::EventLog& log,
                            const serve::ItemStates& items, MetricRegistry& metrics);

}  // namespace vitrine::apps
