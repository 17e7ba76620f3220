/// The catalogue index of a running shop: a large index over what was there, and a small one over
/// what changed since, rebuilt within moments of a change; the large one takes the changes in once
/// they are many. A changed item is found by its new text only.
/// Threads: every method from any thread; building happens on a thread of its own.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/guarded.h"
#include "core/status.h"
#include "core/time.h"
#include "data/event_log.h"
#include "search/catalogue_index.h"

namespace vitrine::search {

class LiveCatalogue {
 public:
  /// `log` outlives it. Nothing is indexed before Load.
  explicit LiveCatalogue(data::EventLog& log);
  ~LiveCatalogue();

  /// Indexes the whole current catalogue; blocks.
  Status Load();
  /// Takes a catalogue row or a deletion from the log's listener; ignores other records.
  void Apply(const data::LogRecord& record);
  /// Waits until everything applied so far can be found. Errors: kDeadlineExceeded.
  Status WaitUntilIndexed(Deadline deadline) const;

  /// As CatalogueIndex::Search; hits hold copies of ids.
  struct Found {
    std::string item_id;
    double score = 0;
    std::vector<TermScore> terms;
  };
  [[nodiscard]] std::vector<Found> Search(std::string_view query, std::size_t n,
                                          const std::function<bool(std::string_view)>& skip,
                                          bool explain) const;

  [[nodiscard]] std::size_t items() const;

 private:
  /// Changes beyond this many move into the large index.
  static constexpr std::size_t kMerge = 2000;

  struct Indexes {
    std::shared_ptr<const CatalogueIndex> base;
    std::shared_ptr<const CatalogueIndex> changes;
    std::set<std::string, std::less<>> changed;  ///< ids that `base` must not answer for
    /// Items that can be found.
    [[nodiscard]] std::size_t items() const;
  };
  void Run(const std::stop_token& stop);
  Status Rebuild(const std::map<std::string, Item>& changed);

  data::EventLog& log_;
  Published<Indexes> indexes_;
  mutable std::mutex mutex_;
  mutable std::condition_variable_any changed_;
  std::map<std::string, Item> changes_;  // current rows of changed items; deleted: hidden
  std::uint64_t applied_ = 0;
  std::uint64_t indexed_ = 0;
  std::jthread builder_;  // last: stops before the rest dies
};

}  // namespace vitrine::search
