#include "adapters/rocksdb/append_writer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include "adapters/rocksdb/append_batch.h"
#include "adapters/rocksdb/impression_codec.h"
#include "adapters/rocksdb/record_codec.h"
#include "adapters/rocksdb/record_reader.h"

namespace vitrine::adapters {
namespace {

constexpr std::size_t kMaxRowsPerGroup = 20'000;
constexpr std::size_t kMaxPosted = 16'384;
/// Impressions without events around them are on disk, and so readable, after this long.
constexpr std::chrono::milliseconds kSyncPostedAfter{500};

/// Half a second of many answers: a reader that keeps up finds all of them.
constexpr std::size_t kMostRecent = 16'384;
constexpr std::size_t kMostRecentBytes = std::size_t{8} << 20;

/// Nobody waits for an impression, and writing a hundred at once costs little more than writing one: where
/// nothing else is wanted, they gather until there are so many, or for so long.
constexpr std::size_t kGatherPosted = 256;
constexpr std::chrono::milliseconds kGatherFor{20};

/// While the disk refuses, appends fail at once; this often it is asked again.
constexpr std::chrono::milliseconds kRetryEvery{500};

}  // namespace

AppendWriter::AppendWriter(Store& store, ItemNumbers& numbers, UserStateCache& states,
                           std::uint64_t sequence, bool sync)
    : store_(store),
      numbers_(numbers),
      states_(states),
      sync_(sync),
      durable_(sequence),
      recent_(kMostRecent, kMostRecentBytes),
      sequence_(sequence) {
  MarkDurable(sequence);
  thread_ = std::thread([this] { Run(); });
}

AppendWriter::~AppendWriter() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  work_ready_.notify_all();
  thread_.join();
}

void AppendWriter::SetListener(data::EventLog::Listener listener) {
  listener_.Publish(std::make_shared<const data::EventLog::Listener>(std::move(listener)));
}

Status AppendWriter::Append(AppendWork& work, Deadline deadline) {
  const auto ticket = std::make_shared<Ticket>();
  ticket->work = std::move(work);
  std::unique_lock lock(mutex_);
  queue_.push_back(ticket);
  ++callers_;
  work_ready_.notify_one();
  const auto done = [&ticket] { return ticket->stage == Stage::kDone; };
  if (!work_done_.wait_until(lock, deadline, done)) {
    if (ticket->stage == Stage::kWaiting) {
      std::erase(queue_, ticket);
      --callers_;
      return DeadlineExceeded("the event log was busy until the deadline; nothing was written");
    }
    // The writer reads the caller's rows while it builds: that takes no disk and cannot be left.
    work_done_.wait(lock, [&ticket] { return ticket->stage >= Stage::kWriting; });
    if (!done()) {
      return DeadlineExceeded(
          "the disk did not answer before the deadline; the rows may still be written: send them "
          "again with the same event ids");
    }
  }
  work = std::move(ticket->work);
  return ticket->status;
}

Status AppendWriter::Post(const Impression& impression) {
  auto posted = std::make_shared<PostedImpression>();
  posted->request_id = impression.request_id;
  posted->subject = impression.subject;
  posted->body = EncodeImpressionBody(impression);
  auto ticket = std::make_shared<Ticket>();
  ticket->work = ImpressionRow{posted};
  const std::scoped_lock lock(mutex_);
  if (posted_.size() >= kMaxPosted) {
    return Unavailable(fmt::format("{} impressions wait for the disk of {}; this one was dropped",
                                   posted_.size(), store_.directory()));
  }
  // The key is the value's own: one that stood there with the same name takes its key along.
  posted_.erase(posted->request_id);
  const std::string_view request_id = posted->request_id;
  posted_.emplace(request_id, std::move(posted));
  queue_.push_back(std::move(ticket));
  if (queue_.size() == 1 || queue_.size() == kGatherPosted) {
    work_ready_.notify_one();
  }
  return Status::Ok();
}

std::shared_ptr<const PostedImpression> AppendWriter::FindPosted(
    std::string_view request_id) const {
  const std::scoped_lock lock(mutex_);
  const auto found = posted_.find(request_id);
  return found == posted_.end() ? nullptr : found->second;
}

void AppendWriter::Run() {
  while (true) {
    const Group group = TakeGroup();
    if (!group.empty()) {
      Commit(group);
      continue;
    }
    SyncPosted();
    const std::scoped_lock lock(mutex_);
    if (stopping_ && queue_.empty()) {
      return;
    }
  }
}

AppendWriter::Group AppendWriter::TakeGroup() {
  std::unique_lock lock(mutex_);
  const auto wanted = [this] { return !queue_.empty() || stopping_; };
  if (unsynced_) {
    work_ready_.wait_for(lock, kSyncPostedAfter, wanted);
  } else {
    work_ready_.wait(lock, wanted);
  }
  if (!queue_.empty()) {
    work_ready_.wait_for(lock, kGatherFor, [this] {
      return callers_ > 0 || stopping_ || queue_.size() >= kGatherPosted;
    });
  }
  Group group;
  std::size_t rows = 0;
  while (!queue_.empty() && rows < kMaxRowsPerGroup) {
    const bool alone = StandsAlone(queue_.front()->work);
    if (alone && !group.empty()) {
      break;
    }
    rows += RowsOf(queue_.front()->work);
    callers_ -= std::holds_alternative<ImpressionRow>(queue_.front()->work) ? 0U : 1U;
    queue_.front()->stage = Stage::kBuilding;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
    if (alone) {
      break;
    }
  }
  return group;
}

