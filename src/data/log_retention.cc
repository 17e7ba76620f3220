#include "data/log_retention.h"

namespace vitrine::data {

Result<std::uint64_t> DropTaken(EventLog& log, std::uint64_t taken, Micros before) {
  // Binary search for the first record that stays.
  std::uint64_t low = 1;
  std::uint64_t high = taken + 1;
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    // Dropped and erased records have no row: the next one that has speaks for them.
    ASSIGN_OR_RETURN(const auto next, log.Read(middle - 1, 1));
    if (next.empty() || next.front().sequence > taken || !(next.front().received < before)) {
      high = middle;
    } else {
      low = next.front().sequence + 1;
    }
  }
  const std::uint64_t last = low - 1;
  if (last == 0) {
    return last;
  }
  RETURN_IF_ERROR(log.DropThrough(last));
  return last;
}

}  // namespace vitrine::data
