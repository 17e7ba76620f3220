/// FeatureSpec: ONE set of transforms for training, evaluation and serving. It is fitted on a
/// snapshot, stored in the artifact as featurespec.json, and applied by the same code everywhere.
/// Threads: immutable after Fit/Parse; Apply from any thread.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/artifact.h"
#include "core/catalogue.h"
#include "core/history.h"
#include "core/status.h"
#include "core/tensor.h"
#include "data/interactions.h"

namespace vitrine::data {

/// Item ids of one artifact. Index 0 is padding, 1 unknown, then ids by descending popularity at
/// fit; equal popularity: by id, as numbers where every id is a number, else by bytes.
class Vocabulary {
 public:
  Vocabulary() = default;
  /// `ids` in index order, from kFirstItem on. Precondition: distinct, none empty.
  explicit Vocabulary(std::vector<std::string> ids);

  /// kUnknownItem where the id is not in it.
  [[nodiscard]] ItemIndex Find(std::string_view id) const;
  /// Empty for padding and unknown.
  [[nodiscard]] std::string_view Id(ItemIndex index) const;
  /// Padding and unknown included.
  [[nodiscard]] std::size_t width() const { return ids_.size() + kFirstItem; }
  [[nodiscard]] const std::vector<std::string>& ids() const { return ids_; }
  /// An id a line; ids hold no line breaks (refused on ingest).
  [[nodiscard]] std::string ToText() const;
  static Result<Vocabulary> Parse(std::string_view text);

 private:
  std::vector<std::string> ids_;
  std::vector<ItemIndex> by_id_;  // indexes in byte order of their ids; survives a copy
};

/// Everything a row of features is computed from. Pointers may be null where the caller has none.
struct FeatureInput {
  std::span<const HistoryEvent> history;  ///< oldest first, already cut at `as_of`
  Micros as_of;                           ///< the moment of the request
  const User* user = nullptr;
  const Attributes* context = nullptr;    ///< request context: device, hour, page, ...
  std::span<const ItemIndex> candidates;  ///< for rankers; empty for retrievers
  /// The candidates' catalogue rows as of `as_of`, same order; empty or null: the rows at fit.
  std::span<const Item* const> candidate_items;
};

/// One output tensor and how it is made. Rows of a batch: one per candidate, or one for an input
/// without candidates; shapes below are of B such rows. Options in docs/features.md. `op` is one of:
///   history_items   [B, L] int64: ItemIndex, newest last, left-padded with 0, L = `length`
///   history_ages    [B, L] int64: age of each place; unit `position`, `basket` or `day`; -1 padding
///   hash            text attribute -> bucket by 64-bit hash mod `buckets` (+1; 0 missing)
///   bucket          number -> index of its bin by fitted quantile edges (0 missing)
///   log_standardise number -> (log1p(x) - mean) / sd, fitted
///   standardise     number -> (x - mean) / sd, fitted
///   level           text attribute -> fitted vocabulary of levels (0 missing, 1 other)
///   tokens          text -> hashed word tokens, left-aligned, padded with 0, `length`
///   count_asof      events of `event` by user or item in the `days` before as_of
///   rate_asof       ratio of two such counts, smoothed: (a + prior*strength) / (b + strength)
///   context         number or level of a request context field
///   candidate       [B] int64: ItemIndex of the row's candidate; 0 for an input without
struct FeatureDef {
  std::string name;
  std::string op;
  std::string source;  ///< "user.level", "item.price", "context.hour", "item.title", ...
  std::map<std::string, std::string, std::less<>> options;
};

class FeatureSpec {
 public:
  FeatureSpec();
  ~FeatureSpec();
  FeatureSpec(FeatureSpec&&) noexcept;
  FeatureSpec& operator=(FeatureSpec&&) noexcept;

  /// Fits every transform on rows before `until` (exclusive), over the vocabulary.
  /// Errors: kInvalidArgument (unknown op, missing source: named), kFailedPrecondition (a transform
  ///         by time on ordinal time).
  static Result<FeatureSpec> Fit(std::vector<FeatureDef> defs, const Interactions& interactions,
                                 const ItemTable& items, const Vocabulary& vocabulary,
                                 Micros until);
  /// Errors: kInvalidArgument (names the field), kFailedPrecondition (newer format).
  static Result<FeatureSpec> Parse(std::string_view json);
  [[nodiscard]] std::string ToJson() const;
  /// sha256 of ToJson().
  [[nodiscard]] std::string Hash() const;

  [[nodiscard]] const std::vector<FeatureDef>& defs() const;
  /// Vocabulary width at fit, padding and unknown included.
  [[nodiscard]] std::size_t width() const;
  /// Names, types and shapes ([-1, L]) of what Apply makes, in order.
  [[nodiscard]] std::vector<TensorSpec> Outputs() const;

  /// Fills `out` (one tensor per def, reused between calls) for a batch.
  /// A history longer than L keeps its newest L places. Sequence tensors are as wide as the longest
  /// history of the batch, at most L, at least 1. All sequence tensors of one `sequence` option (one
  /// by default) are made from the same places. A place whose item is 0 (removed) stays a place.
  /// Does not allocate once `out` and the calling thread have seen a batch of this size.
  /// Errors:  kInvalidArgument (an item outside the vocabulary). Threads: any.
  Status Apply(std::span<const FeatureInput> inputs, std::vector<Tensor>& out) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vitrine::data
