#include "adapters/open_inference/remote_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace vitrine::adapters {
namespace {

constexpr int kOk = 200;
constexpr int kBusyStatus = 503;

/// It was asked for what it does not have, or in another way than it wants: it may be another model by now.
bool IsOfAnotherModel(int status) { return status == 400 || status == 404 || status == 422; }

/// Which setting of a remote's table a status speaks of; empty: none.
std::string_view SettingOf(int status) {
  switch (status) {
    case 401:
    case 403:
      return "key_file";
    case 404:
      return "model";
    default:
      return "";
  }
}

}  // namespace

struct RemoteGraph::Meters {
  explicit Meters(MetricRegistry& metrics, const std::string& name)
      : requests(metrics.GetCounter("vitrine_remote_requests_total",
                                    "Runs asked of another server.", {{"remote", name}})),
        retries(metrics.GetCounter("vitrine_remote_retries_total", "Of them, asked once more.",
                                   {{"remote", name}})),
        seconds(metrics.GetHistogram("vitrine_remote_seconds",
                                     "Time that runs of another server took, failed ones too.",
                                     Histogram::LatencySeconds(), {{"remote", name}})) {
    for (std::size_t c = 0; c < kCauses; ++c) {
      failures[c] = &metrics.GetCounter(
          "vitrine_remote_failures_total",
          "Answers that came down for want of another server's scores, by cause.",
          {{"remote", name}, {"cause", std::string(CauseName(static_cast<Cause>(c)))}});
    }
  }
  Counter& requests;
  Counter& retries;
  Histogram& seconds;
  std::array<Counter*, kCauses> failures{};
};

std::string_view RemoteGraph::CauseName(Cause cause) {
  switch (cause) {
    case Cause::kBusy:
      return "busy";
    case Cause::kOpen:
      return "breaker_open";
    case Cause::kDeadline:
      return "deadline";
    case Cause::kConnection:
      return "connection";
    case Cause::kStatus:
      return "status";
    case Cause::kAnswer:
      return "answer";
    case Cause::kModel:
      return "model";
  }
  return "unknown";
}

RemoteGraph::RemoteGraph(RemoteGraphOptions options, data::FeatureSpec spec)
    : options_(std::move(options)),
      spec_(std::move(spec)),
      infer_target_(options_.target + "/infer"),
      inputs_(spec_.Outputs()),
      outputs_({{.name = "scores", .dtype = DType::kFloat32, .shape = {-1}}}),
      breaker_(options_.breaker),
      budget_(options_.retries) {
  if (options_.metrics != nullptr) {
    meters_ = std::make_unique<Meters>(*options_.metrics, options_.name);
    options_.metrics->SetCallback(
        "vitrine_remote_breaker_state", "0: closed, 1: half-open, 2: open, nothing is asked.",
        {{"remote", options_.name}}, [this] { return static_cast<double>(breaker()); });
  }
}

RemoteGraph::~RemoteGraph() = default;

Deadline RemoteGraph::Now() const {
  return options_.now ? options_.now() : std::chrono::steady_clock::now();
}

Status RemoteGraph::Fail(Cause cause, const Status& status) const {
  if (meters_ != nullptr) {
    meters_->failures[static_cast<std::size_t>(cause)]->Add();
  }
  return status.WithContext(fmt::format("remote '{}'", options_.name));
}

