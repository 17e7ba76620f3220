#include "search/inverted_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace vitrine::search {
namespace {

using Words = std::vector<std::string>;
using Documents = std::vector<std::vector<Words>>;  // by document, by field

const Bm25fOptions kOptions{.k1 = 1.2, .fields = {{3, 0.4}, {1, 0.75}}};

InvertedIndex IndexOf(const Documents& documents) {
  IndexBuilder builder(kOptions);
  for (const auto& fields : documents) {
    builder.Add(fields);
  }
  auto index = builder.Build();
  EXPECT_TRUE(index.ok());
  return *std::move(index);
}

/// BM25F written down as the formula says, over every document.
std::vector<Hit> Oracle(const Documents& documents, const Words& query, std::size_t n) {
  std::vector<double> average(2);
  for (const auto& fields : documents) {
    for (std::size_t f = 0; f < 2; ++f) {
      average[f] += static_cast<double>(fields[f].size()) / static_cast<double>(documents.size());
    }
  }
  const auto frequency = [&](std::size_t d, const std::string& term) {
    double sum = 0;
    for (std::size_t f = 0; f < 2; ++f) {
      const FieldWeight& w = kOptions.fields[f];
      const auto& words = documents[d][f];
      const auto count = static_cast<double>(std::count(words.begin(), words.end(), term));
      sum += w.weight * count /
             (1 - w.b + w.b * static_cast<double>(words.size()) / std::max(1e-9, average[f]));
    }
    return sum;
  };
  std::vector<Hit> hits;
  for (std::size_t d = 0; d < documents.size(); ++d) {
    double score = 0;
    for (const std::string& term : query) {
      double with = 0;
      for (std::size_t other = 0; other < documents.size(); ++other) {
        with += frequency(other, term) > 0 ? 1 : 0;
      }
      const double idf =
          std::log(1 + (static_cast<double>(documents.size()) - with + 0.5) / (with + 0.5));
      const double tf = frequency(d, term);
      score += idf * tf / (kOptions.k1 + tf);
    }
    if (score > 0) {
      hits.push_back({static_cast<DocId>(d), score});
    }
  }
  std::stable_sort(hits.begin(), hits.end(),
                   [](const Hit& a, const Hit& b) { return a.score > b.score + 1e-6; });
  hits.resize(std::min(n, hits.size()));
  return hits;
}

TEST(InvertedIndex, FindsWhatTheFormulaFinds) {
  std::mt19937 random(5);
  std::geometric_distribution<int> word(0.05);
  for (int round = 0; round < 30; ++round) {
    Documents documents(400);
    for (auto& fields : documents) {
      fields.resize(2);
      for (std::size_t f = 0; f < 2; ++f) {
        const std::size_t length = random() % (f == 0 ? 6 : 30);
        for (std::size_t i = 0; i < length; ++i) {
          fields[f].push_back("w" + std::to_string(word(random)));
        }
      }
    }
    const InvertedIndex index = IndexOf(documents);
    Words query;
    for (std::size_t i = 0; i < 1 + random() % 5; ++i) {
      query.push_back("w" + std::to_string(word(random)));
    }
    const auto expected = Oracle(documents, query, 10);
    const auto found = index.Search(query, 10);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_NEAR(found[i].score, expected[i].score, 1e-5) << "round " << round << " place " << i;
      double sum = 0;
      for (const TermScore& part : index.Explain(query, found[i].doc)) {
        sum += part.score;
      }
      EXPECT_NEAR(sum, found[i].score, 1e-9) << "the parts add up";
    }
  }
}

TEST(InvertedIndex, EqualScoresStandByLowerNumber) {
  const InvertedIndex index = IndexOf({{{"a"}, {}}, {{"b"}, {}}, {{"a"}, {}}, {{"a"}, {}}});
  const auto hits = index.Search(Words{"a"}, 2);
  ASSERT_EQ(hits.size(), 2U);
  EXPECT_EQ(hits[0].doc, 0U);
  EXPECT_EQ(hits[1].doc, 2U);
}

TEST(InvertedIndex, SkippedDocumentsMakeRoom) {
  const InvertedIndex index = IndexOf({{{"a"}, {}}, {{"a"}, {}}, {{"a"}, {}}});
  const auto hits = index.Search(Words{"a"}, 2, [](DocId doc) { return doc == 0; });
  ASSERT_EQ(hits.size(), 2U);
  EXPECT_EQ(hits[0].doc, 1U);
}

TEST(InvertedIndex, WhatIsNotThereIsNotFound) {
  const InvertedIndex index = IndexOf({{{"a"}, {}}});
  EXPECT_TRUE(index.Search(Words{"z"}, 5).empty());
  EXPECT_TRUE(index.Search(Words{}, 5).empty());
  EXPECT_TRUE(index.Search(Words{"a"}, 0).empty());
  EXPECT_TRUE(IndexOf({}).Search(Words{"a"}, 5).empty());
  EXPECT_EQ(index.Frequency("a"), 1U);
}

}  // namespace
}  // namespace vitrine::search
