/// Scores against clicks in one hour, in short.
/// Threads: values.
#pragma once

namespace vitrine::monitor {

/// Sums, so that hours add.
struct ScoreHour {
  double places = 0;
  double clicked = 0;
  double pairs = 0;     ///< of a clicked place and another
  double wins = 0;      ///< of those, with the clicked one above; a tie is half
  double log_loss = 0;  ///< sum over places
  double expected = 0;
  bool probabilities = false;
};

}  // namespace vitrine::monitor