Status RemoteGraph::RunUntil(std::span<const Tensor> inputs, std::vector<Tensor>& outputs,
                             Deadline deadline) const {
  class Place {  // among those that are under way
   public:
    explicit Place(std::atomic<std::size_t>& count) : count_(count), number_(count.fetch_add(1)) {}
    ~Place() { count_.fetch_sub(1); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    [[nodiscard]] std::size_t number() const { return number_; }

   private:
    std::atomic<std::size_t>& count_;
    std::size_t number_;
  };
  CHECK(!inputs.empty() && !inputs.front().shape().empty());
  const Place place(in_flight_);
  if (place.number() >= options_.in_flight) {
    return Fail(Cause::kBusy, ResourceExhausted(fmt::format(
                                  "{} requests are under way; remote.{}.in_flight allows no more",
                                  options_.in_flight, options_.name)));
  }
  const Deadline begun = Now();
  const Deadline until = std::min(deadline, begun + options_.deadline);
  if (until <= begun) {
    return Fail(Cause::kDeadline, DeadlineExceeded("no time is left to ask it"));
  }
  const auto permit = breaker_.Ask(begun);
  if (!permit) {
    return Fail(Cause::kOpen,
                Unavailable("it failed too often just now; it is asked again in a while"));
  }
  // Told also where memory runs out below: a probe of which nothing is heard would keep the breaker open.
  class Telling {
   public:
    Telling(CircuitBreaker& breaker, CircuitBreaker::Permit permit, Deadline now)
        : ended(now), breaker_(breaker), permit_(permit) {}
    ~Telling() { breaker_.Tell(permit_, outcome, ended); }
    Telling(const Telling&) = delete;
    Telling& operator=(const Telling&) = delete;
    CircuitBreaker::Outcome outcome = CircuitBreaker::Outcome::kUnknown;
    Deadline ended;

   private:
    CircuitBreaker& breaker_;
    CircuitBreaker::Permit permit_;
  } telling(breaker_, *permit, begun);
  outputs.resize(1);
  const MaybeFailure failure = Ask(inputs, outputs.front(), begun, until);
  const Deadline ended = telling.ended = Now();
  // One that was given half of its time or less to answer has not failed.
  const bool cut = failure && failure->cause == Cause::kDeadline &&
                   2 * (until - begun) <= std::chrono::nanoseconds(options_.deadline);
  telling.outcome = !failure ? CircuitBreaker::Outcome::kGood
                    : cut    ? CircuitBreaker::Outcome::kUnknown
                             : CircuitBreaker::Outcome::kBad;
  if (meters_ != nullptr) {
    meters_->seconds.Observe(std::chrono::duration<double>(ended - begun).count());
  }
  return failure ? Fail(failure->cause, failure->status) : Status::Ok();
}

// A failure that came late leaves no time for another try, and one may follow only so often.
RemoteGraph::MaybeFailure RemoteGraph::Ask(std::span<const Tensor> inputs, Tensor& scores,
                                           Deadline begun, Deadline until) const {
  budget_.OnCall();
  if (meters_ != nullptr) {
    meters_->requests.Add();
  }
  MaybeFailure failure = Attempt(inputs, scores, until);
  if (failure && failure->again && 2 * (Now() - begun) <= until - begun && budget_.TakeRetry()) {
    if (meters_ != nullptr) {
      meters_->retries.Add();
    }
    failure = Attempt(inputs, scores, until);
  }
  return failure;
}

RemoteGraph::MaybeFailure RemoteGraph::Attempt(std::span<const Tensor> inputs, Tensor& scores,
                                               Deadline until) const {
  thread_local std::vector<Tensor> arranged;
  thread_local std::string body;
  thread_local std::vector<double> checked;
  std::shared_ptr<const Wire> wire;
  if (MaybeFailure failure = Learn(until, wire)) {
    return failure;
  }
  const auto candidates = static_cast<std::size_t>(inputs.front().shape().front());
  const std::size_t json_bytes = WriteInfer(wire->layout.Arrange(inputs, candidates, arranged),
                                            wire->model.inputs, wire->output, wire->binary, body);
  RemoteAnswer answer;
  if (MaybeFailure failure =
          Send({.target = infer_target_, .body = body, .json_bytes = json_bytes, .deadline = until},
               answer)) {
    if (IsOfAnotherModel(answer.status)) {
      wire_.Publish(nullptr);
    }
    return failure;
  }
  Status read = ReadInfer(answer.body, answer.json_bytes, wire->output, scores);
  if (read.ok()) {
    read = serve::ReadCandidateScores(scores, candidates, checked);
  }
  if (!read.ok()) {
    return Failure{.cause = Cause::kAnswer, .status = Internal(read.message())};
  }
  return std::nullopt;
}

RemoteGraph::MaybeFailure RemoteGraph::Learn(Deadline until,
                                             std::shared_ptr<const Wire>& wire) const {
  wire = wire_.Get();
  if (wire != nullptr) {
    return std::nullopt;
  }
  RemoteAnswer model;
  RemoteAnswer server;
  if (MaybeFailure failure =
          Send({.target = options_.target, .body = {}, .deadline = until}, model)) {
    return failure;
  }
  if (MaybeFailure failure = Send({.target = "/v2", .body = {}, .deadline = until}, server);
      failure && (failure->cause != Cause::kStatus || server.status == kBusyStatus)) {
    return failure;  // a server without /v2 speaks JSON; one that is busy has not said
  }
  auto learnt = std::make_shared<Wire>();
  auto parsed = ParseModel(model.body);
  if (!parsed.ok()) {
    return Failure{.cause = Cause::kModel, .status = Internal(parsed.status().message())};
  }
  learnt->model = *std::move(parsed);
  auto layout = serve::CandidateLayout::Of(spec_, learnt->model.inputs);
  if (!layout.ok()) {
    return Failure{.cause = Cause::kModel, .status = layout.status()};
  }
  learnt->layout = *std::move(layout);
  learnt->output = options_.output.empty() ? learnt->model.outputs.front().name : options_.output;
  learnt->binary = SpeaksBinary(server.body);
  wire = learnt;
  wire_.Publish(wire);
  return std::nullopt;
}

RemoteGraph::MaybeFailure RemoteGraph::Send(const RemoteCall& call, RemoteAnswer& answer) const {
  Result<RemoteAnswer> got = options_.send(call);
  if (!got.ok()) {
    const Code code = got.status().code();
    if (code == Code::kDataLoss || code == Code::kResourceExhausted) {
      return Failure{.cause = Cause::kAnswer, .status = Internal(got.status().message())};
    }
    const bool late = code == Code::kDeadlineExceeded;
    return Failure{
        .cause = late ? Cause::kDeadline : Cause::kConnection,
        .status = late ? DeadlineExceeded("it did not answer in time")
                       : Unavailable(fmt::format("no answer: {}", got.status().message())),
        .again = !late};
  }
  answer = *std::move(got);
  if (answer.status != kOk) {
    const std::string_view setting = SettingOf(answer.status);
    return Failure{
        .cause = Cause::kStatus,
        .status = Internal(fmt::format(
            "it answered {} with status {}{}", call.target, answer.status,
            setting.empty() ? "" : fmt::format("; see remote.{}.{}", options_.name, setting))),
        .again = answer.status == kBusyStatus};
  }
  return std::nullopt;
}

}  // namespace vitrine::adapters
