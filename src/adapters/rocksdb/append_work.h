/// One caller's wish to the writer of the event log, and what became of it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/catalogue.h"
#include "core/event.h"
#include "core/status.h"
#include "data/event_log.h"

namespace vitrine::adapters {

struct EventRows {
  std::span<const Event> rows;
  std::vector<data::AppendVerdict> verdicts;
};
struct ItemRows {
  std::span<const Item> rows;
};
struct UserRows {
  std::span<const User> rows;
};
struct ItemRemoval {
  std::string id;
};
struct SubjectErasure {
  std::string subject;
  std::uint64_t removed = 0;
};
/// An impression on its way, with what the writer must know of it.
struct PostedImpression {
  std::string request_id;
  std::string subject;
  std::string body;  ///< EncodeImpressionBody
};
struct ImpressionRow {
  std::shared_ptr<const PostedImpression> posted;
};
struct StateRows {
  std::span<const std::pair<std::string, data::UserState>> rows;
  std::uint64_t watermark = 0;
};
struct LogDrop {
  std::uint64_t through = 0;
};
using AppendWork = std::variant<EventRows, ItemRows, UserRows, ItemRemoval, SubjectErasure,
                                ImpressionRow, StateRows, LogDrop>;

/// Impressions are promised to nobody; everything else is on disk before it is answered.
inline bool NeedsSync(const AppendWork& work) {
  return !std::holds_alternative<ImpressionRow>(work);
}

/// Work that reads what the rest of its group would change is written alone.
inline bool StandsAlone(const AppendWork& work) {
  return std::holds_alternative<SubjectErasure>(work) || std::holds_alternative<StateRows>(work) ||
         std::holds_alternative<LogDrop>(work);
}

/// For bounding a group.
inline std::size_t RowsOf(const AppendWork& work) {
  return std::visit(
      [](const auto& w) -> std::size_t {
        if constexpr (requires { w.rows; }) {
          return w.rows.size() + 1;
        } else {
          return 1;
        }
      },
      work);
}

}  // namespace vitrine::adapters
