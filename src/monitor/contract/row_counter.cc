#include "monitor/contract/row_counter.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "monitor/stable_hash.h"

namespace vitrine::monitor {
namespace {

constexpr double kFarFromCatalogue = 2;

bool AllDigits(std::string_view id) {
  return std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::uint64_t Mix(std::uint64_t h, std::uint64_t with) {
  h = (h ^ with) * 0x9E3779B97F4A7C15ULL;
  return h ^ (h >> 32U);
}

}  // namespace

RowCounter::RowCounter(std::shared_ptr<const DataContract> contract, KnownIds known)
    : contract_(std::move(contract)), known_(std::move(known)) {
  const auto& rules = contract_->rules;
  counts_.resize(rules.size());
  examples_.resize(rules.size());
  for (std::uint32_t r = 0; r < rules.size(); ++r) {
    const ContractRule& rule = rules[r];
    if (!rule.enabled) {
      continue;
    }
    if (rule.kind == ContractKind::kRefused) {
      refused_.push_back(r);
      continue;
    }
    if (rule.kind == ContractKind::kDuplicates) {
      duplicates_.push_back(r);
    }
    if (rule.kind == ContractKind::kSilence) {
      silences_.push_back(r);
    }
    const auto field = ParseEventField(rule.field).value_or(EventField::kEvent);
    for (int t = 0; t < kEventTypes; ++t) {
      if (rule.event.empty() || rule.event == EventName(static_cast<EventType>(t))) {
        by_type_[static_cast<std::size_t>(t)].push_back({r, rule.kind, field});
      }
    }
  }
  if (!duplicates_.empty()) {
    seen_.resize(kRemembered);
  }
  if (known_.item) {
    items_.resize(kItems);
  }
}

void RowCounter::Count(const Event& event, Micros received) {
  if (event.items.empty()) {
    CountLine({event, nullptr, received, false});
    return;
  }
  for (const EventItem& item : event.items) {
    CountLine({event, &item, received, false});
  }
}

void RowCounter::CountLine(const Line& given) {
  Line line = given;
  line.duplicate = !seen_.empty() && IsDuplicate(line);
  const auto& rules = contract_->rules;
  for (const Compiled& compiled : by_type_[static_cast<std::size_t>(line.event.type)]) {
    RuleCounts& counts = counts_[compiled.rule];
    if (compiled.kind == ContractKind::kSilence) {
      if (last_.value > 0) {
        counts.longest =
            std::max(counts.longest, static_cast<double>(line.received.value - last_.value) /
                                         static_cast<double>(kMicrosPerSecond));
      }
      ++counts.rows;
      continue;
    }
    const Sight sight = Look(compiled, rules[compiled.rule], line);
    if (!sight.asked) {
      continue;
    }
    ++counts.rows;
    counts.sum += sight.value;
    counts.squares += sight.value * sight.value;
    if (sight.hit) {
      ++counts.hits;
      if (compiled.kind != ContractKind::kValueShare) {  // of which most rows are as they should be
        Remember(compiled, line);
      }
    }
  }
  for (const std::uint32_t rule : refused_) {
    ++counts_[rule].rows;
  }
  last_ = std::max(last_, line.received);
}

RowCounter::Sight RowCounter::Look(const Compiled& compiled, const ContractRule& rule,
                                   const Line& line) {
  const auto text = [&] { return TextOf(compiled.field, line.event, line.item); };
  switch (compiled.kind) {
    case ContractKind::kMissing:
      return {true, IsMissing(compiled.field, line.event, line.item)};
    case ContractKind::kRange: {
      const auto value = NumberOf(compiled.field, line.event, line.item);
      return {value.has_value(), value.has_value() && (*value < rule.at_least.value_or(*value) ||
                                                       *value > rule.at_most.value_or(*value))};
    }
    case ContractKind::kMean: {
      const auto value = NumberOf(compiled.field, line.event, line.item);
      const bool counted = value.has_value() && *value > 0;
      return {counted, false, counted ? std::log(*value) : 0};
    }
    case ContractKind::kDigits:
      return {!text().empty(), !AllDigits(text())};
    case ContractKind::kValues:
    case ContractKind::kValueShare: {
      const bool there = std::binary_search(rule.values.begin(), rule.values.end(), text());
      return {!text().empty(), there == (compiled.kind == ContractKind::kValueShare)};
    }
    case ContractKind::kVolume:
      return {true, false};
    case ContractKind::kDuplicates:
      return {true, line.duplicate};
    case ContractKind::kKnownItems:
      return {known_.item && line.item != nullptr,
              known_.item && line.item != nullptr && !Item(line.item->item_id).known};
    case ContractKind::kKnownUsers:
      return {known_.user && !line.event.user_id.empty(),
              known_.user && !line.event.user_id.empty() && !known_.user(line.event.user_id)};
    case ContractKind::kPriceAgrees: {
      if (!known_.item || line.item == nullptr || line.item->price <= 0) {
        return {};
      }
      const double listed = Item(line.item->item_id).price;
      return {listed > 0, line.item->price > kFarFromCatalogue * listed ||
                              line.item->price * kFarFromCatalogue < listed};
    }
    case ContractKind::kCurrencyAgrees: {
      if (!known_.item || line.item == nullptr || line.event.currency.empty()) {
        return {};
      }
      const std::string_view listed = Item(line.item->item_id).currency.data();
      return {!listed.empty(), listed != line.event.currency};
    }
    case ContractKind::kFuture: {
      const auto margin = static_cast<std::int64_t>(rule.margin_seconds * kMicrosPerSecond);
      return {true, line.event.ts.value > line.received.value + margin};
    }
    case ContractKind::kSilence:
    case ContractKind::kRefused:
      break;
  }
  return {};
}

// Two things of one shopper in the same microsecond at the same price are one that came twice.
bool RowCounter::IsDuplicate(const Line& line) {
  std::uint64_t hash =
      Mix(StableHash(line.event.subject()), static_cast<std::uint64_t>(line.event.ts.value));
  hash = Mix(hash, static_cast<std::uint64_t>(line.event.type) + 1);
  hash = Mix(hash, StableHash(line.event.order_id));
  hash = Mix(hash, StableHash(line.event.query));
  if (line.item != nullptr) {
    hash = Mix(hash, StableHash(line.item->item_id));
    hash = Mix(hash, std::bit_cast<std::uint64_t>(line.item->price));
    hash = Mix(hash, std::bit_cast<std::uint64_t>(line.item->quantity));
  }
  hash |= 1U;  // never the empty place
  std::uint64_t& place = seen_[(hash >> 1U) % kRemembered];
  const bool there = place == hash;
  place = hash;
  return there;
}

const CatalogueFacts& RowCounter::Item(std::string_view id) {
  const std::uint64_t hash = StableHash(id);
  ItemEntry& entry = items_[hash % kItems];
  if (entry.hash != hash) {
    entry = {hash, known_.item(id)};
  }
  return entry.facts;
}

void RowCounter::ForgetItem(std::string_view id) {
  if (!items_.empty()) {
    const std::uint64_t hash = StableHash(id);
    ItemEntry& entry = items_[hash % kItems];
    if (entry.hash == hash) {
      entry.hash = 0;
    }
  }
}

void RowCounter::Remember(const Compiled& compiled, const Line& line) {
  auto& place = examples_[compiled.rule];
  // Shoppers' ids stay out of reports.
  const bool personal =
      compiled.field == EventField::kUser || compiled.field == EventField::kAnonymous;
  const auto end = fmt::format_to_n(
      place.data(), place.size() - 1, "event_id {}, {} of item '{}', price {:g}, {} '{}'",
      line.event.event_id, EventName(line.event.type),
      line.item == nullptr ? std::string_view() : std::string_view(line.item->item_id),
      line.item == nullptr ? 0.0 : line.item->price, EventFieldName(compiled.field),
      personal ? std::string_view() : TextOf(compiled.field, line.event, line.item));
  *end.out = '\0';
}

void RowCounter::CountRefused(double rows) {
  for (const std::uint32_t rule : refused_) {
    counts_[rule].rows += rows;
    counts_[rule].hits += rows;
  }
}

void RowCounter::CountRepeated(double rows) {
  for (const std::uint32_t rule : duplicates_) {
    counts_[rule].rows += rows;
    counts_[rule].hits += rows;
  }
}

std::vector<Example> RowCounter::Examples() const {
  std::vector<Example> out;
  out.reserve(examples_.size());
  for (const auto& example : examples_) {
    out.emplace_back(example.data());
  }
  return out;
}

void RowCounter::Begin() {
  std::fill(counts_.begin(), counts_.end(), RuleCounts());
  std::fill(examples_.begin(), examples_.end(), std::array<char, kExampleBytes>());
}

void RowCounter::Restore(std::vector<RuleCounts> counts, Micros last) {
  if (counts.size() == counts_.size()) {
    counts_ = std::move(counts);
  }
  last_ = last;
}

}  // namespace vitrine::monitor
