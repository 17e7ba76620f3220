/// Our rows against another system's, by day and by id: what an accountant would ask.
/// Threads: values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/time.h"

namespace vitrine::data {

/// Ids of one side that the other side lacks, or has otherwise, on one day (UTC). An id's day is the
/// first of its rows there; where both have it, theirs.
struct ReconciledDay {
  Micros day;
  std::uint64_t theirs = 0, ours = 0;  ///< ids
  std::uint64_t missing = 0;           ///< theirs that we lack
  std::uint64_t extra = 0;             ///< ours that they lack
  std::uint64_t different = 0;         ///< on both sides, with amounts or days that differ
  double their_amount = 0, our_amount = 0;
  bool within = true;  ///< the tolerances
};

struct ReconciledItem {
  std::string item;
  double their_amount = 0, our_amount = 0;
};

struct ReconciledId {
  std::string id;
  std::string what;  ///< "missing", "extra", "amount", "day"
  Micros day;
  double their_amount = 0, our_amount = 0;
};

struct Reconciliation {
  std::string source, key, event;
  double rows_tolerance = 0, amount_tolerance = 0, difference = 0;
  std::uint64_t refused = 0;          ///< rows of theirs that could not be read
  std::vector<ReconciledDay> days;    ///< those that either side has, oldest first
  std::vector<ReconciledItem> items;  ///< the worst, by difference; none where no item was named
  std::vector<ReconciledId> ids;      ///< a few of each kind, the largest amounts first
  [[nodiscard]] bool agrees() const;
  [[nodiscard]] std::string ToJson() const;
  [[nodiscard]] std::string ToText() const;
};

/// Whether the day keeps the tolerances: missing, extra and different ids as a share of theirs, and
/// the sums' difference as a share of their sum. A day that they do not have has no ids of ours.
bool WithinTolerance(const ReconciledDay& day, const Reconciliation& of);

}  // namespace vitrine::data
