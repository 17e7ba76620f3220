#include "search/nearest_items.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "search/vector_codes.h"

namespace vitrine::search {
namespace {

// Queries that share the reading of a block: their codes and scores stay in the first-level cache.
constexpr std::size_t kBatch = 32;

Status CheckLength(std::size_t query, bool finite, double length) {
  if (finite && length <= kLongestVector) {
    return {};
  }
  return InvalidArgument("query vector " + std::to_string(query) +
                         (finite ? " is longer than 1e18" : " has a value that is not finite"));
}

double LengthOf(std::span<const float> vector) {
  double squares = 0;
  for (const float value : vector) {
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  return std::sqrt(squares);
}

bool IsFinite(std::span<const float> query) {
  return std::all_of(query.begin(), query.end(), [](float v) { return std::isfinite(v); });
}

}  // namespace

Status CheckQuery(std::span<const float> query) {
  return CheckLength(0, IsFinite(query), LengthOf(query));
}

struct NearestItems::Batch {
  std::size_t first = 0;           ///< of all queries; for messages
  std::span<const float> queries;  // [top.size(), width]
  std::size_t k = 0;
  std::span<const std::uint64_t> skip;
  std::size_t skip_step = 0;  ///< words from one query's skip bits to the next's
  std::span<std::vector<RankedItem>> top;
  Scan scan = Scan::kCodes;
  RowFilter accept;

