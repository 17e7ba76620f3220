#include "search/nearest_items.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>

namespace vitrine::search {
namespace {

using testing::HasSubstr;

using Answers = std::vector<std::vector<RankedItem>>;
using Words = std::vector<std::uint64_t>;

std::shared_ptr<const ItemMatrix> MatrixOf(const std::vector<float>& values, std::size_t width) {
  auto matrix = ItemMatrix::Make(values, values.size() / width, width);
  EXPECT_TRUE(matrix.ok()) << matrix.status().message();
  return std::make_shared<ItemMatrix>(*std::move(matrix));
}

bool Skipped(const Words& skip, std::size_t row) {
  return !skip.empty() && (skip[row / 64] >> (row % 64) & 1U) != 0;
}

/// The obvious way: the score of every row, sorted.
std::vector<RankedItem> Oracle(const ItemMatrix& matrix, std::span<const float> query,
                               std::size_t k, const Words& skip) {
  std::vector<float> padded(query.begin(), query.end());
  padded.resize(matrix.stride());
  std::vector<RankedItem> all;
  for (std::uint32_t row = 0; row < matrix.rows(); ++row) {
    float score = 0;
    PortableKernels()->score_rows(padded.data(), matrix.values(), matrix.stride(), &row, 1, &score);
    if (!Skipped(skip, row)) {
      all.push_back({score, row});
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const RankedItem& a, const RankedItem& b) { return a.score > b.score; });
  all.resize(std::min(all.size(), k));
  return all;
}

/// ScoreAll and ScoreRows give what the oracle scores.
void ExpectScores(const std::shared_ptr<const ItemMatrix>& matrix, const ScanKernels& kernels,
                  const std::vector<float>& queries) {
  const std::size_t width = matrix->width();
  const std::size_t count = queries.size() / width;
  const NearestItems nearest(matrix, kernels);
  NearestScratch scratch;
  std::vector<float> scores(count * matrix->rows());
  ASSERT_TRUE(nearest.ScoreAll(queries, scratch, scores).ok());
  for (std::size_t q = 0; q < count; ++q) {
    const std::span<const float> query = std::span(queries).subspan(q * width, width);
    std::vector<ItemIndex> rows;
    for (const RankedItem& item : Oracle(*matrix, query, matrix->rows(), {})) {
      EXPECT_EQ(scores[q * matrix->rows() + item.index], item.score);
      rows.push_back(item.index);
    }
    std::vector<float> some(rows.size());
    nearest.ScoreRows(query, rows, scratch, some);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(some[i], scores[q * matrix->rows() + rows[i]]);
    }
  }
}

/// Every set of kernels and both scans, all queries in one call and one at a time, give what the
/// oracle does, score by score to the last bit.
void ExpectExact(const std::vector<float>& values, std::size_t width,
                 const std::vector<float>& queries, std::size_t k, const Words& skip = {}) {
  const auto matrix = MatrixOf(values, width);
  const std::size_t count = queries.size() / width;
  Answers want;
  for (std::size_t q = 0; q < count; ++q) {
    want.push_back(Oracle(*matrix, std::span(queries).subspan(q * width, width), k, skip));
  }
  for (const ScanKernels* kernels : AvailableKernels()) {
    for (const Scan scan : {Scan::kCodes, Scan::kFloats}) {
      SCOPED_TRACE(std::string(kernels->name) + (scan == Scan::kCodes ? " codes" : " floats"));
      const NearestItems nearest(matrix, *kernels);
      NearestScratch scratch;
      Answers together(count);
      ASSERT_TRUE(nearest.Search(queries, k, skip, scratch, together, scan).ok());
      EXPECT_EQ(together, want);
      Answers alone(count);
      for (std::size_t q = 0; q < count; ++q) {
        ASSERT_TRUE(nearest
                        .Search(std::span(queries).subspan(q * width, width), k, skip, scratch,
                                std::span(alone).subspan(q, 1), scan)
                        .ok());
      }
      EXPECT_EQ(alone, want);
    }
    ExpectScores(matrix, *kernels, queries);
  }
}

std::vector<float> Normal(std::size_t count, std::uint_fast32_t seed, float size = 1) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> draw;
  std::vector<float> values(count);
  for (float& value : values) {
    value = draw(engine) * size;
  }
  return values;
}

/// Rows close around a few centres, so that many scores lie within the codes' error.
std::vector<float> Clustered(std::size_t rows, std::size_t width, std::size_t clusters,
                             float around, unsigned seed) {
  const std::vector<float> centres = Normal(clusters * width, 77);
  std::vector<float> values = Normal(rows * width, seed, around);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] += centres[i / width % clusters * width + i % width];
  }
  return values;
}

