/// Answers and what came of them, told to the monitor in the order of time; then its estimates window by window.
#pragma once

#include <string>
#include <vector>

#include "bench/report.h"
#include "core/event.h"
#include "core/impression.h"

namespace vitrine::bench {

struct Replayed {
  Impression answer;
  std::vector<Event> events;  ///< not before it
};

/// Prints a table by window (an hour of the replay's time) and adds bars named "`name`: ...".
void ReplayEstimates(const std::string& name, const std::vector<Replayed>& log,
                     std::vector<Bar>& bars);

/// A click on a place of an answer, so many seconds later.
Event ClickOn(const Impression& answer, std::size_t place, std::int64_t seconds);

}  // namespace vitrine::bench
