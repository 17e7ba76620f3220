// How events change the log and the states: the part of AppendBatch that knows what an event means.

#include <algorithm>
#include <utility>

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include "adapters/rocksdb/append_batch.h"
#include "adapters/rocksdb/record_codec.h"
#include "adapters/rocksdb/record_reader.h"

namespace vitrine::adapters {

Status AppendBatch::AddEvents(EventRows& work) {
  work.verdicts.assign(work.rows.size(), data::AppendVerdict::kAccepted);
  for (std::size_t i = 0; i < work.rows.size(); ++i) {
    RETURN_IF_ERROR(AddEvent(work.rows[i], work.verdicts[i]));
  }
  return Status::Ok();
}

Status AppendBatch::AddEvent(const Event& event, data::AppendVerdict& verdict) {
  const std::string key = DedupeKey(event.event_id);
  ASSIGN_OR_RETURN(const auto seen, FindSeen(key));
  if (seen && seen->sequence != 0) {
    verdict = data::AppendVerdict::kDuplicate;
    return Status::Ok();
  }
  verdict = data::AppendVerdict::kAccepted;
  const bool replaced_before_it_came = seen.has_value();
  if (event.type == EventType::kIdentify) {
    RETURN_IF_ERROR(Identify(event));
  }
  ASSIGN_OR_RETURN(const std::string subject, Resolve(event.user_id, event.anonymous_id));
  const std::vector<data::ItemNumber> numbers = NumbersOf(event);
  Log(EncodeEvent(received_, event), event);
  SetSeen(key, {sequence_, replaced_before_it_came});
  entries_.push_back({subject, sequence_, SubjectEntryKind::kEvent, {}, {}});
  events_.emplace(sequence_, &event);
  if (!event.replaces.empty()) {
    RETURN_IF_ERROR(Replace(event, subject));
  }
  ASSIGN_OR_RETURN(SubjectState* const state, StateOf(subject));
  if (!replaced_before_it_came) {
    state->Add(event, numbers, sequence_);
  }
  return Status::Ok();
}

Status AppendBatch::Identify(const Event& event) {
  if (event.anonymous_id == event.user_id) {
    return Status::Ok();
  }
  RETURN_IF_ERROR(MoveSubject(event.anonymous_id, event.user_id));
  aliases_[event.anonymous_id] = event.user_id;
  ASSIGN_OR_RETURN(SubjectState* const user, StateOf(event.user_id));
  user->AddAnonymousId(event.anonymous_id);
  return Status::Ok();
}

Status AppendBatch::MoveSubject(std::string_view from, const std::string& to) {
  ASSIGN_OR_RETURN(SubjectState* const visitor, StateOf(std::string(from)));
  SubjectState moved = std::move(*visitor);
  states_[std::string(from)] = std::nullopt;
  ASSIGN_OR_RETURN(SubjectState* const user, StateOf(to));
  user->Merge(std::move(moved));
  for (SubjectEntry& entry : entries_) {
    if (entry.subject == from) {
      entry.subject = to;
    }
  }
  const std::string prefix = SubjectPrefix(from);
  const auto iterator = store_.NewIterator(Family::kSubjects);
  for (iterator->Seek(SliceOf(prefix));
       iterator->Valid() && iterator->key().starts_with(SliceOf(prefix)); iterator->Next()) {
    const std::string_view key = ViewOf(iterator->key());
    ASSIGN_OR_RETURN(SubjectEntry entry, ParseSubjectEntry(key, ViewOf(iterator->value())));
    Delete(Family::kSubjects, key);
    entry.subject = to;
    entries_.push_back(std::move(entry));
  }
  return store_.Translate(iterator->status());
}

Status AppendBatch::Replace(const Event& event, std::string_view subject) {
  const std::string key = DedupeKey(event.replaces);
  ASSIGN_OR_RETURN(const auto earlier, FindSeen(key));
  if (!earlier) {
    SetSeen(key, {0, true});  // takes effect if it still comes
    return Status::Ok();
  }
  if (earlier->replaced) {
    return Status::Ok();
  }
  SetSeen(key, {earlier->sequence, true});
  std::optional<Event> before;
  if (const auto found = events_.find(earlier->sequence); found != events_.end()) {
    before = *found->second;
  } else {
    ASSIGN_OR_RETURN(before, ReadEvent(store_, earlier->sequence));
  }
  std::string whose(subject);  // where the earlier record was dropped: most likely the same
  if (before) {
    ASSIGN_OR_RETURN(whose, Resolve(before->user_id, before->anonymous_id));
  }
  ASSIGN_OR_RETURN(SubjectState* const state, StateOf(whose));
  if (!state->TakeBack(earlier->sequence) && before) {
    state->TakeBackLoaded(*before, NumbersOf(*before));
  }
  return Status::Ok();
}

Status AppendBatch::Erase(SubjectErasure& work) {
  ASSIGN_OR_RETURN(const std::string subject, Resolve({}, work.subject));
  ASSIGN_OR_RETURN(SubjectState* const state, StateOf(subject));
  std::vector<std::string> ids = state->anonymous_ids();
  ids.push_back(subject);
  if (std::find(ids.begin(), ids.end(), work.subject) == ids.end()) {
    ids.push_back(work.subject);
  }
  for (const std::string& id : ids) {
    const std::string prefix = SubjectPrefix(id);
    const auto iterator = store_.NewIterator(Family::kSubjects);
    for (iterator->Seek(SliceOf(prefix));
         iterator->Valid() && iterator->key().starts_with(SliceOf(prefix)); iterator->Next()) {
      const std::string_view key = ViewOf(iterator->key());
      ASSIGN_OR_RETURN(const SubjectEntry entry, ParseSubjectEntry(key, ViewOf(iterator->value())));
      RETURN_IF_ERROR(EraseEntry(entry, key, work.removed));
    }
    RETURN_IF_ERROR(store_.Translate(iterator->status()));
    Delete(Family::kUsers, id);
    ASSIGN_OR_RETURN(const auto alias, store_.Get(Family::kState, AliasKey(id)));
    if (alias == subject) {  // it may have been identified as somebody else since
      Delete(Family::kState, AliasKey(id));
    }
    states_[id] = std::nullopt;
    const data::UserErasure erasure{id, received_};
    Log(EncodeErasure(received_, erasure), erasure);
  }
  return Status::Ok();
}

Status AppendBatch::EraseEntry(const SubjectEntry& entry, std::string_view key,
                               std::uint64_t& removed) {
  const std::string log_key = SequenceKey(entry.sequence);
  ASSIGN_OR_RETURN(const auto record, store_.Get(Family::kLog, log_key));
  bool present = record.has_value();
  if (entry.kind == SubjectEntryKind::kImpression) {
    ASSIGN_OR_RETURN(const auto impression, store_.Get(Family::kImpressions, entry.request_id));
    present = present || impression.has_value();
    Delete(Family::kImpressions, entry.request_id);
  }
  Delete(Family::kLog, log_key);
  Delete(Family::kSubjects, key);
  removed += present ? 1 : 0;
  return Status::Ok();
}

Status AppendBatch::LoadStates(const StateRows& work) {
  for (const auto& [subject, loaded] : work.rows) {
    ASSIGN_OR_RETURN(SubjectState* const state, StateOf(subject));
    SubjectState next = SubjectState::FromLoaded(loaded);
    for (const std::string& id : state->anonymous_ids()) {
      next.AddAnonymousId(id);
    }
    RETURN_IF_ERROR(Reapply(subject, work.watermark, next));
    *state = std::move(next);
  }
  return Status::Ok();
}

Status AppendBatch::Reapply(const std::string& subject, std::uint64_t watermark,
                            SubjectState& state) {
  if (watermark >= sequence_) {
    return Status::Ok();
  }
  const std::string prefix = SubjectPrefix(subject);
  const std::string first = SubjectKey(subject, watermark + 1);
  const auto iterator = store_.NewIterator(Family::kSubjects);
  for (iterator->Seek(SliceOf(first));
       iterator->Valid() && iterator->key().starts_with(SliceOf(prefix)); iterator->Next()) {
    ASSIGN_OR_RETURN(const SubjectEntry entry,
                     ParseSubjectEntry(ViewOf(iterator->key()), ViewOf(iterator->value())));
    ASSIGN_OR_RETURN(const auto event, ReadEvent(store_, entry.sequence));
    if (!event) {
      continue;
    }
    if (!event->replaces.empty()) {
      ASSIGN_OR_RETURN(const auto earlier, FindSeen(DedupeKey(event->replaces)));
      ASSIGN_OR_RETURN(const auto before, earlier && earlier->sequence <= watermark
                                              ? ReadEvent(store_, earlier->sequence)
                                              : Result<std::optional<Event>>(std::nullopt));
      if (before) {
        ASSIGN_OR_RETURN(const std::string whose, Resolve(before->user_id, before->anonymous_id));
        if (whose == subject) {
          state.TakeBackLoaded(*before, NumbersOf(*before));
        }
      }
    }
    ASSIGN_OR_RETURN(const auto seen, FindSeen(DedupeKey(event->event_id)));
    if (!seen || !seen->replaced) {
      state.Add(*event, NumbersOf(*event), entry.sequence);
    }
  }
  return store_.Translate(iterator->status());
}

}  // namespace vitrine::adapters
