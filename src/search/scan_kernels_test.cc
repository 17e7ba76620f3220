#include "search/scan_kernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "search/vector_codes.h"

namespace vitrine::search {
namespace {

constexpr std::size_t kQueries = 9;  // a full tile of each kind, and some left over

// What a case draws its values from.
using Draw = float (*)(std::mt19937&);

float Normal(std::mt19937& engine) { return std::normal_distribution<float>()(engine); }
float Huge(std::mt19937& engine) { return Normal(engine) * 5e15F; }
float Subnormal(std::mt19937& engine) { return Normal(engine) * 1e-40F; }
float AnySize(std::mt19937& engine) {
  return std::ldexp(Normal(engine), static_cast<int>(engine() % 150) - 100);
}
float Corner(std::mt19937& engine) { return engine() % 2 == 0 ? -1.0F : 1.0F; }
float Positive(std::mt19937&) { return 1.0F; }
float Spiky(std::mt19937& engine) { return Normal(engine) * (engine() % 20 == 0 ? 100.0F : 1.0F); }

struct Case {
  const char* name;
  Draw items;
  Draw queries;
  std::size_t width;
};

class ScanKernelsTest : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const Case& test = GetParam();
    std::mt19937 engine(11);
    std::vector<float> values(kBlockRows * test.width);
    for (float& value : values) {
      value = test.items(engine);
    }
    auto made = ItemMatrix::Make(values, kBlockRows, test.width);
    ASSERT_TRUE(made.ok()) << made.status().message();
    matrix_ = std::make_shared<ItemMatrix>(*std::move(made));
    queries_.resize(kQueries * matrix_->stride());
    for (std::size_t q = 0; q < kQueries; ++q) {
      for (std::size_t j = 0; j < test.width; ++j) {
        queries_[q * matrix_->stride() + j] = test.queries(engine);
      }
    }
  }

  // The queries' codes, with the search's reading of them.
  std::vector<CodedQuery> Coded(int levels) {
    const std::size_t stride = matrix_->stride();
    codes_.assign(kQueries * stride, 0);
    std::vector<CodedQuery> coded;
    for (std::size_t q = 0; q < kQueries; ++q) {
      std::int8_t* codes = codes_.data() + q * stride;
      const CodeTerms terms =
          Encode(std::span(queries_).subspan(q * stride, stride), levels, codes);
      int sum = 0;
      for (std::size_t j = 0; j < stride; ++j) {
        sum += codes[j];
      }
      coded.push_back({.codes = codes,
                       .offset = -kRowCodeOffset * sum,
                       .scale = terms.scale,
                       .length = RoundUp(terms.length),
                       .error = RoundUp(terms.error)});
    }
    return coded;
  }

  std::vector<float> BlockScores(const ScanKernels& kernels, std::size_t count) const {
    std::vector<float> scores(count * kBlockRows);
    kernels.score_block(queries_.data(), count, matrix_->values(), matrix_->stride(),
                        scores.data());
    return scores;
  }

  std::shared_ptr<const ItemMatrix> matrix_;
  std::vector<float> queries_;
  std::vector<std::int8_t> codes_;
};

bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float x, float y) {
    return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
  });
}

TEST_P(ScanKernelsTest, ThePortableScoreIsTheInnerProduct) {
  const std::vector<float> scores = BlockScores(*PortableKernels(), kQueries);
  const std::size_t stride = matrix_->stride();
  for (std::size_t i = 0; i < scores.size(); ++i) {
    long double exact = 0;
    long double absolute = 0;
    for (std::size_t j = 0; j < stride; ++j) {
      const long double product =
          static_cast<long double>(queries_[i / kBlockRows * stride + j]) *
          static_cast<long double>(matrix_->values()[i % kBlockRows * stride + j]);
      exact += product;
      absolute += std::abs(product);
    }
    const long double off = absolute * static_cast<long double>(stride) * 0x1p-24L + 0x1p-126L;
    EXPECT_NEAR(static_cast<double>(scores[i]), static_cast<double>(exact),
                static_cast<double>(off));
  }
}

