/// What the answers of a version rest on, over many histories: mean absolute contributions by kind of event, by how new the
/// event is, and by item.
/// Threads: values; GlobalAttributions is one caller's.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/history.h"
#include "core/scorer.h"
#include "core/status.h"
#include "core/time.h"
#include "data/feature_spec.h"
#include "explain/attribution.h"

namespace vitrine::explain {

/// What contributions are gathered by.
enum class Family : std::uint8_t {
  kEvent,    ///< "view", "purchase", ...
  kRecency,  ///< places from the newest: "1", "2", "3", "4-5", "6-10", "11-20", "21+"
  kItem,     ///< item ids, the kMostItems largest
};
inline constexpr std::size_t kFamilies = 3;
std::string_view FamilyName(Family family);

inline constexpr std::size_t kMostItems = 20;

struct Importance {
  std::string feature;
  double mean = 0;   ///< mean over answers and their items of |contribution|, in units of the score
  double share = 0;  ///< of all contributions of the answers
  friend bool operator==(const Importance&, const Importance&) = default;
};

/// Of histories of one length: "all", "new" (1 to 4 events that the version knows), "middle" (5 to 19), "long" (20 and more).
struct SegmentImportance {
  std::string segment;
  std::uint64_t answers = 0;
  double base = 0;                                     ///< mean |score without any history|
  std::map<Family, std::vector<Importance>> families;  ///< largest first; items in "all" only
  friend bool operator==(const SegmentImportance&, const SegmentImportance&) = default;
};

struct GlobalReport {
  std::string version;
  std::string source;  ///< "holdout": held-out cases; "live": histories of the newest answers
  Micros made;
  std::uint64_t answers = 0;
  std::uint64_t exact = 0;  ///< answers whose contributions are exact; the others are estimated
  std::vector<SegmentImportance> segments;
  friend bool operator==(const GlobalReport&, const GlobalReport&) = default;

  [[nodiscard]] const SegmentImportance* Find(std::string_view segment) const;
};

struct GlobalOptions {
  std::size_t items = 10;  ///< of each answer: the best, what the history holds left out
  /// Antithetic pairs of permutations for a version that is not additive. Few: the noise is averaged over the answers, and it
  /// raises every mean of |contribution| a little.
  std::size_t pairs = 4;
};

/// Bounds: memory is that of the vocabulary.
class GlobalAttributions {
 public:
  explicit GlobalAttributions(GlobalOptions options = {}) : options_(options) {}

  /// Attributes the best items for one history. A history of which the scorer knows nothing is left out.
  /// Cost:   as Attribute. Errors: those of Attribute and Score.
  Status Add(const Scorer& scorer, const History& history);
  [[nodiscard]] std::uint64_t answers() const { return sums_[0].answers; }
  [[nodiscard]] GlobalReport Report(std::string version, std::string source, Micros made,
                                    const data::Vocabulary& vocabulary) const;

 private:
  struct Sums {
    std::uint64_t answers = 0;
    double base = 0;
    std::map<std::string, double> events;
    std::map<std::string, double> recency;
    std::map<ItemIndex, double> items;
  };
  void Gather(const History& history, const Attribution& attribution, Sums& sums) const;

  GlobalOptions options_;
  std::uint64_t exact_ = 0;
  Sums sums_[4];  // by segment; the first is all
};

/// Where two attributions agree at least this well, they count as the same.
inline constexpr double kSameAttributions = 0.9;

/// nDCG of the features in the order of `now`, their gains the shares of `reference`: 1 where both order them alike. Features
/// that one of them lacks count as 0 there. 1 where the reference has fewer than two.
///   Source: Hardt et al. 2021 (Amazon SageMaker Clarify), section on feature attribution drift; Jarvelin & Kekalainen 2002
double AttributionNdcg(const std::vector<Importance>& reference,
                       const std::vector<Importance>& now);

struct ImportanceChange {
  std::string feature;
  double before = 0;  ///< share
  double now = 0;
};
struct FamilyComparison {
  std::string segment;
  Family family = Family::kEvent;
  std::uint64_t answers = 0;  ///< of the smaller side
  double ndcg = 1;
  std::vector<ImportanceChange> changes;  ///< largest first
};
struct GlobalComparison {
  double ndcg = 1;  ///< the least of events and recency over all answers
  [[nodiscard]] bool agrees() const { return ndcg >= kSameAttributions; }
  /// Events and recency, segment by segment; those that one side has no answers of are left out.
  std::vector<FamilyComparison> parts;
};
GlobalComparison Compare(const GlobalReport& reference, const GlobalReport& now);

/// JSON as the API shows and files keep it.
std::string ToJson(const GlobalReport& report);
std::string ToJson(const GlobalComparison& comparison);
/// Errors: kDataLoss (not what ToJson wrote: says what).
Result<GlobalReport> ParseGlobalReport(std::string_view json);

}  // namespace vitrine::explain
