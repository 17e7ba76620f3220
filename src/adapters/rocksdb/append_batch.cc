#include "adapters/rocksdb/append_batch.h"

#include <type_traits>
#include <utility>

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include "adapters/rocksdb/byte_codec.h"
#include "adapters/rocksdb/impression_codec.h"
#include "adapters/rocksdb/record_codec.h"
#include "adapters/rocksdb/record_reader.h"

namespace vitrine::adapters {

AppendBatch::AppendBatch(const Store& store, ItemNumbers& numbers, std::uint64_t sequence,
                         Micros received, bool keep_records)
    : store_(store),
      numbers_(numbers),
      sequence_(sequence),
      received_(received),
      keep_records_(keep_records),
      batch_(std::make_unique<rocksdb::WriteBatch>()) {}

AppendBatch::~AppendBatch() = default;

Status AppendBatch::Add(AppendWork& work, Status& outcome) {
  return std::visit(
      [this, &outcome](auto& w) -> Status {
        using W = std::decay_t<decltype(w)>;
        if constexpr (std::is_same_v<W, EventRows>) {
          return AddEvents(w);
        } else if constexpr (std::is_same_v<W, ItemRows>) {
          return AddItems(w.rows);
        } else if constexpr (std::is_same_v<W, UserRows>) {
          return AddUsers(w.rows);
        } else if constexpr (std::is_same_v<W, ItemRemoval>) {
          return RemoveItem(w.id, outcome);
        } else if constexpr (std::is_same_v<W, SubjectErasure>) {
          return Erase(w);
        } else if constexpr (std::is_same_v<W, ImpressionRow>) {
          return AddImpression(w.posted);
        } else if constexpr (std::is_same_v<W, StateRows>) {
          return LoadStates(w);
        } else {
          return Drop(w, outcome);
        }
      },
      work);
}

Status AppendBatch::Finish() {
  for (const SubjectEntry& entry : entries_) {
    Put(Family::kSubjects, SubjectKey(entry.subject, entry.sequence), EncodeSubjectValue(entry));
  }
  for (const auto& [subject, state] : states_) {
    if (state) {
      Put(Family::kState, StateKey(subject), state->Encode());
    } else {
      Delete(Family::kState, StateKey(subject));
    }
  }
  for (const auto& [anonymous_id, user_id] : aliases_) {
    Put(Family::kState, AliasKey(anonymous_id), user_id);
  }
  for (const auto& [key, seen] : seen_) {
    ByteWriter out;
    out.Varint(seen.sequence);
    out.Byte(seen.replaced ? 1 : 0);
    Put(Family::kDedupe, key, out.bytes());
  }
  for (const auto& [number, id] : numbers_.Unsaved()) {
    Put(Family::kNumbers, SequenceKey(number), id);
    item_numbers_ = number + 1;
  }
  if (batch_->Count() > 0) {
    Put(Family::kMeta, "sequence", SequenceKey(sequence_));
  }
  return Status::Ok();
}

// At the one place that every write passes, so that no writer of states can forget it.
void AppendBatch::NoteSubject(Family family, std::string_view key) {
  if (family == Family::kState) {
    subjects_.emplace_back(SubjectOfStateKey(key));
  } else if (family == Family::kUsers) {
    subjects_.emplace_back(key);
  }
}

void AppendBatch::Put(Family family, std::string_view key, std::string_view value) {
  NoteSubject(family, key);
  batch_->Put(store_.family(family), SliceOf(key), SliceOf(value)).PermitUncheckedError();
}

void AppendBatch::Delete(Family family, std::string_view key) {
  NoteSubject(family, key);
  batch_->Delete(store_.family(family), SliceOf(key)).PermitUncheckedError();
}

Result<std::optional<AppendBatch::Seen>> AppendBatch::FindSeen(const std::string& dedupe_key) {
  if (const auto found = seen_.find(dedupe_key); found != seen_.end()) {
    return std::optional<Seen>(found->second);
  }
  ASSIGN_OR_RETURN(const auto bytes, store_.Get(Family::kDedupe, dedupe_key));
  if (!bytes) {
    return std::optional<Seen>();
  }
  ByteReader in(*bytes);
  Seen seen;
  seen.sequence = in.Varint();
  seen.replaced = in.Byte() != 0;
  RETURN_IF_ERROR(in.Finish("an entry of the dedupe table"));
  return std::optional<Seen>(seen);
}

void AppendBatch::SetSeen(const std::string& dedupe_key, Seen seen) { seen_[dedupe_key] = seen; }

Result<std::string> AppendBatch::Resolve(std::string_view user_id, std::string_view anonymous_id) {
  if (!user_id.empty()) {
    return std::string(user_id);
  }
  const std::string id(anonymous_id);
  if (const auto found = aliases_.find(id); found != aliases_.end()) {
    return found->second;
  }
  ASSIGN_OR_RETURN(auto alias, store_.Get(Family::kState, AliasKey(id)));
  return alias ? *std::move(alias) : id;
}

Result<SubjectState*> AppendBatch::StateOf(const std::string& subject) {
  const auto [place, is_new] = states_.try_emplace(subject);
  if (is_new) {
    ASSIGN_OR_RETURN(const auto bytes, store_.Get(Family::kState, StateKey(subject)));
    place->second = SubjectState();
    if (bytes) {
      auto decoded = SubjectState::Decode(*bytes);
      if (!decoded.ok()) {
        states_.erase(place);
        return decoded.status();
      }
      place->second = std::move(decoded).value();
    }
  }
  std::optional<SubjectState>& state = place->second;
  if (!state) {
    state.emplace();
  }
  return &*state;
}

Result<std::optional<AppendBatch::Row>> AppendBatch::CurrentRow(Family family,
                                                                std::string_view id) {
  if (const auto found = rows_.find({family, std::string(id)}); found != rows_.end()) {
    return std::optional<Row>(found->second);
  }
  ASSIGN_OR_RETURN(const auto bytes, store_.Get(family, id));
  if (!bytes) {
    return std::optional<Row>();
  }
  ASSIGN_OR_RETURN(const StoredRecord stored, DecodeRecord(*bytes));
  if (const auto* item = std::get_if<Item>(&stored.body)) {
    return std::optional<Row>({item->valid_from, false});
  }
  if (const auto* user = std::get_if<User>(&stored.body)) {
    return std::optional<Row>({user->valid_from, false});
  }
  if (const auto* deletion = std::get_if<data::ItemDeletion>(&stored.body)) {
    return std::optional<Row>({deletion->ts, true});
  }
  return DataLoss(fmt::format("the current row of '{}' in the event log is of a wrong kind", id));
}

std::vector<data::ItemNumber> AppendBatch::NumbersOf(const Event& event) {
  std::vector<data::ItemNumber> numbers;
  numbers.reserve(event.items.size());
  for (const EventItem& item : event.items) {
    numbers.push_back(numbers_.Intern(item.item_id));
  }
  return numbers;
}

Status AppendBatch::AddItems(std::span<const Item> items) {
  for (const Item& item : items) {
    numbers_.Intern(item.id);
    const std::string bytes = EncodeItem(received_, item);
    Log(bytes, item);
    ASSIGN_OR_RETURN(const auto current, CurrentRow(Family::kItems, item.id));
    if (!current || current->valid_from <= item.valid_from) {
      Put(Family::kItems, item.id, bytes);
      rows_[{Family::kItems, item.id}] = {item.valid_from, false};
    }
  }
  return Status::Ok();
}

Status AppendBatch::AddUsers(std::span<const User> users) {
  for (const User& user : users) {
    const std::string bytes = EncodeUser(received_, user);
    const std::uint64_t sequence = Log(bytes, user);
    entries_.push_back({user.id, sequence, SubjectEntryKind::kUser, {}, {}});
    ASSIGN_OR_RETURN(const auto current, CurrentRow(Family::kUsers, user.id));
    if (!current || current->valid_from <= user.valid_from) {
      Put(Family::kUsers, user.id, bytes);
      rows_[{Family::kUsers, user.id}] = {user.valid_from, false};
    }
  }
  return Status::Ok();
}

Status AppendBatch::AddImpression(const std::shared_ptr<const PostedImpression>& posted) {
  const PostedImpression& impression = *posted;
  // Straight into the log: the listener hears of events and rows only.
  const std::uint64_t sequence = ++sequence_;
  Put(Family::kLog, SequenceKey(sequence), EncodeImpressionRef(received_, impression.request_id));
  Put(Family::kImpressions, impression.request_id,
      EncodeImpressionHead(sequence, received_) + impression.body);
  if (!impression.subject.empty()) {
    ASSIGN_OR_RETURN(const std::string subject, Resolve({}, impression.subject));
    entries_.push_back(
        {subject, sequence, SubjectEntryKind::kImpression, impression.request_id, received_});
  }
  impressions_.push_back({sequence, received_, posted});
  return Status::Ok();
}

Status AppendBatch::RemoveItem(const std::string& id, Status& outcome) {
  ASSIGN_OR_RETURN(const auto current, CurrentRow(Family::kItems, id));
  // An item that only events name can be taken down too.
  if (current ? current->deleted : !numbers_.Find(id).has_value()) {
    outcome = NotFound(fmt::format("there is no item '{}'", id));
    return Status::Ok();
  }
  const Micros since = current ? current->valid_from : Micros{};
  const data::ItemDeletion deletion{id, std::max(received_, since)};
  const std::string encoded = EncodeDeletion(received_, deletion);
  Log(encoded, deletion);
  Put(Family::kItems, id, encoded);
  rows_[{Family::kItems, id}] = {deletion.ts, true};
  return Status::Ok();
}

Status AppendBatch::Drop(const LogDrop& work, Status& outcome) {
  if (work.through > sequence_) {
    outcome = InvalidArgument(fmt::format("cannot drop the log through {}: its last record is {}",
                                          work.through, sequence_));
    return Status::Ok();
  }
  batch_
      ->DeleteRange(store_.family(Family::kLog), SliceOf(SequenceKey(0)),
                    SliceOf(SequenceKey(work.through + 1)))
      .PermitUncheckedError();
  const std::uint64_t dropped = std::max<std::uint64_t>(work.through, store_.retention().dropped);
  Put(Family::kMeta, "dropped", SequenceKey(dropped));
  return Status::Ok();
}

}  // namespace vitrine::adapters
