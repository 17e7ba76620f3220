/// The promises of data::EventLog as one suite, run on every implementation. A new implementation
/// adds a factory to its own test file and instantiates EventLogContract with it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "data/event_log.h"

namespace vitrine::contract {

/// Makes an empty log in `directory` (empty and its own; may be left unused).
using EventLogFactory =
    std::function<std::unique_ptr<data::EventLog>(const std::string& directory)>;

inline constexpr std::int64_t kDay0 = 1'700'000'000'000'000;

/// `second` is the time of the event in seconds after a fixed moment.
Event MakeEvent(std::string_view id, EventType type, std::string_view user,
                std::initializer_list<const char*> items, std::int64_t second);
/// Patient enough for a loaded machine.
Deadline Soon();

class EventLogContract : public testing::TestWithParam<EventLogFactory> {
 protected:
  EventLogContract();
  ~EventLogContract() override;

  /// Appends, expects success, and gives the verdicts.
  std::vector<data::AppendVerdict> Append(std::initializer_list<Event> events);
  data::UserState State(std::string_view subject);
  /// "item:type:basket ..." of the state's events, ids instead of numbers.
  std::string Events(std::string_view subject);
  std::string Bought(std::string_view subject);
  std::string Hidden(std::string_view subject);
  data::ItemNumber Number(std::string_view id);
  /// Waits until a record with this sequence can be read.
  void WaitForSequence(std::uint64_t sequence);

  std::string directory_;
  std::unique_ptr<data::EventLog> log_;

 private:
  std::string Names(const std::vector<data::ItemNumber>& numbers);
};

}  // namespace vitrine::contract
