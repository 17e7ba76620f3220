/// The evaluation cases as a file (holdout.jsonl) or in memory, free of the snapshot they came from.
/// First line   {"format":1,"protocol":..,"snapshot":..,"ordinal_time":..,"parts":{"validation":n,
///               "test":n},"slices":[..],"history":"filtered"|"kept","ks":[..],"users":n,"items":n}
/// Each further {"part":"test","user":"..","history":[[id,ts,"purchase",basket],..],
///               "target":[id,..],"slices":[names that hold]}
/// Strings are JSON strings of UTF-8; ts is int64 microseconds (or the ordinal).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/event.h"
#include "core/status.h"
#include "core/time.h"
#include "data/interactions.h"
#include "evaluate/split.h"

namespace vitrine::evaluate {

/// `item` is an index into Holdout::items.
struct HoldoutEvent {
  std::uint32_t item = 0;
  Micros ts;
  EventType type = EventType::kView;
  std::uint32_t basket = 0;
  friend bool operator==(const HoldoutEvent&, const HoldoutEvent&) = default;
};

struct HoldoutCase {
  Part part = Part::kTest;
  std::string user;
  std::vector<HoldoutEvent> history;  ///< oldest first
  std::vector<std::uint32_t> target;  ///< indices into Holdout::items, distinct
  std::uint64_t slices = 0;           ///< bit s: Holdout::slices[s] holds
  friend bool operator==(const HoldoutCase&, const HoldoutCase&) = default;
};

struct Holdout {
  std::string protocol;
  std::string snapshot;
  bool ordinal_time = false;
  HistoryRule history = HistoryRule::kFiltered;
  std::vector<int> ks;
  std::vector<std::string> slices;
  std::uint64_t users = 0;            ///< of the whole snapshot
  std::uint64_t catalogue_items = 0;  ///< of the whole snapshot
  std::vector<std::string> items;     ///< ids that occur in the cases, in order of first use
  std::vector<HoldoutCase> cases;
  friend bool operator==(const Holdout&, const Holdout&) = default;

  [[nodiscard]] std::size_t CountOf(Part part) const;
};

/// The split's cases, ids resolved.
Holdout MakeHoldout(const data::Interactions& interactions, const Split& split,
                    const Protocol& protocol);

/// Writes beside `path` and renames, so that a reader never sees half a file.
/// Errors: kUnavailable (cannot write: names the path), kResourceExhausted (disk full).
Status WriteHoldout(const Holdout& holdout, const std::string& path);

/// Errors: kNotFound, kInvalidArgument (names line and column), kFailedPrecondition (newer format),
///         kDataLoss (fewer cases than the header says).
Result<Holdout> ReadHoldout(const std::string& path);

/// The same from text; `name` stands in messages.
Result<Holdout> ParseHoldout(std::string_view text, const std::string& name);

}  // namespace vitrine::evaluate
