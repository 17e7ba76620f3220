/// The k items whose vectors have the largest inner products with a query's, exactly.
/// Source: the search is a full scan. The quicker of two reads 8-bit codes, rules out each row whose
/// bound cannot reach the k-th best score so far (Cauchy-Schwarz; docs/search.md), and scores the
/// others as the plain scan does, so that both give the same answer to the last bit.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/status.h"
#include "search/item_matrix.h"
#include "search/scan_kernels.h"
#include "search/top_k.h"

namespace vitrine::search {

enum class Scan : unsigned char {
  kCodes,   ///< 8-bit codes first, floats of what they leave
  kFloats,  ///< floats of every row
};

/// Asked only of rows whose scores would enter an answer, so it may be costly. Holds a reference: what
/// it is made of outlives the call. Empty: every row is accepted.
class RowFilter {
 public:
  RowFilter() = default;
  template <typename Accepts>
  explicit RowFilter(const Accepts& accepts)
      : context_(&accepts), call_([](const void* context, ItemIndex row) {
          return static_cast<bool>((*static_cast<const Accepts*>(context))(row));
        }) {}
  [[nodiscard]] bool AcceptsAll() const { return call_ == nullptr; }
  [[nodiscard]] bool Accepts(ItemIndex row) const {
    return call_ == nullptr || call_(context_, row);
  }

 private:
  const void* context_ = nullptr;
  bool (*call_)(const void*, ItemIndex) = nullptr;
};

/// What a search needs for the time of a call; reused, it makes the next one allocate nothing.
struct NearestScratch {
  struct Pending {
    std::uint32_t query;
    ItemIndex row;
  };

  std::vector<float> queries;  // padded to the matrix's stride
  std::vector<std::int8_t> codes;
  std::vector<CodedQuery> coded;
  std::vector<float> scores;
  std::vector<float> thresholds;
  std::vector<std::uint64_t> live;   // per query: rows of a block that it does not skip
  std::vector<std::uint64_t> masks;  // per query: of those, the ones to score
  std::vector<Pending> pending;      // on their way from memory while the next block is read
};

/// Errors: kInvalidArgument (a value that is not finite, longer than kLongestVector).
Status CheckQuery(std::span<const float> query);

class NearestItems {
 public:
  /// A given set of kernels is for tests and benchmarks.
  explicit NearestItems(std::shared_ptr<const ItemMatrix> matrix,
                        const ScanKernels& kernels = FastestKernels());

  /// Fills top[q] with the k best rows for query q, best first, equal scores by lower row, fewer
  /// where fewer qualify. Bit r % 64 of skip[r / 64] leaves row r out; blocks of 64 that every
  /// query leaves out are not read. Rows that `accept` refuses are left out too. Each query's answer
  /// is the one it gets alone, whatever its batch, the kind of scan and the processor.
  /// Shapes:  queries [top.size(), width]; skip empty (nothing is left out), SkipWords(rows) for
  ///          all queries, or one such row a query
  /// Errors:  kInvalidArgument (shapes; a query that is not finite or longer than kLongestVector)
  /// Threads: any, one scratch each. Allocates nothing once scratch and top have room.
  Status Search(std::span<const float> queries, std::size_t k, std::span<const std::uint64_t> skip,
                NearestScratch& scratch, std::span<std::vector<RankedItem>> top,
                Scan scan = Scan::kCodes, const RowFilter& accept = {}) const;

  /// The scores of all rows, as Search gives them.
  /// Shapes:  queries [n, width], scores [n, rows]
  /// Errors, threads, allocation: as Search.
  Status ScoreAll(std::span<const float> queries, NearestScratch& scratch,
                  std::span<float> scores) const;

  /// The scores of some rows, as Search gives them.
  /// Shapes:  query [width], rows and scores of one size
  /// Preconditions: CheckQuery(query) is OK, each row < matrix().rows().
  void ScoreRows(std::span<const float> query, std::span<const ItemIndex> rows,
                 NearestScratch& scratch, std::span<float> scores) const;

  [[nodiscard]] const ItemMatrix& matrix() const { return *matrix_; }
  [[nodiscard]] const std::shared_ptr<const ItemMatrix>& shared_matrix() const { return matrix_; }

 private:
  struct Batch;  // a few queries, which read each block together

  Status Prepare(const Batch& batch, NearestScratch& scratch) const;
  void ScanBlocks(const Batch& batch, NearestScratch& scratch) const;
  void KeepPending(const Batch& batch, std::size_t block, NearestScratch& scratch) const;
  void ScorePending(const Batch& batch, NearestScratch& scratch) const;
  void ScoreBlock(const Batch& batch, std::size_t block, NearestScratch& scratch) const;

  std::shared_ptr<const ItemMatrix> matrix_;
  const ScanKernels* kernels_;
};

}  // namespace vitrine::search
