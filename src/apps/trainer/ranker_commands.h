/// What vitrine-trainer does with labelled rows. Each prints its result on stdout.
#pragma once

#include "apps/trainer/commands.h"
#include "core/progress.h"
#include "core/status.h"
#include "evaluate/protocol.h"
#include "train/ranker.h"
#include "train/trainer.h"

namespace vitrine::apps {

/// Trains a ranker on a snapshot's or a table's rows and writes the artifact.
Status TrainRankerCommand(const TrainFlags& flags, train::TrainRequest request,
                          const train::RankerFactory& factory, const Progress& progress);

/// Writes the held-out rows of a labelled protocol.
Status SplitRowsCommand(const SplitFlags& flags, const evaluate::Protocol& protocol,
                        const Progress& progress);

}  // namespace vitrine::apps
