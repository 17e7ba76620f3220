/// A graph that another server runs, asked over the Open Inference Protocol v2. Slow and broken servers cost no
/// more than the deadline, and soon nothing: a circuit breaker, a budget of retries, and a bound on the calls at
/// one time stand before them.
/// Its inputs are what a FeatureSpec makes of candidates; how the server wants them is read from what it says of
/// its model, at the first call and again after one that it refused.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/open_inference/circuit_breaker.h"
#include "adapters/open_inference/infer_message.h"
#include "adapters/open_inference/retry_budget.h"
#include "core/guarded.h"
#include "core/metrics.h"
#include "core/status.h"
#include "core/time.h"
#include "data/feature_spec.h"
#include "serve/candidate_scorer.h"
#include "serve/model_runtime.h"

namespace vitrine::adapters {

/// One HTTP call to the server.
struct RemoteCall {
  std::string_view target;  ///< "/v2/models/ctr/infer"
  std::string_view body;    ///< empty: GET, else POST
  std::size_t json_bytes =
      0;  ///< of the body, where raw tensors follow: sent as Inference-Header-Content-Length
  Deadline deadline;
};
struct RemoteAnswer {
  int status = 0;
  std::size_t json_bytes = 0;  ///< by the same header of the answer; 0: none
  std::string body;
};
/// Port: makes a call and waits for its answer. A program hands it in, so that no adapter speaks HTTP by
/// itself. Threads: any. Errors: kDeadlineExceeded; kDataLoss and kResourceExhausted (an answer that is not HTTP,
/// or too large); any other is of the connection.
using RemoteSend = std::function<Result<RemoteAnswer>(const RemoteCall&)>;

struct RemoteGraphOptions {
  std::string name;    ///< in messages and metrics
  std::string target;  ///< "/v2/models/NAME", of a version where one is asked for
  std::string output;  ///< empty: the first
  std::chrono::milliseconds deadline{50};  ///< of one run, with its retry
  std::size_t in_flight = 16;
  BreakerOptions breaker;
  RetryBudgetOptions retries;
  RemoteSend send;
  MetricRegistry* metrics = nullptr;  ///< must outlive the graph; null: none are written
  std::function<Deadline()> now;      ///< null: the steady clock
};

/// Threads: any, several at once.
class RemoteGraph final : public serve::LoadedGraph {
 public:
  /// `spec`: what makes the inputs.
  RemoteGraph(RemoteGraphOptions options, data::FeatureSpec spec);
  ~RemoteGraph() override;

  /// What the FeatureSpec makes.
  [[nodiscard]] const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  [[nodiscard]] const std::vector<TensorSpec>& outputs() const override { return outputs_; }

  Status Run(std::span<const Tensor> inputs, std::vector<Tensor>& outputs) const override {
    return RunUntil(inputs, outputs, Deadline::max());
  }
  /// Errors: kResourceExhausted (as many calls as may be), kUnavailable (the breaker is open, no connection),
  ///         kDeadlineExceeded, kInternal (another status, or scores that are not one finite number a
  ///         candidate), kInvalidArgument (the server's inputs are not what the FeatureSpec makes).
  Status RunUntil(std::span<const Tensor> inputs, std::vector<Tensor>& outputs,
                  Deadline deadline) const override;

  [[nodiscard]] BreakerState breaker() const { return breaker_.State(Now()); }
  [[nodiscard]] const std::string& name() const { return options_.name; }

 private:
  enum class Cause : std::uint8_t {
    kBusy,
    kOpen,
    kDeadline,
    kConnection,
    kStatus,
    kAnswer,
    kModel,  ///< what the server says of its model does not fit
  };
  static constexpr std::size_t kCauses = 7;
  static std::string_view CauseName(Cause cause);

  /// How the server takes the inputs.
  struct Wire {
    OutsideModel model;
    serve::CandidateLayout layout;
    std::string output;
    bool binary = false;
  };
  struct Failure {
    Cause cause = Cause::kConnection;
    Status status;
    bool again = false;  ///< a retry may help: nothing was answered, or that it is busy
  };
  using MaybeFailure = std::optional<Failure>;
  struct Meters;

  [[nodiscard]] Deadline Now() const;
  Status Fail(Cause cause, const Status& status) const;
  MaybeFailure Ask(std::span<const Tensor> inputs, Tensor& scores, Deadline begun,
                   Deadline until) const;
  MaybeFailure Attempt(std::span<const Tensor> inputs, Tensor& scores, Deadline until) const;
  MaybeFailure Learn(Deadline until, std::shared_ptr<const Wire>& wire) const;
  MaybeFailure Send(const RemoteCall& call, RemoteAnswer& answer) const;

  const RemoteGraphOptions options_;
  const data::FeatureSpec spec_;
  const std::string infer_target_;
  std::vector<TensorSpec> inputs_;
  std::vector<TensorSpec> outputs_;
  mutable CircuitBreaker breaker_;
  mutable RetryBudget budget_;
  mutable std::atomic<std::size_t> in_flight_{0};
  mutable Published<Wire> wire_;
  std::unique_ptr<Meters> meters_;
};

}  // namespace vitrine::adapters
