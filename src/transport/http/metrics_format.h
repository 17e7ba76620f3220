/// Which text format of metrics a scraper asks for. Threads: functions.
#pragma once

#include <string_view>

namespace vitrine::http {

/// True where an Accept header gives OpenMetrics 1.0.0 (or OpenMetrics of no version) at least the weight of
/// plain text. Weights that are malformed count as 0.
bool PrefersOpenMetrics(std::string_view accept);

}  // namespace vitrine::http