TEST(NearestItems, IsExactOnRandomVectorsOfAnyShape) {
  std::mt19937 engine(5);
  for (int round = 0; round < 60; ++round) {
    const std::size_t width = 1 + engine() % 70;
    const std::size_t rows = 1 + engine() % 300;
    const std::size_t count = 1 + engine() % 5;
    const std::size_t k = engine() % 30;
    SCOPED_TRACE("width " + std::to_string(width) + ", rows " + std::to_string(rows));
    Words skip;
    if (engine() % 3 != 0) {
      skip.resize(SkipWords(rows));
      for (std::uint64_t& word : skip) {
        word = (std::uint64_t{engine()} << 32U) | engine();
        word = engine() % 4 == 0 ? ~std::uint64_t{0} : word;
      }
    }
    ExpectExact(Normal(rows * width, engine()), width, Normal(count * width, engine()), k, skip);
  }
}

TEST(NearestItems, IsExactWhereScoresLieWithinTheCodesError) {
  for (const float around : {0.3F, 1e-2F, 1e-4F, 1e-7F}) {
    SCOPED_TRACE(around);
    ExpectExact(Clustered(2000, 64, 5, around, 1), 64, Clustered(7, 64, 5, around, 2), 20);
  }
}

TEST(NearestItems, IsExactWhereEachRowBeatsTheLast) {
  std::vector<float> values;
  for (std::size_t row = 0; row < 1000; ++row) {
    for (std::size_t j = 0; j < 24; ++j) {
      values.push_back((j % 2 == 0 ? 1.0F : -1.0F) * (1 + static_cast<float>(row) * 1e-6F));
    }
  }
  std::vector<float> query(24);
  for (std::size_t j = 0; j < 24; ++j) {
    query[j] = j % 2 == 0 ? 0.7F : -0.7F;
  }
  ExpectExact(values, 24, query, 10);
}

TEST(NearestItems, TiesGoToTheLowerRow) {
  // Five different rows, each two hundred times: in every block.
  const std::vector<float> rows = Normal(5 * 16, 3);
  std::vector<float> values;
  for (int i = 0; i < 200; ++i) {
    values.insert(values.end(), rows.begin(), rows.end());
  }
  ExpectExact(values, 16, Normal(4 * 16, 9), 300);
  ExpectExact(std::vector<float>(500 * 8), 8, Normal(8, 1), 7);      // all zero
  ExpectExact(Normal(500 * 8, 1), 8, std::vector<float>(2 * 8), 7);  // nothing asked
}

TEST(NearestItems, IsExactForAnySizeOfNumbers) {
  const std::vector<float> plain = Normal(3 * 32, 8);
  ExpectExact(Normal(400 * 32, 1, 5e16F), 32, Normal(3 * 32, 2, 5e16F), 9);  // scores near 1e36
  ExpectExact(Normal(400 * 32, 1, 1e-40F), 32, plain, 9);                    // subnormal
  ExpectExact(Normal(400 * 32, 1, 1e-25F), 32, Normal(3 * 32, 2, 1e-20F), 9);
  std::vector<float> mixed = Normal(400 * 32, 4);
  for (std::size_t i = 0; i < mixed.size(); ++i) {
    mixed[i] = std::ldexp(mixed[i], static_cast<int>(i / 32 % 100) - 50);
  }
  ExpectExact(mixed, 32, plain, 9);
}

TEST(NearestItems, IsExactWhereOneValueSpoilsTheScale) {
  std::vector<float> values = Clustered(1000, 48, 3, 0.01F, 6);
  for (std::size_t row = 0; row < 1000; ++row) {
    values[row * 48 + row % 48] = 1000;
  }
  std::vector<float> queries = Normal(4 * 48, 2);
  queries[5] = 500;
  ExpectExact(values, 48, queries, 20);
}

// All but one value of the query get the code 0, and the rows differ in the others only.
TEST(NearestItems, IsExactWhereTheQuerysCodesSayNothing) {
  std::mt19937 engine(2);
  std::vector<float> values(1000 * 16);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = i % 16 == 0 || engine() % 2 == 0 ? 1.0F : -1.0F;
  }
  std::vector<float> query(16, 0.49F);
  query[0] = 200;
  ExpectExact(values, 16, query, 5);
}

TEST(NearestItems, EveryBatchSizeGivesTheSameAnswer) {
  const std::vector<float> values = Clustered(700, 20, 4, 0.2F, 1);
  for (const std::size_t count : {2U, 3U, 31U, 32U, 33U, 70U}) {
    SCOPED_TRACE(count);
    ExpectExact(values, 20, Clustered(count, 20, 4, 0.2F, 2), 5);
  }
}

