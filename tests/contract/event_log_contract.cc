#include "event_log_contract.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace vitrine::contract {

Event MakeEvent(std::string_view id, EventType type, std::string_view user,
                std::initializer_list<const char*> items, std::int64_t second) {
  Event event;
  event.event_id = id;
  event.type = type;
  event.user_id = user;
  for (const char* item : items) {
    event.items.push_back({item, -1, 1, 0});
  }
  event.ts = {kDay0 + second * kMicrosPerSecond};
  return event;
}

Deadline Soon() { return After(std::chrono::seconds(60)); }

EventLogContract::EventLogContract() {
  std::string path = (std::filesystem::temp_directory_path() / "event-log-XXXXXX").string();
  EXPECT_NE(::mkdtemp(path.data()), nullptr);
  directory_ = path;
  log_ = GetParam()(directory_);
}

EventLogContract::~EventLogContract() {
  log_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::vector<data::AppendVerdict> EventLogContract::Append(std::initializer_list<Event> events) {
  const auto verdicts = log_->AppendEvents({events.begin(), events.size()}, Soon());
  EXPECT_TRUE(verdicts.ok()) << verdicts.status().ToString();
  return verdicts.ok() ? *verdicts : std::vector<data::AppendVerdict>();
}

data::UserState EventLogContract::State(std::string_view subject) {
  auto state = log_->GetUserState(subject);
  EXPECT_TRUE(state.ok()) << subject << ": " << state.status().ToString();
  return state.ok() ? *std::move(state) : data::UserState();
}

std::string EventLogContract::Events(std::string_view subject) {
  std::string text;
  for (const data::StateEvent& event : State(subject).events) {
    text += fmt::format("{}{}:{}:{}", text.empty() ? "" : " ", log_->ItemId(event.item),
                        EventName(event.type), event.basket);
  }
  return text;
}

std::string EventLogContract::Names(const std::vector<data::ItemNumber>& numbers) {
  std::string text;
  for (const data::ItemNumber number : numbers) {
    text += (text.empty() ? "" : " ") + std::string(log_->ItemId(number));
  }
  return text;
}

std::string EventLogContract::Bought(std::string_view subject) {
  return Names(State(subject).bought);
}

std::string EventLogContract::Hidden(std::string_view subject) {
  return Names(State(subject).hidden);
}

data::ItemNumber EventLogContract::Number(std::string_view id) {
  const auto number = log_->InternItem(id);
  EXPECT_TRUE(number.ok());
  return number.ok() ? *number : 0;
}

void EventLogContract::WaitForSequence(std::uint64_t sequence) {
  const Deadline deadline = Soon();
  while (log_->LastSequence() < sequence) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "record " << sequence;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace vitrine::contract
