// Ranking quality on a real catalogue of electronics with graded judgements of queries
// (data/chorus-electronics), by the protocol of its SOURCE.md.
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "search/catalogue_index.h"

namespace vitrine::search {
namespace {

constexpr std::size_t kDepth = 10;

/// Ratings by document, by query.
using Judgements = std::map<std::string, std::map<std::string, int>>;

std::filesystem::path DataFolder() {
  const char* root = std::getenv("VITRINE_TEST_DATA");
  return std::filesystem::path(root != nullptr ? root : "../shared") / "data/chorus-electronics";
}

std::vector<std::string> ReadLines(const std::filesystem::path& path) {
  std::vector<std::string> lines(1);
  gzFile file = gzopen(path.c_str(), "rb");
  for (int c = gzgetc(file); c != -1; c = gzgetc(file)) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += static_cast<char>(c);
    }
  }
  gzclose(file);
  if (lines.back().empty()) {
    lines.pop_back();
  }
  return lines;
}

Item ItemOf(const nlohmann::json& product) {
  Item item;
  item.id = product.at("id");
  item.title = product.at("title");
  item.brand = product.at("supplier");
  item.description = product.at("name").get<std::string>() + "\n" +
                     product.value("short_description", std::string());
  for (const auto& [name, value] : product.items()) {
    if (name.starts_with("attr_t_")) {
      item.attributes[name] = value.is_string() ? value.get<std::string>() : value.dump();
    }
  }
  return item;
}

double Gain(int rating) { return std::exp2(rating) - 1; }

/// Unjudged documents count as 0.
double Ndcg(const std::vector<std::string>& answer, const std::map<std::string, int>& ratings) {
  std::vector<int> ideal;
  for (const auto& [id, rating] : ratings) {
    ideal.push_back(rating);
  }
  std::sort(ideal.begin(), ideal.end(), std::greater<>());
  double got = 0;
  double best = 0;
  for (std::size_t i = 0; i < kDepth; ++i) {
    const double discount = 1 / std::log2(static_cast<double>(i) + 2);
    if (i < answer.size() && ratings.contains(answer[i])) {
      got += Gain(ratings.at(answer[i])) * discount;
    }
    best += i < ideal.size() ? Gain(ideal[i]) * discount : 0;
  }
  return got / best;
}

class Electronics : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(DataFolder() / "judgments.csv")) {
      GTEST_SKIP() << "no " << DataFolder() << "; set VITRINE_TEST_DATA";
    }
    std::vector<Item> items;
    for (const std::string& line : ReadLines(DataFolder() / "products.jsonl.gz")) {
      items.push_back(ItemOf(nlohmann::json::parse(line)));
    }
    ASSERT_EQ(items.size(), 19'406U);
    index_ = *CatalogueIndex::Build(items);
    for (const std::string& line : ReadLines(DataFolder() / "judgments.csv")) {
      const std::size_t second = line.rfind(',');
      const std::size_t first = line.rfind(',', second - 1);
      const std::string query = line.substr(0, first);
      if (query != "query") {
        judgements_[query][line.substr(first + 1, second - first - 1)] =
            std::stoi(line.substr(second + 1));
      }
    }
    // Queries for which nothing is good say nothing about a ranking.
    std::erase_if(judgements_, [](const auto& query) {
      return std::all_of(query.second.begin(), query.second.end(),
                         [](const auto& document) { return document.second == 0; });
    });
    ASSERT_EQ(judgements_.size(), 116U);
  }

  struct Quality {
    double ndcg = 0;
    double judged = 0;  ///< share of the ten that somebody judged
  };
  /// `only_judged`: each query's documents are those that were judged for it.
  [[nodiscard]] Quality Measure(bool only_judged) const {
    Quality sum;
    for (const auto& [query, ratings] : judgements_) {
      const std::map<std::string, int>& known = ratings;
      const auto skip = [&known, only_judged](std::string_view id) {
        return only_judged && !known.contains(std::string(id));
      };
      std::vector<std::string> answer;
      for (const ItemHit& hit : index_->Search(query, kDepth, skip)) {
        answer.emplace_back(hit.item_id);
        sum.judged += ratings.contains(answer.back()) ? 1.0 / kDepth : 0;
      }
      sum.ndcg += Ndcg(answer, ratings);
    }
    const auto queries = static_cast<double>(judgements_.size());
    return {sum.ndcg / queries, sum.judged / queries};
  }

  std::shared_ptr<const CatalogueIndex> index_;
  Judgements judgements_;
};

TEST_F(Electronics, RanksAtLeastAsWellAsPlainBm25) {
  const Quality whole = Measure(false);
  const Quality judged = Measure(true);
  RecordProperty("ndcg_10", std::to_string(whole.ndcg));
  RecordProperty("judged_in_10", std::to_string(whole.judged));
  RecordProperty("ndcg_10_judged_documents_only", std::to_string(judged.ndcg));
  std::printf("nDCG@10 %.4f, judged in the ten %.2f, judged documents only %.4f\n", whole.ndcg,
              whole.judged, judged.ndcg);
  // The best BM25 of SOURCE.md: one field of title, name, supplier and description, plurals cut.
  EXPECT_GE(whole.ndcg, 0.7561);
  EXPECT_GE(judged.ndcg, 0.8315);
}

}  // namespace
}  // namespace vitrine::search
