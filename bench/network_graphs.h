/// Networks of the shapes that serving is measured with, weights at random: speed does not ask what was learned.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace vitrine::bench {

/// A SASRec-shaped network (50 places, width 64, two blocks): `history` [B, 50] int64 -> the best 20 of `items`
/// as `scores` and `items` [B, 20]. The model file's bytes.
std::string SequenceGraph(std::int64_t items);

/// The same network as SASRec is exported, for histories of any length up to kPlaces (two heads, a wider
/// inner layer): once with the scores of all items as its answer, [B, items], and once with the query that
/// the item vectors are multiplied by, `query` [B, kWidth].
struct NextItemModel {
  std::string scores;
  std::string query;
  std::vector<float> items;  ///< [items, kWidth]
};
NextItemModel NextItemGraphs(std::int64_t items);

/// A text encoder of MiniLM's shape (6 layers, width 384, 12 heads): `tokens` [B, 32] int64 -> `vector` [B, 384].
std::string EncoderGraph();

inline constexpr std::int64_t kPlaces = 50;
inline constexpr std::int64_t kWidth = 64;
inline constexpr std::int64_t kTokens = 32;
inline constexpr std::int64_t kWords = 30'522;

}  // namespace vitrine::bench
