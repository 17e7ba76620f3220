/// A study: trials of a train spec's parameters, one after the other or side by side, each with what it came to. Kept in a log, a
/// line an act (study_log.h), so that a process that dies loses nothing but what it was at: the same trial is given out again.
///
/// Trials are stopped early by asynchronous successive halving: at looks 1, eta, eta^2, ... a trial goes on only while it is
/// among the best 1 / eta of those that came so far.
/// Source: Li, Jamieson, Rostamizadeh, Gonina, Ben-tzur, Hardt, Recht & Talwalkar (ASHA), MLSys 2020
/// Threads: one caller at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "optimise/search_space.h"
#include "optimise/study_log.h"
#include "optimise/tpe.h"
#include "train/parameters.h"

namespace vitrine::optimise {

enum class Sampler : std::uint8_t { kTpe, kRandom };

struct StudyOptions {
  Sampler sampler = Sampler::kTpe;
  std::uint64_t seed = 1;
  TpeOptions tpe;
  std::size_t first_look = 1;  ///< the first at which a trial may be stopped; 0: none ever is
  std::size_t eta = 3;  ///< so many times as many looks until the next; one in so many goes on
};

/// kRunning -> one of the others, which are ends. Kept by these names.
enum class TrialState : std::uint8_t { kRunning, kDone, kStopped, kFailed };
std::string_view TrialStateName(TrialState state);

struct Trial {
  std::size_t number = 0;  ///< from 0
  Point point;
  TrialState state = TrialState::kRunning;
  double value = 0;  ///< validation value, higher is better; of a stopped one its last look's
  std::vector<double> looks;  ///< values while it ran
  double seconds = 0;         ///< CPU
  std::string note;           ///< why it failed
};

class Study {
 public:
  /// Goes on with what `log` has; it outlives the study. Null: nothing is kept.
  /// Errors: kInvalidArgument (the log is of another space, sampler or seed: says both), kDataLoss (not our lines), those
  ///         of the log.
  static Result<Study> Open(SearchSpace space, const StudyOptions& options, StudyLog* log);

  /// What to try now: a trial that an earlier process did not end, else a new one.
  /// Errors: those of StudyLog::Append.
  Result<Trial> Next();
  /// A look at a running trial. True: it is not worth going on with.
  /// Errors: kNotFound (no such trial), kFailedPrecondition (it has ended), those of writing.
  Result<bool> Look(std::size_t trial, double value);
  /// How a trial ended. Errors: as Look; kInvalidArgument (kRunning, a value that is no number).
  Status End(std::size_t trial, TrialState state, double value, double seconds,
             std::string note = "");

  [[nodiscard]] const SearchSpace& space() const { return space_; }
  [[nodiscard]] const std::vector<Trial>& trials() const { return trials_; }
  /// Trials that have ended.
  [[nodiscard]] std::size_t Ended() const;
  /// The best that was done; null where none was.
  [[nodiscard]] const Trial* Best() const;

 private:
  Study(SearchSpace space, const StudyOptions& options, StudyLog* log)
      : space_(std::move(space)), options_(options), log_(log) {}
  Status Load();
  Status Read(std::string_view line, std::size_t number);
  Status Append(const std::string& line) const;
  [[nodiscard]] std::string Head() const;
  Result<Trial*> Running(std::size_t trial);
  [[nodiscard]] bool WorthStopping(const Trial& trial) const;

  SearchSpace space_;
  StudyOptions options_;
  StudyLog* log_;
  std::vector<Trial> trials_;
  std::map<std::size_t, bool> given_;  // running trials that this process has given out
};

}  // namespace vitrine::optimise