TEST_P(ScanKernelsTest, EverySetScoresToTheSameBit) {
  std::vector<std::uint32_t> rows;
  for (std::uint32_t r = 0; r < kBlockRows; r += 3) {
    rows.push_back(r);
  }
  for (const ScanKernels* kernels : AvailableKernels()) {
    SCOPED_TRACE(kernels->name);
    for (std::size_t count = 1; count <= kQueries; ++count) {
      EXPECT_TRUE(SameBits(BlockScores(*kernels, count), BlockScores(*PortableKernels(), count)));
    }
    std::vector<float> mine(rows.size());
    std::vector<float> want(rows.size());
    kernels->score_rows(queries_.data(), matrix_->values(), matrix_->stride(), rows.data(),
                        rows.size(), mine.data());
    const std::vector<float> block = BlockScores(*PortableKernels(), 1);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      want[i] = block[rows[i]];
    }
    EXPECT_TRUE(SameBits(mine, want));
  }
}

TEST_P(ScanKernelsTest, EverySetRulesOutTheSameRows) {
  const std::vector<float> scores = BlockScores(*PortableKernels(), kQueries);
  for (const ScanKernels* kernels : AvailableKernels()) {
    SCOPED_TRACE(kernels->name);
    const std::vector<CodedQuery> coded = Coded(kernels->query_levels);
    for (std::size_t r = 0; r < kBlockRows; r += 5) {
      std::vector<float> thresholds(kQueries);
      for (std::size_t q = 0; q < kQueries; ++q) {
        thresholds[q] = scores[q * kBlockRows + r];
      }
      for (std::size_t count = 1; count <= kQueries; ++count) {
        std::vector<std::uint64_t> mine(count);
        std::vector<std::uint64_t> want(count);
        kernels->may_exceed(coded.data(), count, matrix_->codes(0), matrix_->terms(0),
                            matrix_->stride(), thresholds.data(), mine.data());
        PortableKernels()->may_exceed(coded.data(), count, matrix_->codes(0), matrix_->terms(0),
                                      matrix_->stride(), thresholds.data(), want.data());
        EXPECT_EQ(mine, want);
      }
    }
  }
}

// The promise behind the exact search: a threshold just below a score never rules its row out.
TEST_P(ScanKernelsTest, NoRowIsRuledOutBelowItsOwnScore) {
  const std::vector<float> scores = BlockScores(*PortableKernels(), kQueries);
  for (const int levels : {1, 64, 127}) {
    const std::vector<CodedQuery> coded = Coded(levels);
    for (std::size_t r = 0; r < kBlockRows; ++r) {
      std::vector<float> thresholds(kQueries);
      for (std::size_t q = 0; q < kQueries; ++q) {
        thresholds[q] =
            std::nextafter(scores[q * kBlockRows + r], -std::numeric_limits<float>::infinity());
      }
      std::vector<std::uint64_t> masks(kQueries);
      PortableKernels()->may_exceed(coded.data(), kQueries, matrix_->codes(0), matrix_->terms(0),
                                    matrix_->stride(), thresholds.data(), masks.data());
      for (std::size_t q = 0; q < kQueries; ++q) {
        EXPECT_NE(masks[q] >> r & 1U, 0U) << "query " << q << ", row " << r << ", " << levels;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Values, ScanKernelsTest,
    testing::Values(Case{"normal", Normal, Normal, 64}, Case{"one_value", Normal, Normal, 1},
                    Case{"odd_width", Normal, Normal, 83}, Case{"wide", Normal, Normal, 384},
                    Case{"huge", Huge, Huge, 64}, Case{"huge_by_subnormal", Huge, Subnormal, 48},
                    Case{"subnormal", Subnormal, Subnormal, 33},
                    Case{"subnormal_by_normal", Subnormal, Normal, 64},
                    Case{"any_size", AnySize, AnySize, 40}, Case{"corners", Corner, Corner, 64},
                    Case{"largest_sums", Positive, Positive, 1024},
                    Case{"spikes", Spiky, Spiky, 100}),
    [](const auto& case_info) { return std::string(case_info.param.name); });

TEST(ScanKernels, ThePortableSetIsAlwaysThereAndTheLastIsTheFastest) {
  ASSERT_FALSE(AvailableKernels().empty());
  EXPECT_EQ(AvailableKernels().front(), PortableKernels());
  EXPECT_EQ(&FastestKernels(), AvailableKernels().back());
}

}  // namespace
}  // namespace vitrine::search
