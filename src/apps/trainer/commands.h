/// The subcommands of vitrine-trainer. Each prints its result on stdout and returns a Status whose
/// message main prints on stderr.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/progress.h"
#include "core/status.h"

namespace vitrine::apps {

/// Where rows come from: a snapshot, or a table with a label.
struct RowFlags {
  std::string snapshot;
  std::string table;
  std::string label;
  std::vector<std::string> leave_out;  ///< columns of the table
};

struct TrainFlags {
  RowFlags rows;
  std::string spec;      ///< file, or name of a ready one
  std::string protocol;  ///< the same
  std::string out;
  bool refit = false;
  std::string like;        ///< artifact folder whose choices (epochs) the refit takes over
  std::string warm_start;  ///< artifact folder that networks start from, over the spec's
  std::string parent;      ///< "name:number"
  std::string name;        ///< over the spec's
  std::optional<std::uint64_t> seed;  ///< over the spec's
  std::uint64_t memory_limit_mb = 0;
};

struct SplitFlags {
  RowFlags rows;
  std::string protocol;
  std::string out;
  std::uint64_t memory_limit_mb = 0;
};

/// The memory limit in force: the flag's, else the spec's. 0: none.
Result<std::uint64_t> MemoryLimitOf(const TrainFlags& flags);

/// Trains and writes the artifact; one JSON object on stdout.
Status TrainCommand(const TrainFlags& flags, const std::string& code_version,
                    const Progress& progress);
/// Writes the evaluation cases; one JSON object on stdout.
Status SplitCommand(const SplitFlags& flags, const Progress& progress);
/// Lists algorithms, or ready specs and protocols beside them with `json`.
void ModelsCommand(bool json);

}  // namespace vitrine::apps