  [[nodiscard]] std::size_t size() const { return top.size(); }
};

NearestItems::NearestItems(std::shared_ptr<const ItemMatrix> matrix, const ScanKernels& kernels)
    : matrix_(std::move(matrix)), kernels_(&kernels) {}

Status NearestItems::Search(std::span<const float> queries, std::size_t k,
                            std::span<const std::uint64_t> skip, NearestScratch& scratch,
                            std::span<std::vector<RankedItem>> top, Scan scan,
                            const RowFilter& accept) const {
  const std::size_t width = matrix_->width();
  if (queries.size() != top.size() * width) {
    return InvalidArgument(std::to_string(queries.size()) + " values are not " +
                           std::to_string(top.size()) + " queries of " + std::to_string(width) +
                           ", the width of the item vectors");
  }
  const std::size_t words = SkipWords(matrix_->rows());
  const bool shared = skip.size() == words;
  if (!skip.empty() && !shared && skip.size() != words * top.size()) {
    return InvalidArgument(std::to_string(skip.size()) + " words of skip bits; " +
                           std::to_string(words) + " cover the items, for all queries or for each");
  }
  const std::size_t step = skip.empty() || shared ? 0 : words;
  for (std::size_t first = 0; first < top.size(); first += kBatch) {
    const std::size_t count = std::min(kBatch, top.size() - first);
    const Batch batch{.first = first,
                      .queries = queries.subspan(first * width, count * width),
                      .k = k,
                      .skip = skip.subspan(first * step),
                      .skip_step = step,
                      .top = top.subspan(first, count),
                      .scan = scan,
                      .accept = accept};
    RETURN_IF_ERROR(Prepare(batch, scratch));
    if (k > 0) {
      ScanBlocks(batch, scratch);
    }
  }
  return {};
}

Status NearestItems::Prepare(const Batch& batch, NearestScratch& scratch) const {
  const std::size_t width = matrix_->width();
  const std::size_t stride = matrix_->stride();
  scratch.queries.assign(batch.size() * stride, 0);
  scratch.codes.assign(batch.size() * stride, 0);
  scratch.coded.resize(batch.size());
  scratch.scores.resize(batch.size() * kBlockRows);
  scratch.thresholds.assign(batch.size(), -std::numeric_limits<float>::infinity());
  scratch.live.resize(batch.size());
  scratch.masks.resize(batch.size());
  scratch.pending.reserve(batch.size() * kBlockRows);
  for (std::size_t q = 0; q < batch.size(); ++q) {
    const std::span<const float> query = batch.queries.subspan(q * width, width);
    std::int8_t* codes = scratch.codes.data() + q * stride;
    const bool finite = IsFinite(query);
    const CodeTerms terms = finite ? Encode(query, kernels_->query_levels, codes) : CodeTerms{};
    RETURN_IF_ERROR(CheckLength(batch.first + q, finite, terms.length));
    std::copy(query.begin(), query.end(), scratch.queries.data() + q * stride);
    std::int32_t sum = 0;
    for (std::size_t i = 0; i < width; ++i) {
      sum += codes[i];
    }
    scratch.coded[q] = {.codes = codes,
                        .offset = -kRowCodeOffset * sum,
                        .scale = terms.scale,
                        .length = RoundUp(terms.length),
                        .error = RoundUp(terms.error)};
    batch.top[q].clear();
    batch.top[q].reserve(std::min(batch.k, matrix_->rows()));
  }
  return {};
}

void NearestItems::ScanBlocks(const Batch& batch, NearestScratch& scratch) const {
  const std::size_t rows = matrix_->rows();
  for (std::size_t block = 0; block < matrix_->blocks(); ++block) {
    const std::size_t left = rows - block * kBlockRows;
    const std::uint64_t all = ~std::uint64_t{0} >> (left < kBlockRows ? kBlockRows - left : 0);
    std::uint64_t any = 0;
    for (std::size_t q = 0; q < batch.size(); ++q) {
      const std::uint64_t skip = batch.skip.empty() ? 0 : batch.skip[q * batch.skip_step + block];
      scratch.live[q] = all & ~skip;
      any |= scratch.live[q];
    }
    if (any == 0) {
      continue;
    }
    if (batch.scan == Scan::kFloats) {
      ScoreBlock(batch, block, scratch);
      continue;
    }
    kernels_->may_exceed(scratch.coded.data(), batch.size(), matrix_->codes(block),
                         matrix_->terms(block), matrix_->stride(), scratch.thresholds.data(),
                         scratch.masks.data());
    ScorePending(batch, scratch);
    KeepPending(batch, block, scratch);
  }
  ScorePending(batch, scratch);
  for (std::vector<RankedItem>& top : batch.top) {
    std::sort_heap(top.begin(), top.end(), Before);
  }
}

void NearestItems::KeepPending(const Batch& batch, std::size_t block,
                               NearestScratch& scratch) const {
  for (std::size_t q = 0; q < batch.size(); ++q) {
    std::uint64_t mask = scratch.masks[q] & scratch.live[q];
    for (; mask != 0; mask &= mask - 1) {
      const std::size_t row = block * kBlockRows + static_cast<std::size_t>(std::countr_zero(mask));
      scratch.pending.push_back({static_cast<std::uint32_t>(q), static_cast<ItemIndex>(row)});
      const float* values = matrix_->values() + row * matrix_->stride();
      for (std::size_t i = 0; i < matrix_->stride(); i += kCacheLine / sizeof(float)) {
        __builtin_prefetch(values + i);
      }
    }
  }
}

void NearestItems::ScorePending(const Batch& batch, NearestScratch& scratch) const {
  const std::size_t stride = matrix_->stride();
  for (const NearestScratch::Pending& pending : scratch.pending) {
    const std::uint32_t q = pending.query;
    float score = 0;
    kernels_->score_rows(scratch.queries.data() + q * stride, matrix_->values(), stride,
                         &pending.row, 1, &score);
    float& threshold = scratch.thresholds[q];
    if (score > threshold && batch.accept.Accepts(pending.row)) {
      threshold = static_cast<float>(EnterTop(batch.top[q], batch.k, {score, pending.row}));
    }
  }
  scratch.pending.clear();
}

void NearestItems::ScoreBlock(const Batch& batch, std::size_t block,
                              NearestScratch& scratch) const {
  const std::size_t stride = matrix_->stride();
  kernels_->score_block(scratch.queries.data(), batch.size(),
                        matrix_->values() + block * kBlockRows * stride, stride,
                        scratch.scores.data());
  for (std::size_t q = 0; q < batch.size(); ++q) {
    const std::span<const float> scores(scratch.scores.data() + q * kBlockRows, kBlockRows);
    float& threshold = scratch.thresholds[q];
    for (std::uint64_t mask = scratch.live[q] & MaskAbove(scores, threshold); mask != 0;
         mask &= mask - 1) {
      const auto r = static_cast<std::size_t>(std::countr_zero(mask));
      const auto row = static_cast<ItemIndex>(block * kBlockRows + r);
      if (scores[r] > threshold && batch.accept.Accepts(row)) {
        threshold = static_cast<float>(EnterTop(batch.top[q], batch.k, {scores[r], row}));
      }
    }
  }
}

Status NearestItems::ScoreAll(std::span<const float> queries, NearestScratch& scratch,
                              std::span<float> scores) const {
  const std::size_t width = matrix_->width();
  const std::size_t stride = matrix_->stride();
  const std::size_t rows = matrix_->rows();
  const std::size_t count = queries.size() / width;
  if (queries.size() % width != 0 || scores.size() != count * rows) {
    return InvalidArgument(std::to_string(queries.size()) + " values and " +
                           std::to_string(scores.size()) + " scores are not queries of " +
                           std::to_string(width) + " for " + std::to_string(rows) + " items");
  }
  scratch.scores.resize(std::min(count, kBatch) * kBlockRows);
  for (std::size_t first = 0; first < count; first += kBatch) {
    const std::size_t n = std::min(kBatch, count - first);
    scratch.queries.assign(n * stride, 0);
    for (std::size_t q = 0; q < n; ++q) {
      const std::span<const float> query = queries.subspan((first + q) * width, width);
      RETURN_IF_ERROR(CheckLength(first + q, IsFinite(query), LengthOf(query)));
      std::copy(query.begin(), query.end(), scratch.queries.data() + q * stride);
    }
    for (std::size_t block = 0; block < matrix_->blocks(); ++block) {
      const std::size_t from = block * kBlockRows;
      kernels_->score_block(scratch.queries.data(), n, matrix_->values() + from * stride, stride,
                            scratch.scores.data());
      const std::size_t kept = std::min(kBlockRows, rows - from);
      for (std::size_t q = 0; q < n; ++q) {
        std::copy_n(scratch.scores.data() + q * kBlockRows, kept,
                    scores.data() + (first + q) * rows + from);
      }
    }
  }
  return {};
}

void NearestItems::ScoreRows(std::span<const float> query, std::span<const ItemIndex> rows,
                             NearestScratch& scratch, std::span<float> scores) const {
  scratch.queries.assign(matrix_->stride(), 0);
  std::copy(query.begin(), query.end(), scratch.queries.data());
  kernels_->score_rows(scratch.queries.data(), matrix_->values(), matrix_->stride(), rows.data(),
                       rows.size(), scores.data());
}

}  // namespace vitrine::search