Status AppendWriter::Build(AppendBatch& batch, const Group& group) {
  for (const auto& ticket : group) {
    ticket->status = Status::Ok();
    RETURN_IF_ERROR(batch.Add(ticket->work, ticket->status));
  }
  return batch.Finish();
}

void AppendWriter::Commit(const Group& group) {
  if (const Status ready = MakeWritable(); !ready.ok()) {
    SetStage(group, Stage::kDone, &ready);
    return;
  }
  const auto listener = listener_.Get();
  const bool heard = listener != nullptr && *listener != nullptr;
  AppendBatch batch(store_, numbers_, sequence_, Now(), heard);
  if (const Status built = Build(batch, group); !built.ok()) {
    if (group.size() == 1) {
      SetStage(group, Stage::kDone, &built);
      return;
    }
    for (const auto& ticket : group) {
      Commit({ticket});  // one bad row of the store must not stop its neighbours
    }
    return;
  }
  SetStage(group, Stage::kWriting, nullptr);
  if (batch.batch().Count() > 0) {
    // Steady answers leave no pause in which SyncPosted would have its turn.
    const bool due =
        unsynced_ && std::chrono::steady_clock::now() - unsynced_since_ >= kSyncPostedAfter;
    const bool sync = due || std::any_of(group.begin(), group.end(), [](const auto& ticket) {
                        return NeedsSync(ticket->work);
                      });
    const Status written = Write(batch.batch(), sync);
    for (const std::string& subject : batch.subjects()) {
      states_.Drop(subject);
    }
    if (!written.ok()) {
      SetStage(group, Stage::kDone, &written);
      return;
    }
    sequence_ = batch.sequence();
    if (std::holds_alternative<SubjectErasure>(group.front()->work)) {
      recent_.Clear();  // nothing of the subject stays, here neither
    }
    recent_.Add(batch.impressions());
    numbers_.MarkSaved(batch.item_numbers());
    if (sync) {
      MarkDurable(sequence_);
    }
    if (!sync && !unsynced_) {
      unsynced_since_ = std::chrono::steady_clock::now();
    }
    unsynced_ = !sync;
  }
  Tell(batch.records());
  SetStage(group, Stage::kDone, nullptr);
}

Status AppendWriter::MakeWritable() {
  if (failure_.ok() && !store_.health().failed) {
    return Status::Ok();
  }
  if (!failure_.ok() && std::chrono::steady_clock::now() < retry_at_) {
    return failure_;
  }
  retry_at_ = After(kRetryEvery);
  failure_ = store_.Reopen();
  // What was lost, or came to disk after all, may be anybody's state.
  states_.DropAll();
  recent_.Clear();
  RETURN_IF_ERROR(failure_);
  auto sequence = store_.MetaNumber("sequence");
  if (!sequence.ok()) {
    failure_ = sequence.status();
    return failure_;
  }
  // A batch whose append was answered with a failure may have come to disk whole after all.
  const std::uint64_t before = std::exchange(sequence_, *sequence);
  MarkDurable(sequence_);
  unsynced_ = false;
  if (const auto late = ReadRecords(store_, {}, before, sequence_, kMaxRowsPerGroup); late.ok()) {
    Tell(*late);
  }
  return failure_;
}

Status AppendWriter::Write(rocksdb::WriteBatch& batch, bool sync) {
  rocksdb::WriteOptions options;
  options.sync = sync && sync_;
  failure_ = store_.Translate(store_.db().Write(options, &batch));
  retry_at_ = After(kRetryEvery);
  return failure_;
}

void AppendWriter::MarkDurable(std::uint64_t sequence) {
  durable_ = sequence;
  if (!failure_.ok()) {
    return;
  }
  // For readers beside us. Not synced itself: it only says what was synced before.
  const std::string key = SequenceKey(sequence);
  failure_ = store_.Translate(store_.db().Put(rocksdb::WriteOptions(), store_.family(Family::kMeta),
                                              SliceOf("durable"), SliceOf(key)));
  retry_at_ = After(kRetryEvery);
}

void AppendWriter::SyncPosted() {
  if (!unsynced_) {
    return;
  }
  unsynced_ = false;
  if (!MakeWritable().ok()) {
    return;
  }
  // A synced write rather than SyncWAL, which does not look whether the file failed before.
  rocksdb::WriteBatch batch;
  const std::string key = SequenceKey(sequence_);
  if (batch.Put(store_.family(Family::kMeta), SliceOf("sequence"), SliceOf(key)).ok() &&
      Write(batch, true).ok()) {
    MarkDurable(sequence_);
  }
}

void AppendWriter::SetStage(const Group& group, Stage stage, const Status* failure) {
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& ticket : group) {
      ticket->stage = stage;
      if (failure != nullptr) {
        ticket->status = *failure;
      }
      if (const auto* row = std::get_if<ImpressionRow>(&ticket->work);
          row != nullptr && stage == Stage::kDone) {
        const auto found = posted_.find(row->posted->request_id);
        if (found != posted_.end() && found->second == row->posted) {
          posted_.erase(found);
        }
      }
    }
  }
  work_done_.notify_all();
}

void AppendWriter::Tell(const std::vector<data::LogRecord>& records) {
  const auto listener = listener_.Get();
  if (listener == nullptr || *listener == nullptr) {
    return;
  }
  for (const data::LogRecord& record : records) {
    if (!std::holds_alternative<Impression>(record.body)) {
      (*listener)(record);
    }
  }
}

}  // namespace vitrine::adapters
