#include "train/models/sequence_batches.h"

#include <algorithm>
#include <numeric>

namespace vitrine::train {

SequenceBatches::SequenceBatches(std::span<const History> users, std::int64_t length,
                                 std::int64_t rows, Learn learn,
                                 std::span<const std::vector<float>> weights)
    : rows_(rows), learn_(learn) {
  const auto step = static_cast<std::size_t>(length);
  for (std::size_t u = 0; u < users.size(); ++u) {
    const std::size_t begin = items_.size();
    for (std::size_t e = 0; e < users[u].size(); ++e) {
      if (users[u][e].item >= kFirstItem) {
        items_.push_back(users[u][e].item);
        if (!weights.empty()) {
          weights_.push_back(weights[u][e]);
        }
      }
    }
    if (learn == Learn::kNewest) {
      for (std::size_t end = begin + 2; end <= items_.size(); ++end) {
        const std::size_t size = std::min(end - begin, step + 1);
        Add({end - size, size});
      }
      continue;
    }
    // The newest window is full; what is left over is the oldest one's.
    std::size_t end = items_.size();
    while (end - begin >= 2) {
      const std::size_t size = std::min(end - begin, step + 1);
      Add({end - size, size});
      end -= size - 1;
    }
  }
  ScaleWeights();
}

std::size_t SequenceBatches::FirstTarget(const Window& window) const {
  switch (learn_) {
    case Learn::kNewest:
      return window.begin + window.size - 1;
    case Learn::kMasked:
      return window.begin;
    default:
      return window.begin + 1;
  }
}

void SequenceBatches::Add(const Window& window) {
  std::size_t targets = 0;
  const std::size_t end = window.begin + window.size;
  for (std::size_t place = FirstTarget(window); place < end; ++place) {
    targets += IsTarget(place) ? 1U : 0U;
  }
  if (targets > 0) {
    windows_.push_back(window);
    targets_ += targets;
  }
}

// Windows overlap by a place that is no target of the later one: each target is met once (twice, where
// places are hidden).
void SequenceBatches::ScaleWeights() {
  if (weights_.empty() || targets_ == 0) {
    return;
  }
  double sum = 0;
  for (const Window& window : windows_) {
    const std::size_t end = window.begin + window.size;
    for (std::size_t place = FirstTarget(window); place < end; ++place) {
      sum += static_cast<double>(weights_[place]);
    }
  }
  const double scale = static_cast<double>(targets_) / sum;
  for (float& weight : weights_) {
    weight = static_cast<float>(weight * scale);
  }
}

std::vector<std::vector<std::uint32_t>> SequenceBatches::Shuffle(std::mt19937_64& random) const {
  std::vector<std::uint32_t> order(windows_.size());
  std::iota(order.begin(), order.end(), 0U);
  std::shuffle(order.begin(), order.end(), random);
  std::stable_sort(order.begin(), order.end(), [this](std::uint32_t a, std::uint32_t b) {
    return windows_[a].size < windows_[b].size;
  });
  std::vector<std::vector<std::uint32_t>> batches;
  const auto rows = static_cast<std::size_t>(rows_);
  for (std::size_t at = 0; at < order.size(); at += rows) {
    const std::size_t end = std::min(at + rows, order.size());
    batches.emplace_back(order.begin() + static_cast<std::ptrdiff_t>(at),
                         order.begin() + static_cast<std::ptrdiff_t>(end));
  }
  std::shuffle(batches.begin(), batches.end(), random);
  return batches;
}

SequenceBatch SequenceBatches::Blank(std::span<const std::uint32_t> windows,
                                     std::size_t more) const {
  SequenceBatch batch;
  batch.rows = static_cast<std::int64_t>(windows.size());
  for (const std::uint32_t w : windows) {
    batch.length = std::max(batch.length, static_cast<std::int64_t>(windows_[w].size - 1 + more));
  }
  const std::size_t places = windows.size() * static_cast<std::size_t>(batch.length);
  batch.inputs.assign(places, kPaddingItem);
  batch.targets.assign(places, kPaddingItem);
  batch.weights.assign(weights_.empty() ? 0 : places, 0);
  return batch;
}

SequenceBatch SequenceBatches::Make(std::span<const std::uint32_t> windows) const {
  SequenceBatch batch = Blank(windows, 0);
  const auto width = static_cast<std::size_t>(batch.length);
  for (std::size_t row = 0; row < windows.size(); ++row) {
    const Window& window = windows_[windows[row]];
    const std::size_t places = window.size - 1;
    const std::size_t at = (row + 1) * width - places;
    for (std::size_t p = 0; p < places; ++p) {
      batch.inputs[at + p] = items_[window.begin + p];
      const std::size_t target = window.begin + p + 1;
      if ((learn_ == Learn::kNewest && p + 1 != places) || !IsTarget(target)) {
        continue;
      }
      batch.targets[at + p] = items_[target];
      if (!weights_.empty()) {
        batch.weights[at + p] = weights_[target];
      }
    }
  }
  return batch;
}

void SequenceBatches::Hide(const Window& window, std::size_t place, std::size_t row,
                           SequenceBatch& batch) const {
  const std::size_t at = (row + 1) * static_cast<std::size_t>(batch.length) - window.size + place;
  batch.inputs[at] = kMaskedItem;
  batch.targets[at] = items_[window.begin + place];
  if (!weights_.empty()) {
    batch.weights[at] = weights_[window.begin + place];
  }
}

SequenceBatch SequenceBatches::MakeMasked(std::span<const std::uint32_t> windows, double mask,
                                          double newest, std::mt19937_64& random) const {
  SequenceBatch batch = Blank(windows, 1);
  const auto width = static_cast<std::size_t>(batch.length);
  const auto chance = [&random] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  for (std::size_t row = 0; row < windows.size(); ++row) {
    const Window& window = windows_[windows[row]];
    std::copy_n(
        items_.begin() + static_cast<std::ptrdiff_t>(window.begin), window.size,
        batch.inputs.begin() + static_cast<std::ptrdiff_t>((row + 1) * width - window.size));
    const bool newest_alone = chance() < newest;
    std::size_t hidden = 0;
    std::size_t last = 0;  // place that can be a target
    for (std::size_t place = 0; place < window.size; ++place) {
      if (!IsTarget(window.begin + place)) {
        continue;
      }
      last = place;
      if (!newest_alone && chance() < mask) {
        Hide(window, place, row, batch);
        ++hidden;
      }
    }
    if (hidden == 0) {
      Hide(window, last, row, batch);
    }
  }
  return batch;
}

}  // namespace vitrine::train
