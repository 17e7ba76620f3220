#include "adapters/otlp/span_exporter.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

namespace vitrine::adapters {
namespace {

Counter& Outcome(MetricRegistry& metrics, const char* outcome) {
  return metrics.GetCounter("vitrine_trace_spans_total",
                            "Spans of sampled requests by what became of them.",
                            {{"outcome", outcome}});
}

/// Source: OTLP/HTTP, "Retryable Response Codes".
bool MayTryAgain(int status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

/// Of a Retry-After in seconds. A date is not read: the pause is then ours.
std::optional<std::chrono::seconds> SecondsOf(std::string_view retry_after) {
  int seconds = 0;
  const char* end = retry_after.data() + retry_after.size();
  const auto [at, error] = std::from_chars(retry_after.data(), end, seconds);
  if (error != std::errc() || at != end || seconds < 0) {
    return std::nullopt;
  }
  return std::chrono::seconds(seconds);
}

/// How many spans a collector refused though it took the call: {"partialSuccess": {"rejectedSpans": "2"}}.
std::size_t RejectedIn(const std::string& body, std::size_t spans) {
  const auto answer = nlohmann::json::parse(body, nullptr, false);
  if (!answer.is_object()) {
    return 0;
  }
  const auto partial = answer.find("partialSuccess");
  if (partial == answer.end() || !partial->is_object()) {
    return 0;
  }
  const auto found = partial->find("rejectedSpans");
  if (found == partial->end()) {
    return 0;
  }
  std::size_t rejected = 0;
  const std::string text = found->is_string() ? found->get<std::string>() : found->dump();
  std::from_chars(text.data(), text.data() + text.size(), rejected);
  return std::min(rejected, spans);
}

}  // namespace

SpanExporter::SpanExporter(SpanExporterOptions options)
    : options_(std::move(options)),
      exported_(Outcome(*options_.metrics, "exported")),
      dropped_(Outcome(*options_.metrics, "dropped")),
      failed_(Outcome(*options_.metrics, "failed")),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

SpanExporter::~SpanExporter() {
  {
    const std::scoped_lock lock(mutex_);
    flush_by_ = Clock::now() + options_.flush_time;
  }
  thread_.request_stop();
  thread_.join();
}

void SpanExporter::Take(Span span) {
  const std::size_t spans = SpansOf(span);
  const std::size_t before = unsent_.fetch_add(spans, std::memory_order_relaxed);
  if (before + spans > options_.waiting_spans) {
    unsent_.fetch_sub(spans, std::memory_order_relaxed);
    dropped_.Add(spans);
    return;
  }
  {
    const std::scoped_lock lock(mutex_);
    waiting_.push_back(std::move(span));
  }
  if (before < options_.batch_spans && before + spans >= options_.batch_spans) {
    wake_.notify_one();
  }
}

void SpanExporter::Run(const std::stop_token& stop) {
  while (WaitForWork(stop)) {
    SendAll(stop);
  }
  SendAll(stop);
}

bool SpanExporter::WaitForWork(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, stop, options_.interval, [this] {
    return unsent_.load(std::memory_order_relaxed) >= options_.batch_spans;
  });
  return !stop.stop_requested();
}

void SpanExporter::Pause(const std::stop_token& stop, Clock::duration time) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, stop, time, [] { return false; });
}

void SpanExporter::SendAll(const std::stop_token& stop) {
  sending_.clear();
  {
    const std::scoped_lock lock(mutex_);
    sending_.swap(waiting_);
  }
  std::size_t first = 0;
  while (first < sending_.size()) {
    std::size_t end = first;
    std::size_t spans = 0;
    while (end < sending_.size() &&
           (spans == 0 || spans + SpansOf(sending_[end]) <= options_.batch_spans)) {
      spans += SpansOf(sending_[end++]);
    }
    Send(stop, std::span(sending_).subspan(first, end - first), spans);
    unsent_.fetch_sub(spans, std::memory_order_relaxed);
    first = end;
  }
}

void SpanExporter::Send(const std::stop_token& stop, std::span<const Span> batch,
                        std::size_t spans) {
  const std::string json = SpansToJson(options_.resource, batch);
  const Deadline give_up = Clock::now() + options_.keep_trying;
  Clock::duration pause = options_.first_pause;
  while (true) {
    const bool stopping = stop.stop_requested();
    const Deadline limit = stopping ? flush_by_ : give_up;
    const Deadline now = Clock::now();
    if (now >= limit) {
      (stopping ? dropped_ : failed_).Add(spans);
      return;
    }
    std::optional<Clock::duration> asked;
    if (const auto taken = Call(json, std::min(limit, now + options_.call_time), spans, asked)) {
      exported_.Add(*taken);
      failed_.Add(spans - *taken);
      return;
    }
    // Between half of it and all, so that many servers do not come back together.
    const Clock::duration wait = asked.value_or(pause / 2 + pause / 2 * (random_() % 1024) / 1024);
    pause = std::min<Clock::duration>(2 * pause, options_.longest_pause);
    if (stopping || Clock::now() + wait >= limit) {
      (stopping ? dropped_ : failed_).Add(spans);
      return;
    }
    Pause(stop, wait);
  }
}

std::optional<std::size_t> SpanExporter::Call(const std::string& json, Deadline deadline,
                                              std::size_t spans,
                                              std::optional<Clock::duration>& pause) {
  const Result<OtlpAnswer> answer = options_.post(json, deadline);
  if (!answer.ok()) {
    return std::nullopt;
  }
  if (answer->status >= 200 && answer->status < 300) {
    return spans - RejectedIn(answer->body, spans);
  }
  if (!MayTryAgain(answer->status)) {
    return 0;
  }
  pause = SecondsOf(answer->retry_after);
  return std::nullopt;
}

}  // namespace vitrine::adapters
