/// The foreground of a server: says where it is, waits, stops.
#pragma once

#include <stop_token>

#include "apps/vitrine/application.h"
#include "apps/vitrine/command_line.h"

namespace vitrine::apps {

/// Waits until the champion answers, prints the address, and returns once `stop` is requested.
Status ServeUntilStopped(Application& application, const CommandLine& line,
                         const std::stop_token& stop);

}  // namespace vitrine::apps
