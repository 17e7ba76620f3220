/// The verbs of vitrine-lake. Each returns what goes to stdout.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/progress.h"
#include "core/status.h"

namespace vitrine::apps {

/// Of `drift`; lists are columns.
struct DriftArguments {
  std::string reference;  ///< sources, see adapters/duckdb/duck_frame_pair.h
  std::string current;
  std::vector<std::string> columns, words, texts;
  std::string slice;
  std::string importance;  ///< a JSON file
  std::string label;
  std::string score;
  double alpha = 0.01;
};

/// Of `check`, `contract-learn` and `reconcile`.
struct ContractArguments {
  std::string source;         ///< of reconcile: a TOML or JSON file
  std::uint64_t version = 0;  ///< of the data contract; 0: the one in force
  std::string from, until;    ///< bounds of event times; empty: open
  double alpha = 0;           ///< 0: the contract's
};

/// Of `gc`.
struct GcArguments {
  std::size_t newest = 10;
  std::string before;               ///< ISO 8601; empty: now
  std::vector<std::string> needed;  ///< hashes of snapshots
  bool dry_run = false;
};

struct LakeArguments {
  std::string data = "vitrine-data";
  bool json = false;
  std::size_t memory_limit_mb = 768;  ///< of the whole process
  int threads = 0;
  std::vector<std::string> paths;
  std::string mapping;
  std::string as_of;  ///< ISO 8601 or a number of seconds; empty: now
  bool full = false;
  std::string snapshot;  ///< empty: the newest
  std::string out;
  DriftArguments drift;
  ContractArguments contract;
  GcArguments gc;
  /// Set to kExitGateFailed where the answer is that the data are not as they should be.
  int* verdict = nullptr;
};

Result<std::string> RunImport(const LakeArguments& arguments, const Progress& progress);
Result<std::string> RunCheck(const LakeArguments& arguments, const Progress& progress);
/// A contract learned from a snapshot's rows, with the version that it was based on; nothing is kept:
/// {"based_on": 3, "contract": {...}}.
Result<std::string> RunContractLearn(const LakeArguments& arguments, const Progress& progress);
/// Our rows against a source that the user names, by day and by id.
Result<std::string> RunReconcile(const LakeArguments& arguments, const Progress& progress);
Result<std::string> RunClean(const LakeArguments& arguments, const Progress& progress);
Result<std::string> RunReplay(const LakeArguments& arguments, const Progress& progress);
Result<std::string> RunReport(const LakeArguments& arguments, const Progress& progress);
Result<std::string> RunLog(const LakeArguments& arguments, const Progress& progress);
Result<std::string> RunStates(const LakeArguments& arguments, const Progress& progress);
Result<std::string> RunCatalogue(const LakeArguments& arguments, const Progress& progress);
/// What was shown and what followed, a JSON line an item (feedback::ToJsonLine).
Result<std::string> RunExamples(const LakeArguments& arguments, const Progress& progress);
/// Two sources compared column by column. Errors: see OpenFramePair and CompareFrames.
Result<std::string> RunDrift(const LakeArguments& arguments, const Progress& progress);
/// Removes snapshots that nothing needs. Errors: those of data::Lake::Collect.
Result<std::string> RunGc(const LakeArguments& arguments, const Progress& progress);
Result<std::string> RunMappings(const LakeArguments& arguments, const Progress& progress);

}  // namespace vitrine::apps
