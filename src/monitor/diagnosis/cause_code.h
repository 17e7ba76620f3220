/// What can be asked, and what a diagnosis can find. Names and texts: diagnosis_text.h.
/// Threads: values.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vitrine::monitor {

enum class Question : std::uint8_t {
  kSlowerAfterDeploy,
  kWorseAfterDeploy,
  kDoesNotStart,
  kMonitorShowsWrongNumbers,
  kMonitorCannotBeReached,
  kAll,
};
inline constexpr std::size_t kQuestions = 6;

enum class CauseCode : std::uint8_t {
  // Slower.
  kLargerModel,
  kSmallerBatches,
  kGraphSlower,
  kFeaturesSlower,
  kFewerCores,
  kMoreLoad,
  kCpuSaturated,
  kQueueLonger,
  kRestSlower,
  kIndexLost,
  kCacheCold,
  // Worse.
  kNotMature,
  kTrafficMix,
  kLabelsLost,
  kFallbacksUp,
  kAnswersDegraded,
  kFeaturesSkewed,
  kFeaturesMissing,
  kPositionsMoved,
  kInputDrift,
  kSceneWorse,
  kModelWorse,
  // Does not start.
  kPortInUse,
  kDirectoryInUse,
  kFileMissing,
  kFileDamaged,
  kDatabaseDamaged,
  kOperatorUnsupported,
  kLibraryMissing,
  kOutOfMemory,
  kDiskFull,
  kKeyNeeded,
  kSettingWrong,
  kStartFailed,
  // Wrong numbers.
  kRowsRejected,
  kEventsTwice,
  kEventsLate,
  kRequestsUnknown,
  kRequestsMixedUp,
  kRequestsMissing,
  kTimeZoneWrong,
  kClockWrong,
  kJoiningBehind,
  kAnswersForgotten,
  kSampleThin,
  // Cannot be reached.
  kServerDown,
  kLoopbackOnly,
  kPortWrong,
  kNameUnknown,
  kNameElsewhere,
  kBlocked,
  kTlsMismatch,
  kKeyRefused,
  kHostRefused,
  kServerError,
  kScrapePathWrong,
  kScrapeTooShort,
};
inline constexpr std::size_t kCauseCodes = 57;

}  // namespace vitrine::monitor
