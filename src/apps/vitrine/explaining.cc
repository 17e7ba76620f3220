#include "apps/vitrine/explaining.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "explain/live_window.h"
#include "explain/phrases.h"

namespace vitrine::apps {
namespace {

using explain::GlobalComparison;
using explain::GlobalReport;
using explain::Language;
using explain::Phrase;
using nlohmann::json;

/// A window of fewer answers says nothing of the order of what they rest on.
constexpr std::size_t kLeastAnswers = 30;
/// After a start, so that it has something to look at.
constexpr std::chrono::minutes kFirstLook{1};
/// Looking takes one part in so many of a core.
constexpr int kDuty = 5;
/// A change of a share that is worth a sentence, and how many are told.
constexpr double kToldChange = 0.02;
constexpr std::size_t kToldChanges = 8;

std::string Percent(double share) { return fmt::format("{:.1f} %", share * 100); }
std::string Number(double value) { return fmt::format("{:.3f}", value); }

void AddChanges(const GlobalComparison& comparison, Language language, json& findings) {
  std::size_t told = 0;
  for (const explain::FamilyComparison& part : comparison.parts) {
    for (const explain::ImportanceChange& change : part.changes) {
      if (part.segment != "all" || std::abs(change.now - change.before) < kToldChange ||
          told == kToldChanges) {
        continue;
      }
      ++told;
      const std::string feature =
          fmt::format("{} {}", explain::FamilyName(part.family), change.feature);
      findings.push_back(explain::Say(change.now > change.before ? Phrase::kGained : Phrase::kLost,
                                      language,
                                      {feature, Percent(change.before), Percent(change.now)}));
    }
  }
}

void AddVerdict(const GlobalComparison& comparison, Phrase agrees, Phrase differs,
                Language language, json& findings) {
  findings.push_back(explain::Say(comparison.agrees() ? agrees : differs, language,
                                  {Number(comparison.ndcg), Number(explain::kSameAttributions)}));
}

}  // namespace

std::chrono::minutes LiveEvery(const Settings& settings) {
  return std::chrono::minutes(
      settings.Flag("monitor.enabled") ? settings.Integer("explain.live_minutes") : 0);
}

Explaining::Explaining(Parts parts) : parts_(std::move(parts)) {
  if (parts_.live_every.count() > 0) {
    thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
  }
}

Explaining::~Explaining() = default;

Result<http::AnswerExplainer::Explained> Explaining::Explain(std::string_view request_id,
                                                             std::string_view language) const {
  ASSIGN_OR_RETURN(explain::Explanation made,
                   explain::ExplainAnswer(*parts_.recommender, *parts_.models, *parts_.explainer,
                                          request_id, language));
  return Explained{std::move(made.impression), std::move(made.items), made.same, made.explained};
}

Result<serve::Examined> Explaining::Examine(std::string_view request_id,
                                            const serve::AbsenceQuestion& question,
                                            std::string_view language) const {
  return parts_.recommender->Examine(request_id, question, language);
}

std::string Explaining::FileOf(std::string_view version) const {
  return fmt::format("{}/{}.json", parts_.folder, version);
}

Result<GlobalReport> Explaining::ReferenceOf(const std::string& version) const {
  std::ifstream in(FileOf(version), std::ios::binary);
  if (!in) {
    return NotFound(fmt::format(
        "what the answers of {0} rest on has not been worked out; run: vitrine model explain {0}, "
        "or post a job of kind 'explain' with spec {{\"version\": \"{0}\"}}",
        version));
  }
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  auto report = explain::ParseGlobalReport(text);
  return report.ok() ? std::move(report) : report.status().WithContext(FileOf(version));
}

Result<std::string> Explaining::ExplainModel(std::string_view version, std::string_view against,
                                             std::string_view language_name) const {
  ASSIGN_OR_RETURN(const Language language, explain::ParseLanguage(language_name));
  ASSIGN_OR_RETURN(const registry::ModelVersion found, parts_.registry->Find(version));
  const std::string ref = found.ref.ToString();
  ASSIGN_OR_RETURN(const GlobalReport reference, ReferenceOf(ref));
  json findings = json::array();
  findings.push_back(
      explain::Say(Phrase::kRestsOn, language, {std::to_string(reference.answers), ref}));
  json answer = {{"version", ref},
                 {"reference", json::parse(ToJson(reference))},
                 {"live", nullptr},
                 {"stability", nullptr}};
  const auto live = live_.With([&ref](const auto& by_version) {
    const auto at = by_version.find(ref);
    return at == by_version.end() ? GlobalReport{} : at->second.report;
  });
  if (live.answers >= kLeastAnswers) {
    const GlobalComparison stability = Compare(reference, live);
    answer["live"] = json::parse(ToJson(live));
    answer["stability"] = json::parse(ToJson(stability));
    AddVerdict(stability, Phrase::kLiveAgrees, Phrase::kLiveDiffers, language, findings);
    AddChanges(stability, language, findings);
  } else {
    findings.push_back(explain::Say(Phrase::kNoLiveWindow, language,
                                    {std::to_string(live.answers), std::to_string(kLeastAnswers)}));
  }
  if (!against.empty()) {
    ASSIGN_OR_RETURN(const registry::ModelVersion other, parts_.registry->Find(against));
    ASSIGN_OR_RETURN(const GlobalReport before, ReferenceOf(other.ref.ToString()));
    const GlobalComparison comparison = Compare(before, reference);
    answer["against"] = json::parse(ToJson(before));
    answer["comparison"] = json::parse(ToJson(comparison));
    AddVerdict(comparison, Phrase::kAgrees, Phrase::kDiffers, language, findings);
    AddChanges(comparison, language, findings);
  }
  answer["findings"] = std::move(findings);
  return answer.dump();
}

std::map<std::string, Stability> Explaining::Stabilities() const {
  return live_.With([](const auto& by_version) {
    std::map<std::string, Stability> stabilities;
    for (const auto& [version, live] : by_version) {
      if (live.report.answers >= kLeastAnswers) {
        stabilities.emplace(version, live.stability);
      }
    }
    return stabilities;
  });
}

bool Explaining::Rest(std::chrono::steady_clock::duration time, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

void Explaining::Run(const std::stop_token& stop) {
  std::chrono::minutes wait = std::min(kFirstLook, parts_.live_every);
  while (Rest(wait, stop)) {
    LookAtAnswers(stop);
    wait = parts_.live_every;
  }
}

void Explaining::LookAtAnswers(const std::stop_token& stop) {
  using Clock = std::chrono::steady_clock;
  const auto newest = explain::NewestAnswers(*parts_.log);
  if (!newest.ok()) {
    return;
  }
  std::map<std::string, Live> looked;
  for (const auto& [version, answers] : *newest) {
    const auto reference = ReferenceOf(version);
    const auto model = parts_.models->FindModel(version);
    if (!reference.ok() || model == nullptr || model->outside() ||
        model->candidate_layout() != nullptr) {
      continue;
    }
    Clock::time_point begun = Clock::now();
    const auto between = [&] {
      const bool goes_on = Rest((Clock::now() - begun) * (kDuty - 1), stop);
      begun = Clock::now();
      return goes_on;
    };
    auto report = explain::ExplainLive(*model, answers, Now(), between);
    if (!report.ok() || stop.stop_requested()) {
      continue;
    }
    Live& live = looked[version];
    live.stability = {.ndcg = Compare(*reference, *report).ndcg, .answers = report->answers};
    live.report = *std::move(report);
  }
  if (!stop.stop_requested()) {
    live_.With([&looked](auto& by_version) { by_version = std::move(looked); });
  }
}

}  // namespace vitrine::apps
