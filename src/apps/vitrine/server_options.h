/// What parts of the server take, out of the settings.
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "apps/vitrine/settings.h"
#include "apps/vitrine/watching.h"
#include "core/status.h"
#include "serve/inference.h"
#include "serve/retrieval.h"
#include "transport/http/server.h"

namespace vitrine::apps {

/// "127.0.0.1:7700" or "[::1]:7700". Errors: kInvalidArgument (names the setting).
Result<http::Listener> ParseListener(std::string_view setting, const std::string& text);

/// Bytes of a setting that is in megabytes.
std::size_t MegabytesOf(const Settings& settings, std::string_view name);

serve::InferenceOptions InferenceOptionsOf(const Settings& settings);

monitor::MonitorOptions MonitorOptionsOf(const Settings& settings);
KeeperOptions KeeperOptionsOf(const Settings& settings);

/// Errors: kInvalidArgument (retrieval.recall is no share).
Result<serve::RetrievalOptions> RetrievalOptionsOf(const Settings& settings);

}  // namespace vitrine::apps
