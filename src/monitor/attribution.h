/// Joins events to the answers that led to them while they arrive, in bounded memory.
/// An event's item belongs to the answer named by its request_id; without one, to the newest answer
/// that showed the item to the same shopper within the window of the event's type (last touch).
/// An item that no answer showed counts as missed by the shopper's newest answer, so that recall is
/// not flattered. A return takes a purchase back, identify moves an anonymous shopper's answers.
/// Threads: one caller at a time.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "core/catalogue.h"
#include "core/event.h"
#include "core/impression.h"
#include "core/status.h"
#include "monitor/estimate/quality_estimate.h"
#include "monitor/outcomes/business_outcomes.h"
#include "monitor/outcomes/list_behaviour.h"
#include "monitor/quality_counts.h"

namespace vitrine::monitor {

struct AttributionOptions {
  std::size_t most_waiting = 20'000;  ///< answers kept for labels; the oldest leave first
  Micros click_window{30 * 60 * kMicrosPerSecond};
  Micros purchase_window{kMicrosPerDay};
  std::vector<int> ks = {5, 10, 20};  ///< rising, at most 64
};

struct JoinCounts {
  std::uint64_t events = 0;
  std::uint64_t by_request = 0;
  std::uint64_t by_subject = 0;
  std::uint64_t orphans = 0;
  std::uint64_t unshown = 0;
  std::uint64_t unjoined = 0;
};

class Attribution {
 public:
  explicit Attribution(AttributionOptions options);
  // What waits points at its row.
  Attribution(const Attribution&) = delete;
  Attribution& operator=(const Attribution&) = delete;
  Attribution(Attribution&&) = default;
  Attribution& operator=(Attribution&&) = default;
  ~Attribution() = default;

  /// Starts waiting for labels. Only the first 64 places are watched. One whose request waits already was sent twice,
  /// and counts once: false then. `ts`: when it was given, for this counting.
  bool Add(const Impression& impression, Micros ts);
  bool Add(const Impression& impression) { return Add(impression, impression.ts); }
  /// Joins each item of an event; events without meaning here are ignored.
  void Record(const Event& event);
  /// A row of the catalogue: which category an item is of.
  void OnItem(const Item& item);

  /// Key: model and scene joined by '\n'.
  [[nodiscard]] const std::unordered_map<std::string, QualityCounts>& rows() const { return rows_; }
  /// The same by the hour in which the answers were given, while labels of its answers may come.
  [[nodiscard]] const std::map<HourRow, QualityCounts>& hours() const { return hours_; }
  /// Those that change no more. They follow from what was added and recorded alone: so do those made again from a log.
  [[nodiscard]] const std::map<HourRow, QualityCounts>& final_hours() const { return final_hours_; }
  /// Hours before it are final: answers that come for them are in no hour.
  [[nodiscard]] std::int64_t final_before() const { return final_before_; }
  /// Rows of final hours that had to leave before they were kept elsewhere.
  [[nodiscard]] std::uint64_t lost_hours() const { return lost_hours_; }
  /// Forgets those of `hours` that are final: they are kept elsewhere.
  void DropFinalHours(const std::vector<HourRow>& hours);
  [[nodiscard]] const std::array<JoinCounts, kEventTypes>& joins() const { return joins_; }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  [[nodiscard]] std::uint64_t forgotten() const { return forgotten_; }
  [[nodiscard]] const AttributionOptions& options() const { return options_; }
  /// What answers are worth before their labels are in.
  [[nodiscard]] const QualityEstimates& estimates() const { return estimates_; }
  [[nodiscard]] const BusinessOutcomes& outcomes() const { return outcomes_; }
  [[nodiscard]] const ListBehaviour& behaviour() const { return behaviour_; }

  /// One JSON text. Written straight, since up to most_waiting answers are in it and it is asked for every few seconds.
  [[nodiscard]] std::string Save() const;
  /// Replaces everything. Errors: kInvalidArgument.
  Status Load(const nlohmann::json& saved);

