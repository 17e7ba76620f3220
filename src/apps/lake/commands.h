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
};

Result<std::string> RunImport(const LakeArguments& arguments, const Progress& progress);
Result<std::string> RunCheck(const LakeArguments& arguments, const Progress& progress);
Result<std::string> RunClean(const LakeArguments& arguments, const Progress& progress);
Result<std::string> RunReplay(const LakeArguments& arguments, const Progress& progress);
Result<std::string> RunReport(const LakeArguments& arguments, const Progress& progress);
Result<std::string> RunLog(const LakeArguments& arguments, const Progress& progress);
Result<std::string> RunStates(const LakeArguments& arguments, const Progress& progress);
Result<std::string> RunCatalogue(const LakeArguments& arguments, const Progress& progress);
/// Two sources compared column by column. Errors: see OpenFramePair and CompareFrames.
Result<std::string> RunDrift(const LakeArguments& arguments, const Progress& progress);
Result<std::string> RunMappings(const LakeArguments& arguments, const Progress& progress);

}  // namespace vitrine::apps
