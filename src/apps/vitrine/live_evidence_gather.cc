// Everything that is known at the moment of a question.
#include <algorithm>
#include <filesystem>
#include <utility>

#include "apps/vitrine/live_evidence.h"
#include "graph/artifact_files.h"
#include "monitor/diagnosis/findings.h"

namespace vitrine::apps {
namespace {

namespace fs = std::filesystem;

/// Records that came so short a time ago may wait for the thread that counts.
constexpr std::chrono::seconds kCountedWithin{5};
constexpr std::size_t kAuditPage = 100;

/// Of all files that are loaded; none where the folder cannot be read.
std::optional<std::uint64_t> BytesOf(const std::string& folder) {
  std::error_code error;
  std::uint64_t bytes = 0;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->is_regular_file(error) && at->path().filename() != graph::kGoldenFile) {
      bytes += at->file_size(error);
    }
  }
  return error || bytes == 0 ? std::nullopt : std::optional(bytes);
}

/// What a record holds no source of (attributes of the shopper, the request's context) is made again as missing, and
/// differs whenever it was there: that says nothing.
std::vector<monitor::SkewFeature> Comparable(const std::vector<monitor::SkewFeature>& features,
                                             const serve::ServedModel* model) {
  std::vector<monitor::SkewFeature> kept;
  for (const monitor::SkewFeature& feature : features) {
    const bool outside =
        model != nullptr && std::any_of(model->spec().defs().begin(), model->spec().defs().end(),
                                        [&](const data::FeatureDef& def) {
                                          return def.name == feature.feature &&
                                                 (def.source.starts_with("user.") ||
                                                  def.source.starts_with("context."));
                                        });
    if (!outside) {
      kept.push_back(feature);
    }
  }
  return kept;
}

double Quantile(const std::vector<double>& sorted, double q) {
  return sorted[static_cast<std::size_t>(q * static_cast<double>(sorted.size() - 1))];
}

}  // namespace

// Before this process began: the newest promotion in the audit log, and what it replaced.
std::optional<LiveEvidence::Deploy> LiveEvidence::DeployOfRegistry() const {
  const auto aliases = sources_.registry->Aliases();
  const auto entries = sources_.registry->Audit(0, kAuditPage);
  if (!aliases.ok() || !entries.ok()) {
    return std::nullopt;
  }
  const auto champion = aliases->find(std::string(registry::kChampion));
  const auto previous = aliases->find(std::string(registry::kPrevious));
  if (champion == aliases->end() || previous == aliases->end()) {
    return std::nullopt;
  }
  for (const registry::AuditEntry& entry : *entries) {
    if (entry.action == "promote" || entry.action == "rollback") {
      return entry.subject == champion->second.ToString()
                 ? std::optional(Deploy{.from = previous->second.ToString(), .to = entry.subject})
                 : std::nullopt;
    }
  }
  return std::nullopt;
}

// With mutex_ held.
void LiveEvidence::AddTensors(const std::string& version,
                              monitor::VersionEvidence& evidence) const {
  using monitor::Stage;
  const auto found = tensors_.find(version);
  if (found == tensors_.end() || found->second.last.success == 0) {
    return;
  }
  const monitor::BatchMeans& stages = found->second.stages;
  evidence.latency.emplace();
  evidence.latency->seconds = stages.Of(Stage::kWhole);
  evidence.latency->mean_seconds = evidence.latency->seconds->mean;
  evidence.features_seconds = stages.Of(Stage::kFeatures);
  evidence.graph_seconds = stages.Of(Stage::kGraph);
  evidence.rest_seconds = stages.Of(Stage::kRest);
  evidence.queue_seconds = stages.Of(Stage::kQueue);
  const serve::InferenceCounts& counts = found->second.last;
  evidence.cache_hits = monitor::ShareSample{counts.hits, counts.hits + counts.misses};
}

void LiveEvidence::AddVersion(const std::string& version, const monitor::QualityReport& quality,
                              const monitor::SkewReport& skew,
                              monitor::VersionEvidence& evidence) const {
  evidence.model = version;
  std::vector<monitor::SceneQuality> scenes;
  for (const monitor::QualityRow& row : quality.rows) {
    if (row.model == version) {
      scenes.push_back({row.scene, row.answers, row.mature, row.click_rate, row.conversion_rate});
    }
  }
  evidence.quality = std::move(scenes);
  for (const monitor::SkewModel& model : skew.models) {
    if (model.model == version) {
      evidence.skew = Comparable(model.features, sources_.models->FindModel(version).get());
    }
  }
  if (const auto registered = sources_.registry->Find(version); registered.ok()) {
    if (const auto folder = sources_.registry->ArtifactPath(*registered); folder.ok()) {
      evidence.model_bytes = BytesOf(*folder);
    }
  }
  if (const auto servable = sources_.models->Find(version); servable != nullptr) {
    evidence.batch_rows = static_cast<double>(servable->batch_rows());
  }
  for (const serve::VersionStatus& status : sources_.models->Versions()) {
    if (status.version == version && status.retrieval) {
      evidence.neighbours = status.retrieval->near != nullptr;
    }
  }
}

