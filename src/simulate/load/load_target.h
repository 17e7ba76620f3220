/// What a load is put on. The load run (load_run.h) decides when a request is due; a transport
/// implements this port, keeps the connections, and says what came of each request.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "simulate/load/arrivals.h"

namespace vitrine::simulate {

enum class LoadOutcome : std::uint8_t {
  kAnswered,  ///< whole; `status` says what
  kTimedOut,  ///< not whole when it expired
  kBroken,    ///< no connection, or it ended before the answer was whole
  kGarbled,   ///< not an answer of the protocol, or one that the transport cannot frame
};

/// The end of one request.
struct LoadAnswer {
  Nanos due = 0;  ///< as it was given to Send
  Nanos at = 0;   ///< when it ended
  LoadOutcome outcome = LoadOutcome::kAnswered;
  bool good = false;  ///< answered, and by its status a success
  int status = 0;     ///< the transport's (HTTP's three digits, gRPC's code); 0 unless answered
};

/// Threads: the one that made it. No call waits, but Wait. None allocates once it runs steadily.
class LoadTarget {
 public:
  virtual ~LoadTarget() = default;

  [[nodiscard]] virtual Nanos Now() = 0;
  /// Requests that could be sent at once.
  [[nodiscard]] virtual std::size_t free() const = 0;
  /// Sends one request; `number` picks it. Its end comes from a later Wait.
  /// Precondition: free() > 0.
  virtual void Send(std::uint64_t number, Nanos due, Nanos expires) = 0;
  /// Waits until a request ends, `until` at most; appends those that ended.
  virtual void Wait(Nanos until, std::vector<LoadAnswer>& answers) = 0;
};

}  // namespace vitrine::simulate
