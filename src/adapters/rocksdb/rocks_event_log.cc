#include "adapters/rocksdb/rocks_event_log.h"

#include <algorithm>
#include <limits>
#include <shared_mutex>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <rocksdb/db.h>

#include "adapters/rocksdb/append_writer.h"
#include "adapters/rocksdb/byte_codec.h"
#include "adapters/rocksdb/impression_codec.h"
#include "adapters/rocksdb/item_numbers.h"
#include "adapters/rocksdb/record_codec.h"
#include "adapters/rocksdb/record_reader.h"
#include "adapters/rocksdb/store.h"
#include "adapters/rocksdb/subject_index.h"
#include "adapters/rocksdb/subject_state.h"
#include "adapters/rocksdb/user_state_cache.h"

namespace vitrine::adapters {
namespace {

/// For calls of the port without a deadline: jobs, which nobody waits for at a counter.
constexpr std::chrono::minutes kJobPatience{10};
constexpr std::size_t kStatesPerBatch = 2'000;

Status CheckRow(std::size_t row, const Event& event) {
  if (event.event_id.empty()) {
    return InvalidArgument(
        fmt::format("row {} has no event_id; one is made before it gets here", row));
  }
  if (event.subject().empty()) {
    return InvalidArgument(fmt::format("row {} has neither user_id nor anonymous_id", row));
  }
  return Status::Ok();
}

Result<std::uint64_t> LoadNumbers(const Store& store, ItemNumbers& numbers) {
  const auto iterator = store.NewIterator(Family::kNumbers);
  std::uint64_t next = 0;
  for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next(), ++next) {
    ASSIGN_OR_RETURN(const std::uint64_t number, SequenceOfKey(ViewOf(iterator->key())));
    if (number != next || numbers.Intern(ViewOf(iterator->value())) != number) {
      return DataLoss(
          fmt::format("the item numbers of the event log in {} have a hole at {}; "
                      "restore it from a backup",
                      store.directory(), next));
    }
  }
  RETURN_IF_ERROR(store.Translate(iterator->status()));
  numbers.MarkSaved(static_cast<data::ItemNumber>(next));
  return next;
}

}  // namespace

struct RocksEventLog::Impl {
  explicit Impl(const RocksEventLogOptions& options)
      : states(options.user_state_bytes, options.metrics) {}

  UserStateCache states;
  std::unique_ptr<Store> store;
  adapters::ItemNumbers numbers;
  std::unique_ptr<AppendWriter> writer;  // last: it stops before what it uses is gone

  /// Held by every read: the store may be reopened after a failed write.
  [[nodiscard]] std::shared_lock<std::shared_mutex> Gate() const {
    return std::shared_lock(store->gate());
  }

  /// The subject whose state and records `subject` names: itself, or whom it was identified as.
  Result<std::string> Resolve(std::string_view subject, std::optional<std::string>& state) const {
    ASSIGN_OR_RETURN(state, store->Get(Family::kState, StateKey(subject)));
    if (state) {
      return std::string(subject);
    }
    ASSIGN_OR_RETURN(auto alias, store->Get(Family::kState, AliasKey(subject)));
    if (!alias) {
      return std::string(subject);
    }
    ASSIGN_OR_RETURN(state, store->Get(Family::kState, StateKey(*alias)));
    return *std::move(alias);
  }

  Result<UserStateCache::Record> ReadRecord(std::string_view subject) const {
    const auto gate = Gate();
    auto record = std::make_shared<SubjectRecord>();
    ASSIGN_OR_RETURN(const auto bytes, store->Get(Family::kState, StateKey(subject)));
    if (bytes) {
      ASSIGN_OR_RETURN(const SubjectState state, SubjectState::Decode(*bytes));
      record->view = state.View();
      record->has_state = true;
    } else {
      ASSIGN_OR_RETURN(auto alias, store->Get(Family::kState, AliasKey(subject)));
      record->alias = std::move(alias).value_or("");
    }
    ASSIGN_OR_RETURN(const auto row, store->Get(Family::kUsers, subject));
    if (row) {
      ASSIGN_OR_RETURN(StoredRecord stored, DecodeRecord(*row));
      if (auto* user = std::get_if<User>(&stored.body)) {
        record->view.attributes = std::move(user->attributes);
      }
    }
    record->known = record->has_state || row.has_value();
    return UserStateCache::Record(std::move(record));
  }

