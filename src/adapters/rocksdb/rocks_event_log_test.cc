// What only the log on disk has: reopening, its lock, its format, the reader beside it.

#include "adapters/rocksdb/rocks_event_log.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "adapters/rocksdb/log_reader.h"
#include "adapters/rocksdb/record_codec.h"

namespace vitrine::adapters {
namespace {

Deadline Soon() { return After(std::chrono::seconds(60)); }

Event MakeEvent(std::string id, EventType type = EventType::kView, std::string user = "u") {
  Event event;
  event.event_id = std::move(id);
  event.type = type;
  event.user_id = std::move(user);
  event.items = {{"item", -1, 1, 0}};
  event.ts = {1'700'000'000'000'000};
  return event;
}

class RocksEventLogTest : public testing::Test {
 protected:
  RocksEventLogTest() {
    root_ = (std::filesystem::temp_directory_path() / "rocks-log-XXXXXX").string();
    EXPECT_NE(::mkdtemp(root_.data()), nullptr);
    directory_ = root_ + "/shop/log";
  }
  ~RocksEventLogTest() override {
    log_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }
  RocksEventLogTest(const RocksEventLogTest&) = delete;
  RocksEventLogTest& operator=(const RocksEventLogTest&) = delete;

  void Open(const RocksEventLogOptions& options = {}) {
    log_.reset();
    auto log = RocksEventLog::Open(directory_, options);
    ASSERT_TRUE(log.ok()) << log.status().ToString();
    log_ = std::move(log).value();
  }
  void Append(const Event& event) {
    const auto verdicts = log_->AppendEvents({&event, 1}, Soon());
    ASSERT_TRUE(verdicts.ok()) << verdicts.status().ToString();
  }
  /// Puts a number into the closed log's meta.
  void WriteMeta(const std::string& name, std::uint64_t number) {
    log_.reset();
    std::vector<std::string> names;
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies({}, directory_, &names).ok());
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const std::string& family : names) {
      families.emplace_back(family, rocksdb::ColumnFamilyOptions());
    }
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* opened = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open({}, directory_, families, &handles, &opened).ok());
    const std::unique_ptr<rocksdb::DB> db(opened);
    ASSERT_TRUE(db->Put({}, name, SequenceKey(number)).ok());
    for (rocksdb::ColumnFamilyHandle* handle : handles) {
      ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
    }
  }
  /// Names and sizes of the directory's files.
  [[nodiscard]] std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      names.push_back(entry.path().filename().string() + " " +
                      std::to_string(std::filesystem::file_size(entry.path())));
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  std::string root_;
  std::string directory_;
  std::unique_ptr<RocksEventLog> log_;
};

// Steady answers leave no pause, and nobody waits for them: they come to disk all the same.
TEST_F(RocksEventLogTest, ImpressionsComeToDiskThoughMoreKeepComing) {
  Open();
  const std::uint64_t before = log_->LastSequence();
  const Deadline late = Soon();
  for (int i = 0; log_->LastSequence() == before && std::chrono::steady_clock::now() < late; ++i) {
    Impression impression;
    impression.request_id = "r" + std::to_string(i);
    impression.ts = {1'700'000'000'000'000};
    ASSERT_TRUE(log_->AppendImpression(impression).ok());
    std::this_thread::sleep_for(
        std::chrono::milliseconds(20));  // less than a pause that would sync
  }
  EXPECT_GT(log_->LastSequence(), before);
}

TEST_F(RocksEventLogTest, EverythingIsThereAfterReopening) {
  Open();
  Append(MakeEvent("e1", EventType::kPurchase));
  Item item;
  item.id = "item2";
  ASSERT_TRUE(log_->AppendItems({&item, 1}, Soon()).ok());
  const User user{"u", {1}, {{"level", std::string("gold")}}};
  ASSERT_TRUE(log_->AppendUsers({&user, 1}, Soon()).ok());
  Impression impression;
  impression.request_id = "r";
  ASSERT_TRUE(log_->AppendImpression(impression).ok());  // written when the log closes
  Open();
  EXPECT_EQ(log_->LastSequence(), 4U);
  EXPECT_EQ(log_->Read(0, 10)->size(), 4U);
  EXPECT_EQ(log_->FindItem("item"), 0U);
  EXPECT_EQ(log_->FindItem("item2"), 1U);
  EXPECT_EQ(log_->GetUserState("u")->bought, std::vector<data::ItemNumber>{0});
  EXPECT_EQ(log_->GetUserState("u")->attributes, user.attributes);
  EXPECT_EQ(*log_->GetItem("item2"), item);
  EXPECT_EQ(*log_->GetImpression("r"), impression);
  const Event again = MakeEvent("e1");
  EXPECT_EQ(log_->AppendEvents({&again, 1}, Soon())->front(), data::AppendVerdict::kDuplicate);
}

TEST_F(RocksEventLogTest, InternedNumbersAreSavedWithTheNextAppend) {
  Open();
  EXPECT_EQ(*log_->InternItem("a"), 0U);
  EXPECT_EQ(*log_->InternItem("b"), 1U);
  Append(MakeEvent("e1"));
  Open();
  EXPECT_EQ(log_->ItemId(0), "a");
  EXPECT_EQ(log_->ItemId(1), "b");
  EXPECT_EQ(log_->ItemId(2), "item");
}

TEST_F(RocksEventLogTest, TheLockNamesWhoHoldsIt) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t holder = ::fork();
  if (holder == 0) {
    const auto held = RocksEventLog::Open(directory_);
    const char told = held.ok() ? 'y' : 'n';
    ::_exit(::write(ready[1], &told, 1) == 1 ? ::pause() : 1);
  }
  char told = 0;
  ASSERT_EQ(::read(ready[0], &told, 1), 1);
  ASSERT_EQ(told, 'y');
  const auto refused = RocksEventLog::Open(directory_);
  ::kill(holder, SIGKILL);
  ::waitpid(holder, nullptr, 0);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().code(), Code::kFailedPrecondition);
  EXPECT_NE(refused.status().message().find("process " + std::to_string(holder)), std::string::npos)
      << refused.status().message();
  EXPECT_NE(refused.status().message().find(directory_), std::string::npos);
  Open();  // a killed holder holds nothing
  EXPECT_EQ(RocksEventLog::Open(directory_).status().code(), Code::kFailedPrecondition);
  Append(MakeEvent("e1"));  // asking did not take the lock away
  EXPECT_FALSE(RocksEventLog::Open(directory_).ok());
}

