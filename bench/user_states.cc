// Reading a user's state for one request: from the store, which has it in its memtable or block cache, beside
// the states that are kept ready. Alternated pair by pair on one thread; 2,000 users asked in turn.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

#include "adapters/rocksdb/rocks_event_log.h"
#include "bench/report.h"

namespace vitrine::bench {
namespace {

constexpr int kPairs = 15;
constexpr int kCalls = 4000;
constexpr int kUsers = 2000;

class Log {
 public:
  explicit Log(std::size_t bytes) {
    folder_ = (std::filesystem::temp_directory_path() / "vitrine-bench-XXXXXX").string();
    CHECK(::mkdtemp(folder_.data()) != nullptr);
    auto log = adapters::RocksEventLog::Open(folder_ + "/log", {.user_state_bytes = bytes});
    CHECK(log.ok());
    log_ = *std::move(log);
  }
  ~Log() {
    log_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void Fill(int events) {
    std::vector<std::pair<std::string, data::UserState>> states;
    for (int i = 0; i < 100; ++i) {
      CHECK(log_->InternItem("item" + std::to_string(i)).ok());
    }
    for (int user = 0; user < kUsers; ++user) {
      auto& [name, state] = states.emplace_back();
      name = "user" + std::to_string(user);
      for (int e = 0; e < events; ++e) {
        const bool bought = e % 10 == 0;
        state.events.push_back({.item = static_cast<data::ItemNumber>((user + e) % 100),
                                .ts = {(e + 1) * kMicrosPerDay},
                                .type = bought ? EventType::kPurchase : EventType::kView,
                                .basket = static_cast<std::uint32_t>(e)});
      }
    }
    CHECK(log_->LoadUserStates(states).ok());
    next_ = 0;
  }
  void Ask() {
    const auto view = log_->ViewUserState("user" + std::to_string(next_++ % kUsers));
    CHECK(view.ok() && *view != nullptr);
  }

 private:
  std::string folder_;
  std::unique_ptr<adapters::RocksEventLog> log_;
  int next_ = 0;
};

void Compare(Log& stored, Log& kept, int events, std::vector<Bar>& bars) {
  stored.Fill(events);
  kept.Fill(events);
  const auto ask_stored = [&stored] { stored.Ask(); };
  const auto ask_kept = [&kept] { kept.Ask(); };
  SecondsPerCall(kCalls, ask_stored);
  SecondsPerCall(kCalls, ask_kept);
  std::vector<double> from_store;
  std::vector<double> ready;
  for (int pair = 0; pair < kPairs; ++pair) {
    const bool first = pair % 2 == 0;
    const double a = SecondsPerCall(kCalls, first ? std::function<void()>(ask_stored) : ask_kept);
    const double b = SecondsPerCall(kCalls, first ? std::function<void()>(ask_kept) : ask_stored);
    from_store.push_back((first ? a : b) * 1e6);
    ready.push_back((first ? b : a) * 1e6);
  }
  const std::string what = std::to_string(events) + " events, ";
  bars.push_back(
      {what + "from the store", Median(from_store), "us", false, 0, kPairs, Spread(from_store)});
  bars.push_back({what + "kept", Median(ready), "us", false, 0, kPairs, Spread(ready)});
}

void Run() {
  Log stored(0);
  Log kept(std::size_t{64} << 20);
  std::vector<Bar> bars;
  for (const int events : {9, 50, 500}) {
    Compare(stored, kept, events, bars);
  }
  Report("user_states", bars);
}

}  // namespace
}  // namespace vitrine::bench

int main() { vitrine::bench::Run(); }
