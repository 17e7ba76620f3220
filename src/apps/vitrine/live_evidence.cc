#include "apps/vitrine/live_evidence.h"

#include <algorithm>
#include <utility>

#include "apps/vitrine/process_metrics.h"
#include "core/pace.h"

namespace vitrine::apps {
namespace {

constexpr std::size_t kClocks = 1024;
constexpr std::size_t kSeconds = 60;
constexpr std::size_t kMinutes = 60;
constexpr Micros kMinute{60 * kMicrosPerSecond};
/// Versions whose tensors are watched; a server that loads more than that one after the other forgets the rest.
constexpr std::size_t kMostVersions = 64;
constexpr double kNanoseconds = 1e-9;

monitor::TensorLoad TensorLoadOf(const serve::InferenceCounts& counts) {
  const auto mean = [](double sum, std::uint64_t n) {
    return n == 0 ? 0 : sum / static_cast<double>(n);
  };
  monitor::TensorLoad load;
  load.model = counts.name + ":" + counts.number;
  load.requests = counts.success + counts.fail;
  load.runs = counts.runs;
  load.cache_hits = counts.hits;
  load.cache_misses = counts.misses;
  load.queue_seconds =
      mean(static_cast<double>(counts.stages.queue) * kNanoseconds, counts.success - counts.hits);
  std::uint64_t rows = 0;
  double seconds = 0;
  for (const auto& [size, runs] : counts.by_rows) {
    rows += size * runs.count;
    seconds += static_cast<double>(runs.stages.infer) * kNanoseconds;
  }
  load.rows_per_run = mean(static_cast<double>(rows), counts.runs);
  load.run_seconds = mean(seconds, counts.runs);
  return load;
}

}  // namespace

LiveEvidence::LiveEvidence(const EvidenceSources& sources, serve::ServeObserver& next)
    : sources_(sources), next_(next), looked_(std::chrono::steady_clock::now()) {
  serving_ = Serving();
  loaded_ = Loaded();
  cpu_seconds_ = ProcessCpuSeconds();
  ends_.emplace_back(looked_, sources_.log->LastSequence());
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

LiveEvidence::~LiveEvidence() {
  thread_.request_stop();
  thread_.join();
}

// Only answers that were made: one that lay ready says nothing of the version.
void LiveEvidence::OnServed(const serve::ServedRun& run) {
  if (!run.ready) {
    const std::scoped_lock lock(mutex_);
    stretch_.times.Add(
        {.whole = run.seconds, .features = run.features_seconds, .graph = run.graph_seconds});
  }
  next_.OnServed(run);
}

void LiveEvidence::OnImpression(const Impression& impression, bool kept) {
  {
    const std::scoped_lock lock(mutex_);
    ++answers_;
    if (!impression.model.empty()) {
      stretch_.times.AddList(impression.items.size());
    }
  }
  next_.OnImpression(impression, kept);
}

void LiveEvidence::OnDegraded(std::string_view scene, std::string_view rung) {
  next_.OnDegraded(scene, rung);
}

void LiveEvidence::OnModelFailure(const serve::ServedModel& model, std::string_view message) {
  next_.OnModelFailure(model, message);
}

void LiveEvidence::OnRecord(const data::LogRecord& record) {
  const auto* event = std::get_if<Event>(&record.body);
  if (event == nullptr) {
    return;
  }
  const double late = static_cast<double>(record.received.value - event->ts.value) /
                      static_cast<double>(kMicrosPerSecond);
  const std::scoped_lock lock(mutex_);
  if (clocks_.size() < kClocks) {
    clocks_.push_back(late);
    return;
  }
  clocks_[clock_at_] = late;
  clock_at_ = (clock_at_ + 1) % kClocks;
}

monitor::Totals LiveEvidence::TotalsNow() const {
  monitor::Totals totals =
      TotalsOf(sources_.monitor->Service(), sources_.monitor->Quality(), sources_.monitor->Data());
  for (const auto& [name, value] : sources_.metrics->Samples()) {
    if (name.starts_with("vitrine_answer_lists_total")) {
      const bool hit = name.find("result=\"hit\"") != std::string::npos;
      (hit ? totals.lists_hit : totals.lists_missed) += static_cast<std::uint64_t>(value);
    }
  }
  return totals;
}

// Aliases that scenes use; the others change no answer.
LiveEvidence::Names LiveEvidence::Serving() const {
  const auto aliases = sources_.registry->Aliases();
  Names serving;
  if (!aliases.ok()) {
    return serving;
  }
  for (const auto& [name, scene] : *sources_.scenes->All()) {
    for (const std::string& alias : {scene->retriever, scene->ranker}) {
      const auto found = aliases->find(alias);
      if (found != aliases->end()) {
        serving[alias] = found->second.ToString();
      }
    }
  }
  return serving;
}

monitor::ServiceLoad LiveEvidence::Load() {
  const monitor::Totals now = TotalsNow();
  monitor::ServiceLoad load;
  {
    const std::scoped_lock lock(mutex_);
    const monitor::VersionEvidence version = Of(stretch_, Between(stretch_.begin, now));
    const auto mean = [](const std::optional<monitor::MeanSample>& sample) {
      return sample ? std::optional(sample->mean) : std::nullopt;
    };
    load.features_seconds = mean(version.features_seconds);
    load.graph_seconds = mean(version.graph_seconds);
    load.rest_seconds = mean(version.rest_seconds);
    load.cpu_share = version.cpu_share;
    load.answers_per_second = version.requests_per_second;
    if (version.cache_hits) {
      load.lists_ready = version.cache_hits->hits;
      load.lists_asked = version.cache_hits->rows;
    }
  }
  for (const serve::InferenceCounts& counts : sources_.inference->Counts("", "")) {
    if (counts.success + counts.fail > 0) {
      load.tensors.push_back(TensorLoadOf(counts));
    }
  }
  return load;
}

LiveEvidence::Names LiveEvidence::Loaded() const {
  Names loaded;
  for (const serve::VersionStatus& status : sources_.models->Versions()) {
    const std::string name(serve::SplitVersion(status.version).first);
    if (const auto newest = sources_.models->Newest(name); newest != nullptr) {
      loaded[name] = newest->version();
    }
  }
  return loaded;
}

std::optional<LiveEvidence::Deploy> LiveEvidence::Changed(const Names& before, const Names& after) {
  std::optional<Deploy> changed;
  for (const auto& [name, version] : after) {
    const auto was = before.find(name);
    const std::string from = was == before.end() ? "" : was->second;
    // One that took another's place says more than one that is the first of its name.
    if (from != version && (!changed || changed->from.empty())) {
      changed = Deploy{.from = from, .to = version};
    }
  }
  return changed;
}

monitor::VersionEvidence LiveEvidence::Of(const Stretch& stretch,
                                          const monitor::Totals& difference) {
  monitor::VersionEvidence version;
  stretch.times.FillIn(version);
  FillIn(difference, version);
  version.cores = UsableCores();
  if (stretch.cpu.weight > 0) {
    version.cpu_share = stretch.cpu.sum / stretch.cpu.weight;
    version.requests_per_second = stretch.rate.sum / stretch.rate.weight;
  }
  return version;
}

void LiveEvidence::OnModelsChanged() {
  const std::scoped_lock one(changing_);
  Names serving = Serving();
  Names loaded = Loaded();
  std::optional<Deploy> deploy = Changed(serving_, serving);
  if (!deploy) {
    deploy = Changed(loaded_, loaded);
    if (deploy && !deploy->from.empty()) {
      deploy->by_tensors = true;
    } else {
      deploy.reset();  // another name beside those that serve takes nobody's place
    }
  }
  serving_ = std::move(serving);
  loaded_ = std::move(loaded);
  if (!deploy) {
    return;
  }
  const monitor::Totals now = TotalsNow();
  const std::scoped_lock lock(mutex_);
  const monitor::Totals difference = Between(stretch_.begin, now);
  ended_ = Ended{difference, Of(stretch_, difference)};
  stretch_ = Stretch{};
  stretch_.begin = now;
  minutes_.clear();
  minutes_.emplace_back(Now(), now);
  deploy_ = std::move(deploy);
}

void LiveEvidence::Run(const std::stop_token& stop) {
  for (;;) {
    {
      std::unique_lock lock(waiting_);
      Pace::WaitFor(wake_, lock, stop, std::chrono::seconds(1), [] { return false; });
    }
    if (stop.stop_requested()) {
      return;
    }
    LookAtCores();
    LookAtTensors();
    LookAtLog();
  }
}

void LiveEvidence::LookAtCores() {
  const auto now = std::chrono::steady_clock::now();
  const double cpu = ProcessCpuSeconds();
  const auto cores = static_cast<double>(UsableCores());
  const std::scoped_lock lock(mutex_);
  const double seconds = std::chrono::duration<double>(now - looked_).count();
  const auto answers = static_cast<double>(answers_ - answers_before_);
  if (answers > 0 && seconds > 0) {
    stretch_.cpu.Add(std::min((cpu - cpu_seconds_) / seconds / cores, 1.0), answers);
    stretch_.rate.Add(answers / seconds, answers);
  }
  looked_ = now;
  cpu_seconds_ = cpu;
  answers_before_ = answers_;
}

void LiveEvidence::LookAtTensors() {
  std::vector<serve::InferenceCounts> all = sources_.inference->Counts("", "");
  const std::scoped_lock lock(mutex_);
  for (serve::InferenceCounts& counts : all) {
    const std::string version = counts.name + ":" + counts.number;
    if (!tensors_.contains(version) && tensors_.size() >= kMostVersions) {
      continue;
    }
    Tensors& tensors = tensors_[version];
    if (counts.success > tensors.last.success) {
      const auto more = [](std::uint64_t now, std::uint64_t before) {
        return static_cast<double>(now - std::min(now, before)) * kNanoseconds;
      };
      const serve::InferenceTimes& is = counts.stages;
      const serve::InferenceTimes& was = tensors.last.stages;
      tensors.stages.AddSums({more(counts.success_nanoseconds, tensors.last.success_nanoseconds),
                              more(is.input, was.input), more(is.infer, was.infer),
                              more(is.output, was.output), more(is.queue, was.queue)},
                             counts.success - tensors.last.success);
    }
    tensors.last = std::move(counts);
  }
}

void LiveEvidence::LookAtLog() {
  const std::uint64_t last = sources_.log->LastSequence();
  const Micros now = Now();
  bool minute = false;
  {
    const std::scoped_lock lock(mutex_);
    ends_.emplace_back(std::chrono::steady_clock::now(), last);
    if (ends_.size() > kSeconds) {
      ends_.pop_front();
    }
    minute = minutes_.empty() || now.value - minutes_.back().first.value >= kMinute.value;
  }
  if (!minute) {
    return;
  }
  monitor::Totals totals = TotalsNow();
  const std::scoped_lock lock(mutex_);
  minutes_.emplace_back(now, std::move(totals));
  if (minutes_.size() > kMinutes) {
    minutes_.pop_front();
  }
}

}  // namespace vitrine::apps