TEST_F(RocksEventLogTest, ADirectoryThatCannotBeMadeIsNamed) {
  std::ofstream(root_ + "/shop") << "a file stands where the directory should be";
  const auto refused = RocksEventLog::Open(directory_);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.status().message().find(directory_), std::string::npos);
}

TEST_F(RocksEventLogTest, ANewerFormatIsRefused) {
  Open();
  Append(MakeEvent("e1"));
  WriteMeta("format", 2);
  const auto refused = RocksEventLog::Open(directory_);
  EXPECT_EQ(refused.status().code(), Code::kFailedPrecondition) << refused.status().ToString();
  const auto reader = RocksEventLogReader::Open(directory_);
  EXPECT_EQ(reader.status().code(), Code::kFailedPrecondition) << reader.status().ToString();
}

TEST_F(RocksEventLogTest, ADamagedFileIsTold) {
  Open();
  for (int i = 0; i < 100; ++i) {
    Append(MakeEvent(std::to_string(i)));
  }
  Open();  // now in table files
  log_.reset();
  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    if (entry.path().extension() == ".sst") {
      std::filesystem::resize_file(entry.path(), std::filesystem::file_size(entry.path()) / 2);
    }
  }
  const auto refused = RocksEventLog::Open(directory_);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().code(), Code::kDataLoss) << refused.status().ToString();
}