  Result<UserStateCache::Record> RecordOf(std::string_view subject) {
    UserStateCache::Moment moment;
    if (UserStateCache::Record kept = states.Find(subject, moment); kept != nullptr) {
      return kept;
    }
    ASSIGN_OR_RETURN(UserStateCache::Record record, ReadRecord(subject));
    states.Keep(subject, record, moment);
    return record;
  }

  Result<std::uint64_t> CursorSequence(const std::string& subject, std::string_view cursor) const {
    ASSIGN_OR_RETURN(const auto seen, store->Get(Family::kDedupe, DedupeKey(cursor)));
    if (seen) {
      ByteReader in(*seen);
      const std::uint64_t sequence = in.Varint();
      ASSIGN_OR_RETURN(const auto entry,
                       store->Get(Family::kSubjects, SubjectKey(subject, sequence)));
      if (entry) {
        return sequence;
      }
    }
    return InvalidArgument(fmt::format("the cursor '{}' is none of this user's events", cursor));
  }
};

RocksEventLog::RocksEventLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RocksEventLog::~RocksEventLog() = default;

Result<std::unique_ptr<RocksEventLog>> RocksEventLog::Open(const std::string& directory,
                                                           const RocksEventLogOptions& options) {
  StoreSettings settings;
  settings.block_cache_bytes = options.block_cache_bytes;
  settings.write_buffer_bytes = options.write_buffer_bytes;
  settings.impression_retention = options.impression_retention;
  settings.env = options.env;
  auto impl = std::make_unique<Impl>(options);
  ASSIGN_OR_RETURN(impl->store, Store::Open(directory, settings));
  RETURN_IF_ERROR(LoadNumbers(*impl->store, impl->numbers).status());
  // All of it is on disk: opening writes what it recovers into table files and syncs them.
  ASSIGN_OR_RETURN(const std::uint64_t sequence, impl->store->MetaNumber("sequence"));
  impl->writer = std::make_unique<AppendWriter>(*impl->store, impl->numbers, impl->states, sequence,
                                                options.sync);
  return std::unique_ptr<RocksEventLog>(new RocksEventLog(std::move(impl)));
}

Result<std::vector<data::AppendVerdict>> RocksEventLog::AppendEvents(std::span<const Event> events,
                                                                     Deadline deadline) {
  for (std::size_t row = 0; row < events.size(); ++row) {
    RETURN_IF_ERROR(CheckRow(row, events[row]));
  }
  AppendWork work = EventRows{events, {}};
  RETURN_IF_ERROR(impl_->writer->Append(work, deadline));
  return std::move(std::get<EventRows>(work).verdicts);
}

Status RocksEventLog::AppendItems(std::span<const Item> items, Deadline deadline) {
  if (std::any_of(items.begin(), items.end(), [](const Item& item) { return item.id.empty(); })) {
    return InvalidArgument("an item has no id");
  }
  AppendWork work = ItemRows{items};
  return impl_->writer->Append(work, deadline);
}

Status RocksEventLog::AppendUsers(std::span<const User> users, Deadline deadline) {
  if (std::any_of(users.begin(), users.end(), [](const User& user) { return user.id.empty(); })) {
    return InvalidArgument("a user has no id");
  }
  AppendWork work = UserRows{users};
  return impl_->writer->Append(work, deadline);
}

Status RocksEventLog::DeleteItem(std::string_view id, Deadline deadline) {
  AppendWork work = ItemRemoval{std::string(id)};
  return impl_->writer->Append(work, deadline);
}

