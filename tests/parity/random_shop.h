/// For tests: histories of a small shop and batches of inputs as the FeatureSpec makes them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/catalogue.h"
#include "core/tensor.h"
#include "train/sequences.h"

namespace vitrine {

inline constexpr std::size_t kWidth = 60;

/// Users of 0 to 30 events; popular items more often; some unknown, some repeated, some rows never.
inline train::TrainingSequences RandomSequences(unsigned seed) {
  std::mt19937 random(seed);
  std::geometric_distribution<ItemIndex> item(0.08);
  train::TrainingSequences sequences;
  sequences.width = kWidth;
  for (int user = 0; user < 200; ++user) {
    History history;
    std::uint32_t basket = 0;
    const std::size_t length = random() % 31;
    for (std::size_t i = 0; i < length; ++i) {
      basket += random() % 2 == 0 ? 0 : 1;
      history.push_back({.item = std::min<ItemIndex>(kUnknownItem + item(random), kWidth - 3),
                         .ts = {static_cast<std::int64_t>(random() % 60) * kMicrosPerDay},
                         .type = EventType::kPurchase,
                         .basket = basket});
    }
    sequences.users.push_back(std::move(history));
  }
  return sequences;
}

/// A catalogue row for most items: titles of few words, some brands, two levels of category, tags. By ItemIndex.
inline std::vector<Item> RandomItems(unsigned seed) {
  std::mt19937 random(seed);
  const auto word = [&](const std::string& kind, unsigned of) {
    return kind + std::to_string(random() % of);
  };
  std::vector<Item> items(kWidth);
  for (std::size_t i = kFirstItem; i < kWidth; ++i) {
    if (i % 11 == 0) {
      continue;  // the catalogue says nothing of it
    }
    const std::size_t words = 1 + random() % 6;
    for (std::size_t w = 0; w < words; ++w) {
      items[i].title += word("soap", 12) + " ";
    }
    items[i].brand = i % 3 == 0 ? "" : word("Brand", 5);
    items[i].categories = {word("Care", 3) + " > " + word("Face", 4)};
    items[i].tags = {word("new", 9)};
  }
  return items;
}

/// Pointers to the rows that say something; null elsewhere.
inline std::vector<const Item*> PointersTo(const std::vector<Item>& items) {
  std::vector<const Item*> pointers;
  for (const Item& item : items) {
    pointers.push_back(item.title.empty() ? nullptr : &item);
  }
  return pointers;
}

/// A batch as the FeatureSpec makes it (left-padded), with removed places and unknown items in it.
inline std::vector<Tensor> RandomBatch(unsigned seed, std::int64_t rows, std::int64_t length) {
  std::mt19937 random(seed);
  std::vector<std::int64_t> items(static_cast<std::size_t>(rows * length), 0);
  std::vector<std::int64_t> ages(items.size(), -1);
  for (std::int64_t r = 0; r < rows; ++r) {
    const std::int64_t filled =
        static_cast<std::int64_t>(random() % 4 == 0 ? 0 : random()) % (length + 1);
    for (std::int64_t age = 0; age < filled; ++age) {
      const auto at = static_cast<std::size_t>((r + 1) * length - 1 - age);
      items[at] = static_cast<std::int64_t>(random() % kWidth);
      ages[at] = age / 2;
    }
  }
  return {Tensor::Of<std::int64_t>("age", {rows, length}, ages),
          Tensor::Of<std::int64_t>("history", {rows, length}, items)};
}

}  // namespace vitrine