TEST_F(RocksEventLogTest, ImpressionsAreForgottenWhenTheirTimeIsUp) {
  RocksEventLogOptions options;
  options.impression_retention = std::chrono::seconds(1);
  Open(options);
  Impression impression;
  impression.request_id = "r";
  ASSERT_TRUE(log_->AppendImpression(impression).ok());
  const Deadline deadline = Soon();
  while (log_->GetImpression("r").ok() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_EQ(log_->GetImpression("r").status().code(), Code::kNotFound);
}

TEST_F(RocksEventLogTest, TheReaderSeesWhatTheWriterAcknowledged) {
  EXPECT_EQ(RocksEventLogReader::Open(directory_).status().code(), Code::kNotFound);
  Open();
  Append(MakeEvent("e1"));
  const auto reader = RocksEventLogReader::Open(directory_);
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  EXPECT_EQ(*(*reader)->LastSequence(), 1U);
  for (int i = 2; i <= 300; ++i) {
    Append(MakeEvent("e" + std::to_string(i)));
    if (i % 100 == 0) {
      ASSERT_TRUE((*reader)->TryCatchUpWithPrimary().ok());
      EXPECT_EQ(*(*reader)->LastSequence(), static_cast<std::uint64_t>(i));
    }
  }
  const auto records = (*reader)->Read(0, 1000);
  ASSERT_TRUE(records.ok()) << records.status().ToString();
  ASSERT_EQ(records->size(), 300U);
  EXPECT_EQ(std::get<Event>(records->back().body), MakeEvent("e300"));
  EXPECT_EQ((*reader)->Read(298, 1)->front().sequence, 299U);
}

TEST_F(RocksEventLogTest, TheReaderFollowsDropsErasureAndRestarts) {
  Open();
  Append(MakeEvent("e1", EventType::kView, "gone"));
  Append(MakeEvent("e2"));
  const auto reader = RocksEventLogReader::Open(directory_);
  ASSERT_TRUE(reader.ok()) << reader.status().ToString();
  ASSERT_TRUE(log_->EraseUser("gone", Soon()).ok());
  Impression impression;
  impression.request_id = "r";
  ASSERT_TRUE(log_->AppendImpression(impression).ok());
  Append(MakeEvent("e3"));
  ASSERT_TRUE((*reader)->TryCatchUpWithPrimary().ok());
  std::vector<std::uint64_t> sequences;
  const auto records = (*reader)->Read(0, 10);
  ASSERT_TRUE(records.ok());
  for (const data::LogRecord& record : *records) {
    sequences.push_back(record.sequence);
  }
  EXPECT_EQ(sequences, (std::vector<std::uint64_t>{2, 3, 4, 5}));
  EXPECT_EQ(std::get<Impression>((*records)[2].body), impression);
  ASSERT_TRUE(log_->DropThrough(3).ok());
  Open();
  ASSERT_TRUE((*reader)->TryCatchUpWithPrimary().ok());
  EXPECT_EQ(*(*reader)->DroppedThrough(), 3U);
  EXPECT_EQ((*reader)->Read(0, 10)->front().sequence, 4U);
  log_.reset();
  ASSERT_TRUE((*reader)->TryCatchUpWithPrimary().ok());
  EXPECT_EQ((*reader)->Read(0, 10)->size(), 2U);
}

TEST_F(RocksEventLogTest, WhatWasJustWrittenIsReadAsItIsReadLater) {
  Open();
  // Twice with one name, of somebody who is erased, with much in it and with nothing; events between them.
  for (int i = 0; i < 300; ++i) {
    Impression impression;
    impression.request_id = "r" + std::to_string(i % 200);
    impression.subject = i % 3 == 0 ? "gone" : "stays";
    impression.ts = {i};
    impression.items.resize(static_cast<std::size_t>(i % 40), {"item", i + 0.5, "model:x"});
    impression.history.resize(static_cast<std::size_t>(i % 700), {"item", {i}});
    ASSERT_TRUE(log_->AppendImpression(impression).ok());
    if (i % 50 == 0) {
      ASSERT_TRUE(log_->AppendEvents(std::vector{MakeEvent("e" + std::to_string(i))}, Soon()).ok());
    }
  }
  ASSERT_TRUE(log_->EraseUser("gone", Soon()).ok());
  Impression last;
  last.request_id = "r7";
  ASSERT_TRUE(log_->AppendImpression(last).ok());
  ASSERT_TRUE(log_->AppendEvents(std::vector{MakeEvent("end")}, Soon()).ok());

  const auto now = log_->Read(0, 1000);
  ASSERT_TRUE(now.ok());
  const auto half = log_->Read(now->at(now->size() / 2).sequence, 1000);
  ASSERT_TRUE(half.ok());
  Open();
  const auto later = log_->Read(0, 1000);
  ASSERT_TRUE(later.ok());
  const auto same = [](const data::LogRecord& a, const data::LogRecord& b) {
    const auto* answer = std::get_if<Impression>(&a.body);
    const auto* other = std::get_if<Impression>(&b.body);
    return a.sequence == b.sequence && a.received.value == b.received.value &&
           a.body.index() == b.body.index() && (answer == nullptr || *answer == *other);
  };
  EXPECT_TRUE(std::equal(now->begin(), now->end(), later->begin(), later->end(), same));
  EXPECT_TRUE(std::equal(half->begin(), half->end(),
                         later->end() - static_cast<std::ptrdiff_t>(half->size()), later->end(),
                         same));
}

TEST_F(RocksEventLogTest, TheReaderChangesNothingInTheDirectory) {
  Open();
  Append(MakeEvent("e1"));
  log_.reset();
  const auto before = Files();
  {
    const auto reader = RocksEventLogReader::Open(directory_);
    ASSERT_TRUE(reader.ok());
    EXPECT_EQ((*reader)->Read(0, 10)->size(), 1U);
  }
  EXPECT_EQ(Files(), before);
}

TEST_F(RocksEventLogTest, AnAppendThatIsTooLateWritesNothing) {
  Open();
  // The listener stands in for a slow disk: the writer is busy with the first append.
  std::atomic<bool> go_on{false};
  log_->SetListener([&go_on](const data::LogRecord&) {
    while (!go_on) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  std::jthread first([this] { Append(MakeEvent("e1")); });
  while (log_->LastSequence() < 1) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const Event second = MakeEvent("e2");
  const auto refused = log_->AppendEvents({&second, 1}, After(std::chrono::milliseconds(20)));
  EXPECT_EQ(refused.status().code(), Code::kDeadlineExceeded) << refused.status().ToString();
  go_on = true;
  first.join();
  Append(MakeEvent("e3"));
  EXPECT_EQ(log_->LastSequence(), 2U);
}

}  // namespace
}  // namespace vitrine::adapters
