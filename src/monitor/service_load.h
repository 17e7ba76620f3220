/// Where the time of answers goes, and how full the machine is. Values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vitrine::monitor {

/// Runs of one version's graph by its tensors, since the server began.
struct TensorLoad {
  std::string model;
  std::uint64_t requests = 0;
  std::uint64_t runs = 0;          ///< fewer than requests where those were joined
  double rows_per_run = 0;         ///< 0 where nothing ran
  double queue_seconds = 0;        ///< mean wait for a run
  double run_seconds = 0;          ///< mean of the graph's time
  std::uint64_t cache_hits = 0;    ///< answered from the cache, or with another's run
  std::uint64_t cache_misses = 0;  ///< 0 where it is off
};

/// Where the time of answers goes and how full the machine is, since the newest deploy or, without one, since the
/// server began. What was not looked at is absent.
struct ServiceLoad {
  std::optional<double> features_seconds;  ///< means of an answer
  std::optional<double> graph_seconds;
  std::optional<double> rest_seconds;  ///< everything that is neither
  std::optional<double> cpu_share;     ///< of all cores while answers were given, [0, 1]
  std::optional<double> answers_per_second;
  std::uint64_t lists_ready = 0;  ///< answers that lay ready
  std::uint64_t lists_asked = 0;  ///< answers that could have
  std::vector<TensorLoad> tensors;
};

}  // namespace vitrine::monitor
