/// Looks at a data directory whose server does not run, for what would keep it from starting: settings, lock, ports,
/// keys, disk, database, the artifacts that aliases need, memory, and the other programs' libraries.
#pragma once

#include "apps/vitrine/command_line.h"
#include "monitor/diagnosis/evidence.h"

namespace vitrine::apps {

/// Starts nothing but checks of models, each in a process of its own, and changes nothing; holds the directory's lock
/// meanwhile, where nobody else does.
monitor::StartEvidence LookAtStart(const CommandLine& line);

}  // namespace vitrine::apps