Result<std::uint64_t> RocksEventLog::EraseUser(std::string_view subject, Deadline deadline) {
  if (subject.empty()) {
    return InvalidArgument("no user is named to be erased");
  }
  AppendWork work = SubjectErasure{std::string(subject), 0};
  RETURN_IF_ERROR(impl_->writer->Append(work, deadline));
  return std::get<SubjectErasure>(work).removed;
}

Status RocksEventLog::AppendImpression(const Impression& impression) {
  if (impression.request_id.empty()) {
    return InvalidArgument("the impression has no request_id");
  }
  return impl_->writer->Post(impression);
}

Result<Impression> RocksEventLog::GetImpression(std::string_view request_id) const {
  if (const auto posted = impl_->writer->FindPosted(request_id)) {
    return DecodeImpressionBody(posted->body);
  }
  const auto gate = impl_->Gate();
  ASSIGN_OR_RETURN(const auto bytes, impl_->store->Get(Family::kImpressions, request_id));
  if (bytes) {
    ASSIGN_OR_RETURN(StoredImpression stored, DecodeImpression(*bytes));
    if (!impl_->store->retention().Expired(stored.received, Now())) {
      return std::move(stored.impression);
    }
  }
  return NotFound(
      fmt::format("there is no answer with request_id '{}', or its time is up", request_id));
}

Result<std::vector<data::LogRecord>> RocksEventLog::Read(std::uint64_t after,
                                                         std::size_t limit) const {
  const auto gate = impl_->Gate();
  const std::uint64_t last = LastSequence();
  return ReadRecords(*impl_->store, impl_->writer->recent().Between(after, last), after, last,
                     limit);
}

std::uint64_t RocksEventLog::LastSequence() const { return impl_->writer->durable(); }

Result<std::shared_ptr<const data::UserState>> RocksEventLog::ViewUserState(
    std::string_view subject) const {
  ASSIGN_OR_RETURN(UserStateCache::Record record, impl_->RecordOf(subject));
  if (!record->has_state && !record->alias.empty()) {
    ASSIGN_OR_RETURN(record, impl_->RecordOf(record->alias));
  }
  if (!record->known) {
    return std::shared_ptr<const data::UserState>();
  }
  const data::UserState* view = &record->view;
  return std::shared_ptr<const data::UserState>(std::move(record), view);
}

Result<data::UserState> RocksEventLog::GetUserState(std::string_view subject) const {
  ASSIGN_OR_RETURN(const std::shared_ptr<const data::UserState> view, ViewUserState(subject));
  if (view == nullptr) {
    return NotFound(fmt::format("nothing is known of the user '{}'", subject));
  }
  return *view;
}

Result<std::vector<Event>> RocksEventLog::ReadUserEvents(std::string_view subject,
                                                         std::size_t limit,
                                                         std::string_view cursor) const {
  const auto gate = impl_->Gate();
  std::optional<std::string> state;
  ASSIGN_OR_RETURN(const std::string resolved, impl_->Resolve(subject, state));
  std::uint64_t before = std::numeric_limits<std::uint64_t>::max();
  if (!cursor.empty()) {
    ASSIGN_OR_RETURN(before, impl_->CursorSequence(resolved, cursor));
  }
  const std::string prefix = SubjectPrefix(resolved);
  const std::string last = SubjectKey(resolved, before - 1);
  std::vector<Event> events;
  const auto iterator = impl_->store->NewIterator(Family::kSubjects);
  for (iterator->SeekForPrev(SliceOf(last));
       events.size() < limit && iterator->Valid() && iterator->key().starts_with(SliceOf(prefix));
       iterator->Prev()) {
    ASSIGN_OR_RETURN(const SubjectEntry entry,
                     ParseSubjectEntry(ViewOf(iterator->key()), ViewOf(iterator->value())));
    if (entry.kind != SubjectEntryKind::kEvent) {
      continue;
    }
    ASSIGN_OR_RETURN(auto event, ReadEvent(*impl_->store, entry.sequence));
    if (event) {
      events.push_back(*std::move(event));
    }
  }
  RETURN_IF_ERROR(impl_->store->Translate(iterator->status()));
  return events;
}