 private:
  static constexpr std::size_t kMostMissed = 32;  ///< distinct missed items kept per answer
  static constexpr std::size_t kAnswersPerSubject = 8;
  static constexpr std::size_t kMostHourRows = 8192;  ///< beyond it hours are not told apart
  static constexpr std::size_t kMostFinalRows =
      32'768;  ///< that nobody takes away; the oldest leave

  struct LabelState {
    std::uint64_t places = 0;           ///< bit p: place p has the label
    std::vector<std::uint64_t> missed;  ///< hashes of labelled items not shown
  };
  using Row = std::unordered_map<std::string, QualityCounts>::value_type;
  struct Answer {
    std::uint64_t request = 0;
    std::uint64_t subject = 0;  ///< 0: nobody
    Micros ts;
    std::int64_t hour = 0;
    /// Of its hour while that is open; null where no hour counts it.
    QualityCounts* in_hour = nullptr;
    std::size_t group = 0;  ///< of shoppers
    Row* row = nullptr;
    std::vector<std::uint64_t> items;
    std::array<LabelState, kLabels> labels;
    AnswerScores scores;
    std::uint64_t visitor = 0;  ///< the subject when it was given
    std::uint16_t outcomes_row = 0;
  };

  Row& RowOf(const Impression& impression);
  static void AppendAnswer(const Answer& answer, std::string_view row, std::string& text);
  void RecordItem(const Event& event, Label label, const EventItem& item, std::uint64_t hash);
  void RecordReturn(const Event& event, const EventItem& item);
  void RecordDwell(const Event& event, std::uint64_t hash);
  void Identify(const Event& event);
  Answer* FindRequest(std::string_view request_id);
  /// The subject's waiting answers, newest first, that the event is in time for.
  std::vector<Answer*> AnswersOf(std::uint64_t subject, Micros ts, Micros window);
  void SetPlace(Answer& answer, Label label, std::size_t place, bool on);
  void AddMissed(Answer& answer, Label label, std::uint64_t item);
  /// Takes the answer's part out of (sign -1) or into (+1) its row and its hour.
  void Contribute(const Answer& answer, Label label, double sign);
  void ContributeTo(QualityCounts& row, const Answer& answer, Label label, double sign) const;
  /// Null where its hour is final already, or where there are too many: no hour counts it then.
  QualityCounts* OpenHour(const Answer& answer);
  /// The open hour that counts it, or null.
  [[nodiscard]] QualityCounts* HourOf(const Answer& answer) const;
  /// Out of its subject's list for good: nothing joins it by its subject any more, after a restart neither.
  void LeaveSubject(std::uint64_t sequence);
  void FinishHours();
  void Advance(Micros ts);
  void Pop(bool mature);
  /// Tells the estimates of answers whose labels are in.
  void TellLabels();
  void Index(const Answer& answer, std::uint64_t sequence);
  [[nodiscard]] Micros WindowOf(Label label) const;

  AttributionOptions options_;
  std::vector<double> discounts_;  ///< by place
  std::vector<double> ideal_;      ///< of n labelled items at the head
  std::unordered_map<std::string, QualityCounts> rows_;
  std::map<HourRow, QualityCounts> hours_;
  std::string key_;  ///< of the row that is looked up, so that its memory is used again
  std::map<HourRow, QualityCounts> final_hours_;
  std::uint64_t lost_hours_ = 0;
  std::int64_t final_before_ = std::numeric_limits<std::int64_t>::min();
  std::array<JoinCounts, kEventTypes> joins_;
  std::deque<Answer> waiting_;
  std::uint64_t first_ = 0;  ///< sequence number of waiting_.front()
  std::unordered_map<std::uint64_t, std::uint64_t> by_request_;
  std::unordered_map<std::uint64_t, std::vector<std::uint64_t>> by_subject_;
  std::uint64_t forgotten_ = 0;
  Micros watermark_;
  QualityEstimates estimates_;
  BusinessOutcomes outcomes_;
  ListBehaviour behaviour_;
  std::array<std::uint64_t, kLabels>
      told_{};  ///< sequence of the first answer whose labels it was not told
};

}  // namespace vitrine::monitor
