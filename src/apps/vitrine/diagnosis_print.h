/// A diagnosis for people, and two put together: what a server says of itself, and what was seen from outside.
/// Threads: pure functions.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "monitor/alerts/notification_text.h"

namespace vitrine::apps {

/// Causes of both, the surest first. What either found well was looked at.
nlohmann::json Together(const nlohmann::json& server, const nlohmann::json& here);

/// `diagnosis` as monitor::ToJson writes it, and `server`, `server_says`.
std::string DiagnosisText(const nlohmann::json& diagnosis, monitor::Language language);

}  // namespace vitrine::apps
