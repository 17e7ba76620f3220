/// The rows that came in, as a data contract counts them: raw rows that were taken, before cleaning,
/// of a snapshot's parts or of files under a mapping. One reading serves learning and checking.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "adapters/duckdb/database.h"
#include "core/progress.h"
#include "core/status.h"
#include "data/lake.h"
#include "monitor/contract/contract_rule.h"
#include "monitor/contract/judge_contract.h"
#include "monitor/contract/learn_contract.h"
#include "monitor/contract/window_counts.h"

namespace vitrine::duckdb {

struct ContractRowsOptions {
  std::size_t memory_limit_mb = 512;
  int threads = 0;
  std::string data_dir;  ///< its lake: the snapshot, and the catalogue where the files bring none
  std::string snapshot;  ///< empty: the newest; of no meaning where there are files
  std::vector<std::string> files;
  data::Mapping mapping;  ///< of the files
  /// Bounds of event times, microseconds; 0: as far as the rows go, and then the first and the last
  /// day are not taken for whole.
  Micros from, until;
};

/// Rows that were read and not taken.
struct RefusedRows {
  double rows = 0;     ///< all that were read, but those that the mapping leaves out
  double refused = 0;  ///< broken ones, and values that are none
  std::string example;
};

class ContractRows {
 public:
  /// Errors: kNotFound (no lake, no snapshot, no file), kFailedPrecondition (no row in the range, no
  ///         row accepted), those of data::Lake::Import and Database::Query.
  static Result<std::unique_ptr<ContractRows>> Open(const ContractRowsOptions& options,
                                                    const Progress& progress);
  ~ContractRows();
  ContractRows(const ContractRows&) = delete;
  ContractRows& operator=(const ContractRows&) = delete;

  /// Errors of all: those of Database::Query.
  Result<monitor::FeedFacts> Facts();
  /// Every hour of the range, empty ones too.
  Result<std::vector<monitor::ContractWindow>> Count(const monitor::DataContract& contract);
  /// The newest row of the window that the rule counts; empty where there is none.
  Result<std::string> ExampleOf(const monitor::ContractRule& rule, monitor::Grain grain,
                                Micros window);
  [[nodiscard]] const RefusedRows& refused() const;
  /// Columns of the sources, by mapping and table.
  [[nodiscard]] const std::map<std::string, std::vector<data::SourceColumn>, std::less<>>& columns()
      const;
  /// Times of the sources' newest rows, by the source's name: how far each feed has come.
  Result<std::map<std::string, Micros>> Newest();

 private:
  struct State;
  explicit ContractRows(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace vitrine::duckdb
