/// What serving would know of each user, computed the slow and obvious way: everything that ever
/// happened is played again from the start. The yardstick for the embedded log's states.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/event.h"
#include "data/event_log.h"

namespace vitrine::adapters {

/// Things that happened, in order.
struct ReplayEvent {
  std::uint64_t sequence = 0;
  Event event;
  std::vector<data::ItemNumber> numbers;  ///< of the event's items, in their order
};
struct ReplayLoad {
  std::string subject;
  data::UserState state;
  std::uint64_t watermark = 0;
};
using ReplayStep = std::variant<ReplayEvent, ReplayLoad>;

/// Threads: a value.
class StateReplay {
 public:
  explicit StateReplay(const std::vector<ReplayStep>& steps);

  /// The subject itself where anything is known of it, else whom it was identified as.
  [[nodiscard]] std::string Resolve(const std::string& subject) const;
  [[nodiscard]] bool Knows(const std::string& subject) const { return people_.contains(subject); }
  /// Precondition: Knows(subject).
  [[nodiscard]] data::UserState View(const std::string& subject) const;
  /// Sequences of the subject's events, rising.
  [[nodiscard]] std::set<std::uint64_t> EventsOf(const std::string& subject) const;
  /// Ids that were identified as the subject.
  [[nodiscard]] std::set<std::string> IdsOf(const std::string& subject) const;

 private:
  struct Loaded {
    std::vector<data::StateEvent> events;
    std::vector<data::ItemNumber> purchases_without_event;
    std::vector<data::ItemNumber> hidden;
    std::uint32_t first_basket = 0;
  };
  struct Person {
    std::vector<const ReplayEvent*> events;  // in order of sequence
    std::set<std::uint64_t> absorbed;        // contained in what was loaded
    Loaded loaded;
    std::set<std::string> ids;
  };
  struct Purchase {
    data::ItemNumber item = 0;
    std::string order;
    bool has_order = false;
    double left = 0;
    std::size_t place = 0;  // in the list of candidates; kNowhere for one without an event
  };
  struct Candidate {
    data::StateEvent event;
    std::uint64_t sequence = 0;
    std::string basket;
  };

  void Play(const ReplayEvent& step);
  void Play(const ReplayLoad& step);
  static void TakeBackFromLoaded(const ReplayEvent& earlier, Person& person);
  [[nodiscard]] std::string OwnerOf(const Event& event) const;
  void Collect(const Person& person, std::vector<Candidate>& candidates,
               std::vector<Purchase>& purchases) const;
  /// Fills the events and what is bought.
  void Show(const Person& person, data::UserState& view) const;
  void Return(const Person& person, std::vector<Purchase>& purchases) const;

  std::map<std::string, Person> people_;
  std::map<std::string, std::string> aliases_;
  std::set<std::string> replaced_;  // event ids
  bool loaded_ = false;
};

}  // namespace vitrine::adapters