TEST(NearestItems, MayHaveLessThanIsAskedFor) {
  ExpectExact({}, 4, Normal(8, 1), 3);
  ExpectExact(Normal(4, 1), 4, Normal(8, 2), 3);
  ExpectExact(Normal(3, 1), 1, {1.0F, -1.0F}, 10);
  ExpectExact(Normal(100 * 4, 1), 4, Normal(8, 2), 0);
  ExpectExact(Normal(100 * 4, 1), 4, {}, 3);
  const Words all(2, ~std::uint64_t{0});
  ExpectExact(Normal(100 * 4, 1), 4, Normal(8, 2), 3, all);
  const Words but_one = {~std::uint64_t{0}, ~(std::uint64_t{1} << 35U)};
  ExpectExact(Normal(100 * 4, 1), 4, Normal(8, 2), 3, but_one);
  const Words past_the_end = {~std::uint64_t{0}, ~(std::uint64_t{1} << 36U)};
  ExpectExact(Normal(100 * 4, 1), 4, Normal(8, 2), 3, past_the_end);
}

TEST(NearestItems, EachQueryMaySkipItsOwn) {
  constexpr std::size_t kRows = 400;
  constexpr std::size_t kCount = 40;  // more than one batch
  const auto matrix = MatrixOf(Normal(kRows * 12, 1), 12);
  const std::vector<float> queries = Normal(kCount * 12, 2);
  std::mt19937 engine(3);
  Words skip(kCount * SkipWords(kRows));
  for (std::uint64_t& word : skip) {
    word = engine() % 3 == 0 ? ~std::uint64_t{0} : (std::uint64_t{engine()} << 32U) | engine();
  }
  for (const Scan scan : {Scan::kCodes, Scan::kFloats}) {
    NearestScratch scratch;
    Answers top(kCount);
    ASSERT_TRUE(NearestItems(matrix).Search(queries, 6, skip, scratch, top, scan).ok());
    for (std::size_t q = 0; q < kCount; ++q) {
      const auto from = skip.begin() + static_cast<std::ptrdiff_t>(q * SkipWords(kRows));
      const Words own(from, from + static_cast<std::ptrdiff_t>(SkipWords(kRows)));
      EXPECT_EQ(top[q], Oracle(*matrix, std::span(queries).subspan(q * 12, 12), 6, own));
    }
  }
}

TEST(NearestItems, SaysWhatIsWrongWithAQuestion) {
  const NearestItems nearest(MatrixOf(Normal(100 * 4, 1), 4));
  NearestScratch scratch;
  Answers top(2);
  const auto refused = [&](const std::vector<float>& queries, const Words& skip) {
    const Status status = nearest.Search(queries, 3, skip, scratch, top);
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    return status.message();
  };
  EXPECT_THAT(refused(Normal(7, 1), {}), HasSubstr("7 values are not 2 queries of 4"));
  EXPECT_THAT(refused(Normal(8, 1), Words(3)), HasSubstr("3 words of skip bits; 2 cover"));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(refused({1, 2, 3, 4, 5, nan, 7, 8}, {}), HasSubstr("query vector 1 has a value"));
  EXPECT_THAT(refused({3e18F, 0, 0, 0, 1, 1, 1, 1}, {}), HasSubstr("query vector 0 is longer"));
}

TEST(NearestItems, WhatIsRefusedByAPredicateMakesRoomAndIsAskedRarely) {
  constexpr std::size_t kWidth = 16;
  const std::vector<float> values = Normal(5000 * kWidth, 5);
  const auto matrix = MatrixOf(values, kWidth);
  const std::vector<float> query = Normal(kWidth, 6);
  std::vector<RankedItem> want;
  for (const RankedItem& item : Oracle(*matrix, query, matrix->rows(), {})) {
    if (item.index % 7 == 3 && want.size() < 10) {
      want.push_back(item);
    }
  }
  for (const Scan scan : {Scan::kCodes, Scan::kFloats}) {
    std::size_t asked = 0;
    const auto accepts = [&asked](ItemIndex row) {
      ++asked;
      return row % 7 == 3;
    };
    NearestScratch scratch;
    std::vector<std::vector<RankedItem>> top(1);
    ASSERT_TRUE(
        NearestItems(matrix).Search(query, 10, {}, scratch, top, scan, RowFilter(accepts)).ok());
    EXPECT_EQ(top[0], want);
    EXPECT_LT(asked, 2000U) << "of 5000 rows";
  }
}

TEST(NearestItems, ScoresAreRefusedForWhatCannotBeScored) {
  const auto matrix = MatrixOf(Normal(10 * 4, 1), 4);
  const NearestItems nearest(matrix);
  NearestScratch scratch;
  std::vector<float> scores(10);
  EXPECT_EQ(nearest.ScoreAll(Normal(3, 1), scratch, scores).code(), Code::kInvalidArgument);
  EXPECT_EQ(nearest.ScoreAll(Normal(8, 1), scratch, scores).code(), Code::kInvalidArgument);
  std::vector<float> query = Normal(4, 1);
  EXPECT_TRUE(nearest.ScoreAll(query, scratch, scores).ok());
  query[2] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(nearest.ScoreAll(query, scratch, scores).code(), Code::kInvalidArgument);
  query[2] = 2e18F;
  EXPECT_EQ(CheckQuery(query).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace vitrine::search
