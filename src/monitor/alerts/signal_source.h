/// Where alerts take their signals from: one function, so that whoever measures can be replaced.
#pragma once

#include <functional>
#include <vector>

#include "core/time.h"
#include "monitor/alerts/signal.h"

namespace vitrine::monitor {

/// What every signal says at `now`; a series that says nothing is left out.
/// Threads: called by one thread at a time; may take locks for moments, and does no I/O.
using SignalSource = std::function<std::vector<Signal>(Micros now)>;

}  // namespace vitrine::monitor
