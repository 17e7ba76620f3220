// Evidence that is broken in one way each, and the cause that must come first.
#include <algorithm>
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "monitor/diagnosis/diagnose.h"
#include "monitor/diagnosis/diagnosis_text.h"
#include "monitor/diagnosis/steady_shop_testing.h"

namespace vitrine::monitor {
namespace {

struct Case {
  const char* name;
  Question question;
  std::function<void(Evidence&)> damage;
  CauseCode first;
};

class Broken : public ::testing::TestWithParam<Case> {};

TEST_P(Broken, IsNamedFirst) {
  Evidence e = SteadyShop();
  ASSERT_TRUE(Diagnose(Question::kAll, e).empty());
  GetParam().damage(e);
  const auto causes = Diagnose(GetParam().question, e);
  ASSERT_FALSE(causes.empty());
  EXPECT_EQ(CauseName(causes[0].code), CauseName(GetParam().first));
  EXPECT_GT(causes[0].confidence, 0);
  EXPECT_LE(causes[0].confidence, 1);
  EXPECT_FALSE(causes[0].evidence.empty());
  EXPECT_FALSE(causes[0].next.empty());
  // Who asks for everything gets the same first.
  const auto all = Diagnose(Question::kAll, e);
  EXPECT_TRUE(std::any_of(all.begin(), all.end(),
                          [](const Cause& cause) { return cause.code == GetParam().first; }));
}

std::string NameOf(const ::testing::TestParamInfo<Case>& info) { return info.param.name; }

const auto kSlower = Question::kSlowerAfterDeploy;
const auto kWorse = Question::kWorseAfterDeploy;
const auto kStart = Question::kDoesNotStart;
const auto kNumbers = Question::kMonitorShowsWrongNumbers;
const auto kReach = Question::kMonitorCannotBeReached;

using E = Evidence;
using V = VersionEvidence;

INSTANTIATE_TEST_SUITE_P(
    Slower, Broken,
    ::testing::Values(Case{"LargerModel", kSlower,
                           [](E& e) {
                             Slow(e, &V::graph_seconds, 0.002);
                             e.after.model_bytes = 120'000'000;
                           },
                           CauseCode::kLargerModel},
                      Case{"SmallerBatches", kSlower,
                           [](E& e) {
                             Slow(e, &V::graph_seconds, 0.002);
                             e.after.batch_rows = 1;
                           },
                           CauseCode::kSmallerBatches},
                      Case{"Graph", kSlower, [](E& e) { Slow(e, &V::graph_seconds, 0.002); },
                           CauseCode::kGraphSlower},
                      Case{"Features", kSlower, [](E& e) { Slow(e, &V::features_seconds, 0.002); },
                           CauseCode::kFeaturesSlower},
                      Case{"FewerCores", kSlower,
                           [](E& e) {
                             Slow(e, &V::queue_seconds, 0.002);
                             e.after.cores = 2;
                             e.after.cpu_share = 0.97;
                           },
                           CauseCode::kFewerCores},
                      Case{"MoreLoad", kSlower,
                           [](E& e) {
                             Slow(e, &V::queue_seconds, 0.002);
                             e.after.requests_per_second = 400;
                           },
                           CauseCode::kMoreLoad},
                      Case{"Saturated", kSlower,
                           [](E& e) {
                             Slow(e, &V::queue_seconds, 0.002);
                             e.after.cpu_share = 0.97;
                           },
                           CauseCode::kCpuSaturated},
                      Case{"Queue", kSlower, [](E& e) { Slow(e, &V::queue_seconds, 0.002); },
                           CauseCode::kQueueLonger},
                      Case{"IndexLost", kSlower,
                           [](E& e) {
                             Slow(e, &V::rest_seconds, 0.002);
                             e.after.neighbours = false;
                           },
                           CauseCode::kIndexLost},
                      Case{"BusyMachine", kSlower,
                           [](E& e) {
                             for (auto stage :
                                  {&V::features_seconds, &V::graph_seconds, &V::rest_seconds}) {
                               Change(e.after.*stage, [](MeanSample& m) { m.mean *= 2; });
                             }
                             Slow(e, &V::rest_seconds, 0);
                             Change(e.after.latency,
                                    [](LatencySample& l) { l.mean_seconds = 0.0038; });
                             e.after.cpu_share = 0.97;
                           },
                           CauseCode::kCpuSaturated},
                      Case{"Rest", kSlower, [](E& e) { Slow(e, &V::rest_seconds, 0.002); },
                           CauseCode::kRestSlower},
                      Case{"Cache", kSlower,
                           [](E& e) {
                             Slow(e, &V::graph_seconds, 0.0001);
                             e.after.cache_hits = ShareSample{1000, 20'000};
                           },
                           CauseCode::kCacheCold}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Worse, Broken,
    ::testing::Values(Case{"Fallbacks", kWorse,
                           [](E& e) {
                             Lose(e, 0.3);
                             e.after.fallbacks = {{{"unknown_user", 2000}, {"model_failed", 6000}}};
                           },
                           CauseCode::kFallbacksUp},
                      Case{"Degraded", kWorse,
                           [](E& e) {
                             Lose(e, 0.3);
                             e.after.degraded = {{{"no_ranker", 9000}}};
                           },
                           CauseCode::kAnswersDegraded},
                      Case{"Skew", kWorse,
                           [](E& e) {
                             Lose(e, 0.3);
                             e.after.skew = {
                                 {{"price", 20'000, 8000, "request r1: served 7, recomputed 8"}}};
                           },
                           CauseCode::kFeaturesSkewed},
                      Case{"MissingFeatures", kWorse,
                           [](E& e) {
                             Lose(e, 0.3);
                             e.after.missing_features = {{{"city", ShareSample{15'000, 20'000}}}};
                           },
                           CauseCode::kFeaturesMissing},
                      Case{"Drift", kWorse,
                           [](E& e) {
                             Lose(e, 0.3);
                             Change(e.after.drift, [](auto& drift) {
                               drift.front().drifted = true;
                               drift.front().judged = true;
                               drift.front().corrected_psi = 0.4;
                             });
                           },
                           CauseCode::kInputDrift},
                      Case{"Positions", kWorse,
                           [](E& e) {
                             Lose(e, 0.3);
                             e.after.positions = {2000,   4000,   8000,   20'000, 20'000,
                                                  26'000, 30'000, 30'000, 30'000, 30'000};
                           },
                           CauseCode::kPositionsMoved},
                      Case{"LabelsLost", kWorse,
                           [](E& e) {
                             Lose(e, 0.3);
                             e.data.orphans = ShareSample{8000, 20'000};
                           },
                           CauseCode::kLabelsLost},
                      Case{"NotMature", kWorse,
                           [](E& e) {
                             Lose(e, 0.3);
                             for (SceneQuality& quality : *e.after.quality) {
                               quality.mature = 1000;
                             }
                           },
                           CauseCode::kNotMature},
                      Case{"TrafficMix", kWorse,
                           [](E& e) {
                             for (V* v : {&e.before, &e.after}) {
                               Change(v->quality, [](auto& scenes) {
                                 scenes[2].click_rate = MetricValue{0.05, 0.047, 0.053};
                               });
                             }
                             Change(e.after.quality,
                                    [](auto& scenes) { scenes[2].answers = 400'000; });
                           },
                           CauseCode::kTrafficMix},
                      Case{"Scene", kWorse, [](E& e) { Lose(e, 0.3, 1); }, CauseCode::kSceneWorse},
                      Case{"Model", kWorse, [](E& e) { Lose(e, 0.3); }, CauseCode::kModelWorse}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Start, Broken,
    ::testing::Values(Case{"Port", kStart,
                           [](E& e) {
                             Fail(e, 6);
                             e.start.port_in_use = true;
                           },
                           CauseCode::kPortInUse},
                      Case{"Directory", kStart,
                           [](E& e) {
                             Fail(e, 6);
                             e.start.text =
                                 "data is in use by process 7; stop it first, or name another "
                                 "directory with --data";
                           },
                           CauseCode::kDirectoryInUse},
                      Case{"File", kStart,
                           [](E& e) {
                             Fail(e, 3);
                             e.start.file_present = false;
                           },
                           CauseCode::kFileMissing},
                      Case{"Hash", kStart,
                           [](E& e) {
                             Fail(e, 1);
                             e.start.file_present = true;
                             e.start.hash_matches = false;
                           },
                           CauseCode::kFileDamaged},
                      Case{"Database", kStart,
                           [](E& e) {
                             Fail(e, 1);
                             e.start.database_well = false;
                           },
                           CauseCode::kDatabaseDamaged},
                      Case{"Operator", kStart,
                           [](E& e) {
                             Fail(e, 2);
                             e.start.unsupported_operators = {"Einsum"};
                           },
                           CauseCode::kOperatorUnsupported},
                      Case{"Library", kStart,
                           [](E& e) {
                             Fail(e, 1);
                             e.start.text = "libonnxruntime.so.1: cannot open shared object file";
                           },
                           CauseCode::kLibraryMissing},
                      Case{"Memory", kStart,
                           [](E& e) {
                             Fail(e, 1);
                             e.start.exit_status.reset();
                             e.start.signal = 9;
                             e.start.memory_needed_bytes = 4'000'000'000;
                             e.start.memory_free_bytes = 1'000'000'000;
                           },
                           CauseCode::kOutOfMemory},
                      Case{"Crash", kStart,
                           [](E& e) {
                             Fail(e, 0);
                             e.start.signal = 11;
                           },
                           CauseCode::kStartFailed},
                      Case{"Killed", kStart, [](E& e) { Fail(e, 137); }, CauseCode::kOutOfMemory},
                      Case{"Disk", kStart,
                           [](E& e) {
                             Fail(e, 6);
                             e.start.disk_free_bytes = 1'000'000;
                           },
                           CauseCode::kDiskFull},
                      Case{"Key", kStart,
                           [](E& e) {
                             Fail(e, 1);
                             e.start.needs_key = true;
                           },
                           CauseCode::kKeyNeeded},
                      Case{"Setting", kStart, [](E& e) { Fail(e, 2); }, CauseCode::kSettingWrong},
                      Case{"Unknown", kStart, [](E& e) { Fail(e, 1); }, CauseCode::kStartFailed}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Numbers, Broken,
    ::testing::Values(
        Case{"Rejected", kNumbers, [](E& e) { e.data.rejected = {{{"bad_currency", 3000}}}; },
             CauseCode::kRowsRejected},
        Case{"Future", kNumbers,
             [](E& e) { e.data.rejected = {{{"bad_currency", 30}, {"future_time", 9000}}}; },
             CauseCode::kClockWrong},
        Case{"Duplicates", kNumbers, [](E& e) { e.data.duplicates = ShareSample{9000, 20'000}; },
             CauseCode::kEventsTwice},
        Case{"MoreClicks", kNumbers, [](E& e) { e.data.more_clicks_than_shown = true; },
             CauseCode::kEventsTwice},
        Case{"Late", kNumbers, [](E& e) { e.data.late = ShareSample{9000, 20'000}; },
             CauseCode::kEventsLate},
        Case{"Orphans", kNumbers, [](E& e) { e.data.orphans = ShareSample{9000, 20'000}; },
             CauseCode::kRequestsUnknown},
        Case{"Unshown", kNumbers, [](E& e) { e.data.unshown = ShareSample{9000, 20'000}; },
             CauseCode::kRequestsMixedUp},
        Case{"Unjoined", kNumbers, [](E& e) { e.data.unjoined = ShareSample{18'000, 20'000}; },
             CauseCode::kRequestsMissing},
        Case{"Zone", kNumbers,
             [](E& e) { e.data.clock = ClockSample{-28'800.5, -28'799.8, -28'790, 20'000}; },
             CauseCode::kTimeZoneWrong},
        Case{"Clock", kNumbers, [](E& e) { e.data.clock = ClockSample{-300, -299, -295, 20'000}; },
             CauseCode::kClockWrong},
        Case{"Behind", kNumbers, [](E& e) { e.data.behind = 8000; }, CauseCode::kJoiningBehind},
        Case{"Forgotten", kNumbers, [](E& e) { e.data.forgotten = ShareSample{2000, 20'000}; },
             CauseCode::kAnswersForgotten},
        Case{"Sample", kNumbers, [](E& e) { e.data.sampled = 12; }, CauseCode::kSampleThin}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Reach, Broken,
    ::testing::Values(
        Case{"Down", kReach,
             [](E& e) {
               e.reach.server_alive = false;
               e.reach.connect = ConnectResult::kRefused;
             },
             CauseCode::kServerDown},
        Case{"Refused", kReach,
             [](E& e) {
               e.reach = ReachEvidence{};
               e.reach.connect = ConnectResult::kRefused;
             },
             CauseCode::kServerDown},
        Case{"Loopback", kReach, [](E& e) { e.reach.asked_from_elsewhere = true; },
             CauseCode::kLoopbackOnly},
        Case{"Port", kReach, [](E& e) { e.reach.asked_port = 9090; }, CauseCode::kPortWrong},
        Case{"NoName", kReach, [](E& e) { e.reach.resolved.emplace().clear(); },
             CauseCode::kNameUnknown},
        Case{"OtherName", kReach, [](E& e) { e.reach.resolved = {"10.9.9.9"}; },
             CauseCode::kNameElsewhere},
        Case{"Blocked", kReach, [](E& e) { e.reach.connect = ConnectResult::kTimedOut; },
             CauseCode::kBlocked},
        Case{"Tls", kReach, [](E& e) { e.reach.client_speaks_tls = true; },
             CauseCode::kTlsMismatch},
        Case{"Key", kReach, [](E& e) { e.reach.http_status = 401; }, CauseCode::kKeyRefused},
        Case{"Host", kReach,
             [](E& e) {
               e.reach.http_status = 403;
               e.reach.problem = "host_not_allowed";
             },
             CauseCode::kHostRefused},
        Case{"Error", kReach, [](E& e) { e.reach.http_status = 503; }, CauseCode::kServerError},
        Case{"Path", kReach, [](E& e) { e.reach.scrape = ScrapeConfig{"/prometheus", 10, {}}; },
             CauseCode::kScrapePathWrong},
        Case{"Timeout", kReach, [](E& e) { e.reach.scrape = ScrapeConfig{"/metrics", 1, 1.0}; },
             CauseCode::kScrapeTooShort}),
    NameOf);

}  // namespace
}  // namespace vitrine::monitor
