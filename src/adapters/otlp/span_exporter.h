/// Sends spans to a collector by OTLP/HTTP with JSON, from a thread of its own. Serving threads only append to a
/// bounded buffer; what does not fit is dropped and counted.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "adapters/otlp/span_json.h"
#include "core/metrics.h"
#include "core/span.h"
#include "core/status.h"
#include "core/time.h"

namespace vitrine::adapters {

struct OtlpAnswer {
  int status = 0;
  std::string retry_after;  ///< the header; empty where absent
  std::string body;
};

/// Port: posts a JSON body to the collector and waits for its answer until the deadline. A program hands it in, so
/// that no adapter speaks HTTP by itself. Called by the exporter's thread only. Errors: any, of the connection.
using OtlpPost = std::function<Result<OtlpAnswer>(std::string_view json, Deadline deadline)>;

struct SpanExporterOptions {
  OtlpPost post;
  OtlpResource resource;
  MetricRegistry* metrics = nullptr;           ///< must outlive the exporter
  std::size_t batch_spans = 512;               ///< of one call
  std::size_t waiting_spans = 4096;            ///< more are dropped
  std::chrono::milliseconds interval{5'000};   ///< between calls where a batch is not full
  std::chrono::milliseconds call_time{3'000};  ///< for one call
  std::chrono::milliseconds first_pause{500};  ///< before a call is made again; doubles
  std::chrono::milliseconds longest_pause{8'000};
  std::chrono::milliseconds keep_trying{30'000};  ///< for one batch, then it is given up
  std::chrono::milliseconds flush_time{2'000};    ///< for what is left at the end
};

class SpanExporter final : public SpanSink {
 public:
  explicit SpanExporter(SpanExporterOptions options);
  /// Sends what waits, for flush_time at most beside the call under way; the rest is dropped.
  ~SpanExporter() override;

  /// Holds a lock for the length of an append.
  void Take(Span span) override;

 private:
  using Clock = std::chrono::steady_clock;

  void Run(const std::stop_token& stop);
  /// False where it was stopped first.
  bool WaitForWork(const std::stop_token& stop);
  void Pause(const std::stop_token& stop, Clock::duration time);
  void SendAll(const std::stop_token& stop);
  void Send(const std::stop_token& stop, std::span<const Span> batch, std::size_t spans);
  /// What became of one call; none: it may be made again, after `pause` where the collector named one.
  std::optional<std::size_t> Call(const std::string& json, Deadline deadline, std::size_t spans,
                                  std::optional<Clock::duration>& pause);

  SpanExporterOptions options_;
  Counter& exported_;
  Counter& dropped_;
  Counter& failed_;
  std::atomic<std::size_t> unsent_{0};  // spans, in waiting_ and sending_
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<Span> waiting_;
  std::vector<Span> sending_;  // of the thread
  std::minstd_rand random_{std::random_device{}()};
  Deadline flush_by_ = Deadline::max();
  std::jthread thread_;
};

}  // namespace vitrine::adapters
