/// Whether an event log that was reopened after a crash is whole.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/event_log.h"

namespace vitrine::crash {

struct LogFindings {
  std::uint64_t records = 0;
  std::vector<std::string> lost;          ///< acknowledged, not in the log
  std::vector<std::string> twice;         ///< in the log more than once
  std::vector<std::string> wrong_states;  ///< subjects whose state is not what their events make
  std::vector<std::string> errors;        ///< reads that failed, gaps in the sequence
  [[nodiscard]] bool whole() const {
    return lost.empty() && twice.empty() && wrong_states.empty() && errors.empty();
  }
  /// The first few of each, for a test's message.
  [[nodiscard]] std::string Text() const;
};

/// Reads the whole log and every user's state; compares them with the acknowledged event ids and
/// with what playing all events again gives.
LogFindings CheckLog(const data::EventLog& log, const std::vector<std::string>& acknowledged);

}  // namespace vitrine::crash
