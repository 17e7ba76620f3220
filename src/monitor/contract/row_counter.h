/// Counts events for the rules of a contract as they come, in tables made once: counting asks for no
/// memory.
/// Threads: one caller at a time.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "monitor/contract/contract_rule.h"
#include "monitor/contract/event_fields.h"
#include "monitor/contract/window_counts.h"

namespace vitrine::monitor {

/// What the catalogue says of an item, as far as rules ask.
struct CatalogueFacts {
  bool known = false;
  double price = 0;
  std::array<char, 4> currency{};  ///< empty: not known
};
/// What an event's ids are held against; null: rules that need it say nothing.
struct KnownIds {
  std::function<CatalogueFacts(std::string_view item)> item;
  std::function<bool(std::string_view user)> user;
};

class RowCounter {
 public:
  /// `contract` is kept.
  explicit RowCounter(std::shared_ptr<const DataContract> contract, KnownIds known = {});

  /// Counts each item line of an event that came at `received`.
  void Count(const Event& event, Micros received);
  /// Rows that never became events. `repeated`: their event_id was there.
  void CountRefused(double rows);
  void CountRepeated(double rows);
  /// An item's row changed: what is remembered of it is looked up again.
  void ForgetItem(std::string_view id);

  [[nodiscard]] const std::vector<RuleCounts>& counts() const { return counts_; }
  [[nodiscard]] std::vector<Example> Examples() const;
  /// Begins the next window; what is known of earlier rows for duplicates and silence stays.
  void Begin();
  /// Puts back what counts() and last() gave.
  void Restore(std::vector<RuleCounts> counts, Micros last);
  [[nodiscard]] Micros last() const { return last_; }
  [[nodiscard]] const DataContract& contract() const { return *contract_; }

 private:
  static constexpr std::size_t kExampleBytes = 160;
  static constexpr std::size_t kRemembered = 1U << 16;  ///< rows, by the low bits of their hash
  static constexpr std::size_t kItems = 1U << 12;       ///< items that were looked up
  struct Compiled {
    std::uint32_t rule = 0;  ///< place in the contract
    ContractKind kind = ContractKind::kMissing;
    EventField field = EventField::kUser;
  };
  struct ItemEntry {
    std::uint64_t hash = 0;
    CatalogueFacts facts;
  };
  struct Line {
    const Event& event;
    const EventItem* item;
    Micros received;
    bool duplicate = false;
  };
  struct Sight {  ///< what one rule makes of a row; not `asked`: it says nothing of it
    bool asked = false;
    bool hit = false;
    double value = 0;
  };

  void CountLine(const Line& line);
  [[nodiscard]] Sight Look(const Compiled& compiled, const ContractRule& rule, const Line& line);
  void Remember(const Compiled& compiled, const Line& line);
  const CatalogueFacts& Item(std::string_view id);
  bool IsDuplicate(const Line& line);

  std::shared_ptr<const DataContract> contract_;
  KnownIds known_;
  std::array<std::vector<Compiled>, kEventTypes> by_type_;
  std::vector<std::uint32_t> refused_, duplicates_, silences_;
  std::vector<RuleCounts> counts_;
  std::vector<std::array<char, kExampleBytes>> examples_;  ///< ended by a zero byte
  std::vector<std::uint64_t> seen_;
  std::vector<ItemEntry> items_;
  Micros last_;  ///< when the newest row came
};

}  // namespace vitrine::monitor
