/// Where the time of answers went, in bounded memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "monitor/diagnosis/evidence.h"
#include "monitor/latency_counts.h"

namespace vitrine::monitor {

/// Of an answer's time.
enum class Stage : std::uint8_t { kWhole, kFeatures, kGraph, kRest, kQueue };

/// Means of several values whose errors know that what comes one after the other is alike: the rows are cut into
/// batches of about equal size in the order in which they came, and the error is that of the batches' means. Once
/// there are 64, neighbours are put together, so that a batch grows with the time that is watched.
/// Source: batch means, A. Law, "Simulation Modeling and Analysis", 9.5.3
/// Threads: one caller at a time.
class BatchMeans {
 public:
  static constexpr std::size_t kValues = 5;
  static constexpr std::size_t kMostBatches = 64;
  static constexpr std::uint64_t kFirstSize = 16;  ///< rows of a batch at the beginning
  using Row = std::array<double, kValues>;         ///< by Stage

  void Add(const Row& row) { AddSums(row, 1); }
  /// So many rows at once, of which only the sums are known.
  void AddSums(const Row& sums, std::uint64_t rows);
  [[nodiscard]] MeanSample Of(Stage stage) const;

 private:
  struct Batch {
    Row sums{};
    std::uint64_t rows = 0;
  };
  std::vector<Batch> whole_;
  Batch open_;
  std::uint64_t size_ = kFirstSize;
};

struct AnswerSeconds {
  double whole = 0;
  double features = 0;
  double graph = 0;
};

/// Answers of versions between two deploys.
/// Threads: one caller at a time.
class AnswerTimes {
 public:
  void Add(const AnswerSeconds& seconds);
  /// A list of so many items was shown.
  void AddList(std::size_t places);
  [[nodiscard]] std::uint64_t answers() const { return latencies_.view().count; }

  /// Latency, stages and positions; leaves what it knows nothing of.
  void FillIn(VersionEvidence& version) const;

 private:
  static constexpr std::size_t kMostPlaces = 64;
  BatchMeans means_;  // by Stage; nothing waits in a queue here
  LatencyCounts latencies_;
  std::array<std::uint64_t, kMostPlaces + 1> lists_{};  // by length
};

}  // namespace vitrine::monitor
