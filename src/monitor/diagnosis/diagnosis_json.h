/// A diagnosis as JSON; names of fields and codes are stable, texts are in one language:
/// {"question", "text", "causes": [{"code", "text", "confidence",
///   "evidence": [{"name", "text", "subject", "before", "after", "unit", "detail"}],
///   "healthy": [LOOK], "not_looked_at": [LOOK], "next": [{"command", "text"}]}],
///  "healthy": [LOOK], "not_looked_at": [LOOK]}, LOOK being {"name", "text"}; numbers that are not known and
/// commands that do not exist are null.
/// Threads: pure function.
#pragma once

#include <string>

#include "monitor/alerts/notification_text.h"
#include "monitor/diagnosis/cause.h"

namespace vitrine::monitor {

std::string ToJson(const Diagnosis& diagnosis, Language language);

}  // namespace vitrine::monitor
