/// vitrine data contract ... and vitrine data reconcile.
#pragma once

#include "apps/vitrine/command_line.h"

namespace vitrine::apps {

/// Below `vitrine data`.
void AddContractCommands(CLI::App& data, CommandLine& line);

}  // namespace vitrine::apps
