/// What can be done about a cause. Commands and texts: diagnosis_text.h.
/// Threads: values.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vitrine::monitor {

/// What to do next: a command of ours that exists, or words where no command can do it.
enum class Step : std::uint8_t {
  kStatus,
  kHistoryService,
  kHistoryQuality,
  kDrift,
  kRollback,
  kModelList,
  kModelShow,
  kProbe,
  kBench,
  kRetrain,
  kExplain,
  kDoctor,
  kConfig,
  kDataCheck,
  kDataReport,
  kAlerts,
  kImportAgain,
  kOtherPort,
  kOtherDirectory,
  kListenOutside,
  kKeyCreate,
  kKeyList,
  kSetHosts,
  kServerUp,
  kMoreThreads,
  kSendRequestId,
  kSendOnce,
  kSetClock,
  kWait,
  kInstall,
  kFreeMemory,
  kFreeDisk,
  kMendName,
  kOpenWay,
  kUseProxy,
  kMendScrape,
  kRestore,
};
inline constexpr std::size_t kSteps = 37;

}  // namespace vitrine::monitor
