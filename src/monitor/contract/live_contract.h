/// The data contract held against what comes in: counted row by row from the log, judged four times
/// an hour and once a day (UTC), by the time at which rows came. Nothing is ever refused for it.
/// Threads: one caller at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/event.h"
#include "core/time.h"
#include "monitor/contract/contract_rule.h"
#include "monitor/contract/judge_contract.h"
#include "monitor/contract/row_counter.h"

namespace vitrine::monitor {

/// Whether a rule was kept at the newest look that could say.
struct RuleState {
  std::string rule;
  Grain grain = Grain::kHour;
  bool broken = false;
  double rows = 0;
  bool wrong = false;  ///< where it is broken, rows cannot be right (SaysRowsAreWrong)
};

struct ContractReport {
  std::uint64_t version = 0;  ///< in force; 0: there is none, and the rest is empty
  std::uint64_t rules = 0;    ///< that are on
  Micros hour;                ///< the hour that is being counted
  std::uint64_t looks = 0;    ///< at it so far
  Micros judged_hour;         ///< the newest hour and day that were judged whole; 0: none yet
  Micros judged_day;
  std::vector<RuleState> states;
  /// Of the running hour's newest look, of the newest judged hour, and of the newest judged day.
  std::vector<ContractFinding> findings;
};

class LiveContract {
 public:
  static constexpr std::uint64_t kLooks = 4;  ///< at an hour

  void SetKnownIds(KnownIds known) { known_ = std::move(known); }
  /// From here on this contract counts; a window that is under way counts as begun in its middle.
  void SetContract(std::shared_ptr<const DataContract> contract, std::uint64_t version);

  void Count(const Event& event, Micros received);
  void CountRefused(double rows);
  void CountRepeated(double rows);
  void ForgetItem(std::string_view id);
  /// The clock: closes the hours and days that have passed, and looks. Call when everything that
  /// came before `now` was counted.
  void Advance(Micros now);
  /// Forgets what was counted: the log is read anew.
  void StartAnew();

  [[nodiscard]] ContractReport Report() const;

  [[nodiscard]] nlohmann::json Save() const;
  /// What SetContract of the same version takes up. Throws nlohmann::json::exception.
  void Load(const nlohmann::json& saved);
  /// What `read` has loaded, under the contract that is here.
  void TakeOver(LiveContract read);

 private:
  void Enter(Micros hour, bool whole);
  void CloseHour();
  void Look(Micros now);
  void LookAtSilence(Micros now);
  void Note(const ContractWindow& window, const Judged& judged, Grain grain);
  void TakeUp();
  [[nodiscard]] ContractWindow Hour() const;

  KnownIds known_;
  std::shared_ptr<const DataContract> contract_;
  std::uint64_t version_ = 0;
  std::optional<RowCounter> counter_;
  Micros hour_;  ///< 0: not begun
  bool hour_whole_ = false;
  std::uint64_t looks_ = 0;
  Micros day_;
  bool day_whole_ = false;
  std::vector<RuleCounts> day_counts_;
  std::vector<Example> day_examples_;
  Micros judged_hour_, judged_day_;
  std::vector<ContractFinding> running_, closed_hour_, closed_day_;
  std::optional<ContractFinding> silence_;
  std::vector<std::optional<RuleState>> states_;  ///< by rule
  nlohmann::json saved_;                          ///< waits for its contract
};

}  // namespace vitrine::monitor