Result<data::ItemNumber> RocksEventLog::InternItem(std::string_view id) {
  if (id.empty()) {
    return InvalidArgument("the empty item id has no number");
  }
  return impl_->numbers.Intern(id);
}

std::optional<data::ItemNumber> RocksEventLog::FindItem(std::string_view id) const {
  return impl_->numbers.Find(id);
}

std::string RocksEventLog::ItemId(data::ItemNumber number) const {
  return std::string(impl_->numbers.Id(number));
}

std::size_t RocksEventLog::ItemNumbers() const { return impl_->numbers.size(); }

Result<Item> RocksEventLog::GetItem(std::string_view id) const {
  const auto gate = impl_->Gate();
  ASSIGN_OR_RETURN(const auto bytes, impl_->store->Get(Family::kItems, id));
  if (bytes) {
    ASSIGN_OR_RETURN(StoredRecord record, DecodeRecord(*bytes));
    if (auto* item = std::get_if<Item>(&record.body)) {
      return std::move(*item);
    }
  }
  return NotFound(fmt::format("there is no item '{}'", id));
}

Result<std::vector<Item>> RocksEventLog::ListItems(std::string_view cursor,
                                                   std::size_t limit) const {
  const auto gate = impl_->Gate();
  std::vector<Item> items;
  const auto iterator = impl_->store->NewIterator(Family::kItems);
  for (iterator->Seek(SliceOf(cursor)); iterator->Valid() && items.size() < limit;
       iterator->Next()) {
    if (!cursor.empty() && ViewOf(iterator->key()) == cursor) {
      continue;
    }
    ASSIGN_OR_RETURN(StoredRecord record, DecodeRecord(ViewOf(iterator->value())));
    if (auto* item = std::get_if<Item>(&record.body)) {
      items.push_back(std::move(*item));
    }
  }
  RETURN_IF_ERROR(impl_->store->Translate(iterator->status()));
  return items;
}

Result<User> RocksEventLog::GetUser(std::string_view id) const {
  const auto gate = impl_->Gate();
  ASSIGN_OR_RETURN(const auto bytes, impl_->store->Get(Family::kUsers, id));
  if (bytes) {
    ASSIGN_OR_RETURN(StoredRecord record, DecodeRecord(*bytes));
    if (auto* user = std::get_if<User>(&record.body)) {
      return std::move(*user);
    }
  }
  return NotFound(fmt::format("there is no user '{}'", id));
}

void RocksEventLog::SetListener(Listener listener) {
  impl_->writer->SetListener(std::move(listener));
}

Status RocksEventLog::LoadUserStates(
    std::span<const std::pair<std::string, data::UserState>> states, std::uint64_t watermark) {
  const std::size_t known = impl_->numbers.size();
  for (const auto& [subject, state] : states) {
    const auto unknown = [known](const auto& e) { return e.item >= known; };
    if (subject.empty() || std::any_of(state.events.begin(), state.events.end(), unknown)) {
      return InvalidArgument(
          fmt::format("the state of '{}' names an item without a number; intern "
                      "its items first",
                      subject));
    }
  }
  while (!states.empty()) {
    const auto part = states.first(std::min(kStatesPerBatch, states.size()));
    AppendWork work = StateRows{part, watermark};
    RETURN_IF_ERROR(impl_->writer->Append(work, After(kJobPatience)));
    states = states.subspan(part.size());
  }
  return Status::Ok();
}

Status RocksEventLog::DropThrough(std::uint64_t sequence) {
  AppendWork work = LogDrop{sequence};
  RETURN_IF_ERROR(impl_->writer->Append(work, After(kJobPatience)));
  impl_->store->DropFilesThrough(sequence);
  return Status::Ok();
}

}  // namespace vitrine::adapters
