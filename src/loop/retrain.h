/// One turn of the loop: what arrived -> snapshot -> candidates -> evaluation against the champion ->
/// gate -> promotion. Every stage runs in a process of its own and is remembered once done, so that
/// a turn that was interrupted goes on where it stopped.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/status.h"
#include "evaluate/gate.h"
#include "evaluate/report.h"
#include "loop/steps.h"
#include "registry/registry.h"

namespace vitrine::loop {

/// What became of a winner that is to go to users step by step.
struct HandOver {
  std::string rollout;  ///< its id; empty: none was begun
  std::string why_not;  ///< sentences: why none was begun, and what to do
  bool direct = false;  ///< there is nothing to compare with: the alias moves at once
};

struct RetrainRequest {
  std::string data_dir;
  std::vector<std::string> specs;  ///< names of ready train specs, or files
  std::string protocol;            ///< the same
  /// Alias that is judged against and that the winner gets; empty: "champion" or, where the protocol makes rankers,
  /// "ranker".
  std::string alias;
  /// A metric that the protocol's reports do not have stands for the one that decides by default (log-loss of rows).
  evaluate::GateRule gate;
  /// False: candidates are registered and judged, the champion stays.
  bool promote = true;
  /// True: what is deployed is the winner's spec fitted again on all data, the newest included, as a
  /// second version whose parent is the one that was evaluated. False: exactly what was evaluated.
  bool refit = false;
  /// Networks start from the weights of the newest evaluated version of their name that leads to the champion; where
  /// those do not fit, or have seen what is held out now, from nothing. The result says which.
  bool warm_start = false;
  /// How the winner gets the alias; null: by the registry alone. A server makes it serve first.
  std::function<Status(std::string_view alias, const registry::VersionRef&, const registry::Cause&)>
      promote_by;
  /// How the winner gets to users step by step; null: it gets the alias at once. Called again for the same turn, it gives the
  /// rollout that the turn began. `evidence` of the cause holds the gate's verdict and figures.
  std::function<Result<HandOver>(std::string_view alias, const registry::VersionRef&,
                                 const registry::Cause&)>
      roll_out_by;
  std::string reason;  ///< why the turn was started; for evidence
  /// Mapping whose rules judge every row; empty: each row's own.
  std::string mapping;
  /// Read the server's event log into the lake first.
  bool read_log = true;
  /// Told the last sequence of the log that the lake holds for good; null: nobody asks.
  std::function<Status(std::uint64_t)> log_taken;
  std::uint64_t lake_memory_mb = 768;
  std::uint64_t train_memory_mb = 0;  ///< 0: the spec's
  std::uint64_t probe_memory_mb = 2048;
  std::uint64_t probe_seconds = 120;
  registry::Cause cause;
};

struct Candidate {
  std::string spec;
  std::string folder;      ///< its artifact, before it went to the store
  std::string warm_start;  ///< artifact folder that it started from; empty: from nothing
  registry::VersionRef ref;
  evaluate::EvalReport report;
};

/// A spec that gave no candidate: what its data do not support, memory, a probe that failed.
struct FailedCandidate {
  std::string spec;
  Status reason;
};

struct RetrainOutcome {
  std::string snapshot;  ///< id
  std::string snapshot_dir;
  std::optional<std::uint64_t>
      log_taken;        ///< sequence up to which the log is in the snapshot; none: it was not read
  std::string holdout;  ///< file of the cases
  std::string alias;    ///< that was judged against
  std::string metric;   ///< that decided
  std::vector<Candidate> candidates;  ///< in the order of the specs
  std::vector<FailedCandidate> failed;
  std::optional<registry::VersionRef> champion_before;
  std::optional<evaluate::EvalReport> champion_report;
  std::size_t best = 0;  ///< index of the candidate that was judged
  evaluate::GateVerdict verdict;
  std::optional<registry::VersionRef> promoted;
  std::optional<registry::VersionRef> handed_over;  ///< passed the gate, and did not get the alias
  HandOver hand_over;                               ///< what became of it
};

/// Threads: blocks until done; one turn at a time per data directory.
/// Errors: those of the stages, each under its step's name; kCancelled; kNotFound (no such spec). A failed
///         gate is an outcome, not an error, and so is a spec that fails while another gives a candidate.
Result<RetrainOutcome> Retrain(const RetrainRequest& request, const Programs& programs,
                               registry::Registry& registry, Steps& steps);

/// One JSON object: snapshot, candidates with versions and metrics, verdict, promotion.
std::string ToJson(const RetrainOutcome& outcome);

/// A table of all candidates (and the champion), then the verdict in sentences.
std::string ToText(const RetrainOutcome& outcome, const evaluate::BootstrapOptions& bootstrap);

}  // namespace vitrine::loop
