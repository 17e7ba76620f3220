/// When shoppers come: few at night, most in the evening, more at weekends.
/// Threads: pure functions.
#pragma once

#include "core/time.h"

namespace vitrine::simulate {

/// Visits at this hour as a multiple of the mean over a week, UTC; between 0.2 and 2.3.
double VisitsAt(Micros time);

}  // namespace vitrine::simulate
