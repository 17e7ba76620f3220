/// Port: how the trainer and the evaluator read a snapshot. Implemented by adapters/duckdb.
#pragma once

#include <set>
#include <string>

#include "core/progress.h"
#include "core/status.h"
#include "data/interactions.h"
#include "data/user_table.h"

namespace vitrine::data {

class SnapshotReader {
 public:
  virtual ~SnapshotReader() = default;

  /// Reads the interaction rows of the named event types (empty: every type that names items,
  /// impressions left out).
  /// Errors: kNotFound (no such snapshot), kDataLoss (a part's hash differs), kResourceExhausted.
  virtual Result<Interactions> ReadInteractions(const std::string& snapshot_dir,
                                                const std::set<EventType>& types,
                                                const Progress& progress) = 0;

  /// The catalogue, aligned with `interactions.items`; ids that only the catalogue has are added to
  /// `interactions.items` (which stays sorted; item numbers are rewritten).
  virtual Result<ItemTable> ReadItems(const std::string& snapshot_dir,
                                      Interactions& interactions) = 0;

  /// What is known of each user of `interactions`, in their order.
  virtual Result<UserTable> ReadUsers(const std::string& snapshot_dir,
                                      const Interactions& interactions) = 0;
};

}  // namespace vitrine::data