// Of what lay in the log long enough to be counted. With mutex_ held.
std::uint64_t LiveEvidence::Behind(std::uint64_t counted) const {
  const auto before = std::chrono::steady_clock::now() - kCountedWithin;
  std::uint64_t last = ends_.front().second;
  for (const auto& [at, sequence] : ends_) {
    if (at <= before) {
      last = sequence;
    }
  }
  return last > counted ? last - counted : 0;
}

// The last hour where enough came in, but nothing from before the deploy. With mutex_ held.
void LiveEvidence::AddData(const monitor::Totals& now, const monitor::QualityReport& quality,
                           monitor::Evidence& evidence) const {
  monitor::Totals recent = Between(stretch_.begin, now);
  if (!minutes_.empty()) {
    monitor::Totals hour = Between(minutes_.front().second, now);
    if (hour.accepted >= monitor::kLeastRows && hour.shown_answers >= monitor::kLeastRows) {
      recent = std::move(hour);
    }
  }
  FillIn(recent, evidence.data);
  if (ended_) {
    FillIn(ended_->difference, evidence.data_before);
  }
  if (sources_.joins) {
    evidence.data.counted = quality.counted;
    evidence.data.behind = Behind(quality.counted);
  }
  evidence.data.more_clicks_than_shown =
      std::any_of(quality.rows.begin(), quality.rows.end(), [](const monitor::QualityRow& row) {
        return row.more_clicks_than_shown && row.answers >= monitor::kLeastRows;
      });
  if (!clocks_.empty()) {
    std::vector<double> sorted = clocks_;
    std::sort(sorted.begin(), sorted.end());
    evidence.data.clock = monitor::ClockSample{Quantile(sorted, 0.25), Quantile(sorted, 0.5),
                                               Quantile(sorted, 0.75), sorted.size()};
  }
}

// A version that should serve and does not load is a start that failed.
monitor::StartEvidence LiveEvidence::Loads() const {
  monitor::StartEvidence start;
  start.started = true;
  for (const serve::VersionStatus& status : sources_.models->Versions()) {
    if (status.state != serve::VersionState::kFailed) {
      continue;
    }
    start.started = false;
    start.text = status.version + ": " + status.error;
    start.exit_status = 1;
    const auto registered = sources_.registry->Find(status.version);
    const auto folder = registered.ok() ? sources_.registry->ArtifactPath(*registered)
                                        : Result<std::string>(registered.status());
    start.file_present = folder.ok();
    if (folder.ok()) {
      const Status opened = graph::OpenArtifact(*folder).status();
      start.file_present = opened.code() != Code::kNotFound;
      start.hash_matches = opened.code() != Code::kDataLoss;
    }
    break;
  }
  return start;
}

monitor::Evidence LiveEvidence::Gather() {
  monitor::Evidence evidence;
  const monitor::QualityReport quality = sources_.monitor->Quality();
  const monitor::SkewReport skew = sources_.monitor->Skew();
  const monitor::Totals now = TotalsNow();
  std::optional<Deploy> deploy;
  {
    const std::scoped_lock lock(mutex_);
    deploy = deploy_;
    AddData(now, quality, evidence);
    if (deploy && deploy->by_tensors) {
      AddTensors(deploy->from, evidence.before);
      AddTensors(deploy->to, evidence.after);
    } else if (deploy && !deploy->from.empty() && ended_) {
      evidence.before = ended_->version;
      evidence.after = Of(stretch_, Between(stretch_.begin, now));
    }
  }
  if (!deploy) {
    deploy = DeployOfRegistry();
  }
  if (deploy && !deploy->from.empty()) {
    AddVersion(deploy->from, quality, skew, evidence.before);
    AddVersion(deploy->to, quality, skew, evidence.after);
    for (const monitor::DriftModel& model : sources_.monitor->Drift().models) {
      if (model.model == deploy->to) {
        evidence.after.drift.emplace();
        for (const monitor::DriftSeries& series : model.series) {
          evidence.after.drift->push_back(series.training);
        }
      }
    }
  }
  evidence.start = Loads();
  return evidence;
}

}  // namespace vitrine::apps
