/// The channels that messages about alerts go to, by the settings channel.NAME.* and alerts.allow_private.
#pragma once

#include <vector>

#include "apps/vitrine/settings.h"
#include "core/status.h"
#include "monitor/alerts/notification_channel.h"

namespace vitrine::apps {

/// Reads the files that the settings name; connects to nobody.
/// Errors: kInvalidArgument (a setting that cannot be used: named; no message holds what is in a file), kNotFound (a file).
Result<std::vector<monitor::AlertChannel>> OpenChannels(const Settings& settings);

}  // namespace vitrine::apps
