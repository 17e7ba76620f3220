// The counting floors on the real data sets: split, vocabulary order, ranking and metrics together
// must give the reference's figures, which another program computed from its own definitions.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <gtest/gtest.h>
#include <zlib.h>
#include <nlohmann/json.hpp>

#include "evaluate/evaluate.h"
#include "evaluate/reference_data.h"
#include "evaluate/test_log.h"

namespace vitrine::evaluate {
namespace {

/// A scorer that adds sparse rows of the history's items into one dense row.
class SparseScorer : public Scorer {
 public:
  using Row = std::vector<std::pair<ItemIndex, double>>;
  /// How much the history event with `age` (0 newest, in events or baskets) counts.
  using Weight = std::function<double(std::uint32_t age)>;

  SparseScorer(std::vector<Row> rows, Weight weight, bool by_basket)
      : rows_(std::move(rows)), weight_(std::move(weight)), by_basket_(by_basket) {}

  [[nodiscard]] std::size_t width() const override { return rows_.size(); }

  Status Score(std::span<const History> histories, std::vector<double>& scores) const override {
    scores.assign(histories.size() * width(), 0);
    for (std::size_t b = 0; b < histories.size(); ++b) {
      const History& history = histories[b];
      std::uint32_t age = 0;
      for (std::size_t i = history.size(); i-- > 0;) {
        if (i + 1 < history.size() && (!by_basket_ || history[i].basket != history[i + 1].basket)) {
          ++age;
        }
        for (const auto& [item, value] : rows_[history[i].item]) {
          scores[b * width() + item] += weight_(age) * value;
        }
      }
      for (const auto& [item, value] : rows_[kPaddingItem]) {  // what does not depend on history
        scores[b * width() + item] += value;
      }
    }
    return Status::Ok();
  }

 private:
  std::vector<Row> rows_;
  Weight weight_;
  bool by_basket_;
};

/// A split log with what counting needs.
struct Fixture {
  data::Interactions log;
  Protocol protocol;
  Split split;
  Holdout holdout;
  data::Vocabulary vocabulary;
  std::vector<ItemIndex> index;                ///< of an item number
  std::vector<std::uint64_t> popularity;       ///< of an item index
  std::vector<std::vector<ItemIndex>> inputs;  ///< fitted rows by user

  void Build(const data::ItemTable& items) {
    auto made = MakeSplit(log, items, protocol);
    ASSERT_TRUE(made.ok()) << made.status().message();
    split = std::move(made).value();
    holdout = MakeHoldout(log, split, protocol);
    const auto fitted = FittedRows(log, split, protocol, FitFor::kTest);
    const auto counts = Popularity(log, fitted, protocol.popularity);
    std::vector<std::string> ids;
    index.resize(log.items.size());
    popularity.assign(kFirstItem, 0);
    for (const auto item : VocabularyOrder(log.items, counts, true)) {
      index[item] = static_cast<ItemIndex>(ids.size() + kFirstItem);
      ids.push_back(log.items[item]);
      popularity.push_back(counts[item]);
    }
    vocabulary = data::Vocabulary(ids);
    inputs.resize(log.users.size());
    for (std::size_t row = 0; row < log.rows(); ++row) {
      if (fitted[row]) inputs[log.user[row]].push_back(index[log.item[row]]);
    }
  }

  std::vector<SparseScorer::Row> EmptyRows() const {
    return std::vector<SparseScorer::Row>(vocabulary.width());
  }

  std::vector<SparseScorer::Row> PopularityRows() const {
    auto rows = EmptyRows();
    for (ItemIndex i = kFirstItem; i < vocabulary.width(); ++i) {
      rows[kPaddingItem].emplace_back(i, static_cast<double>(popularity[i]));
    }
    return rows;
  }

  void Expect(const SparseScorer& scorer, const std::string& slice,
              const nlohmann::json& expected) {
    const auto report = Evaluate(scorer, holdout, vocabulary, {.bootstrap = {.resamples = 10}}, {});
    ASSERT_TRUE(report.ok()) << report.status().message();
    for (const auto& [key, value] : expected.items()) {
      const std::string name = key.starts_with("hr@") ? "hit_rate@" + key.substr(3) : key;
      const MetricValue* ours = report->Find(slice, name);
      ASSERT_NE(ours, nullptr) << name;
      EXPECT_NEAR(ours->mean, value.get<double>(), 1e-9) << slice << " " << name;
    }
  }
};

double Once(std::uint32_t) { return 1; }
double OnlyNewest(std::uint32_t age) { return age == 0 ? 1 : 0; }
double Halved(std::uint32_t age) { return std::ldexp(1.0, -static_cast<int>(age)); }
/// As the reference computes it: 0.8^age by pow.
double FourFifths(std::uint32_t age) { return std::pow(0.8, age); }

std::optional<nlohmann::json> Floors(const std::string& set) {
  const auto file = test::ReferenceFile("reference/floors/expected.json");
  if (!file) return std::nullopt;
  return nlohmann::json::parse(std::ifstream(*file)).at(set);
}

class BeautyFloorsTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto sequences = test::ReferenceFile("data/amazon-beauty/sequences.txt");
    const auto items = test::ReferenceFile("data/amazon-beauty/items.tsv");
    const auto expected = Floors("amazon-beauty");
    if (!sequences || !items || !expected)
      GTEST_SKIP() << "amazon-beauty is not there; set VITRINE_TEST_DATA";
    expected_ = *expected;
    std::map<std::string, std::string> asin;
    std::ifstream table(*items);
    std::string line;
    std::getline(table, line);
    while (std::getline(table, line)) {
      const auto first = line.find('\t');
      asin[line.substr(0, first)] = line.substr(first + 1, line.find('\t', first + 1) - first - 1);
    }
    std::vector<test::Row> rows;
    std::ifstream log(*sequences);
    while (std::getline(log, line)) {
      std::stringstream words(line);
      std::string user;
      std::string item;
      words >> user;
      for (std::uint32_t n = 0; words >> item; ++n)
        rows.push_back({user, item, n, EventType::kPurchase, n});
    }
    std::vector<std::string> catalogue;
    for (const auto& [id, word] : asin) catalogue.push_back(id);
    f_.log = test::MakeLog(rows, catalogue);
    auto item_rows = test::MakeItems(f_.log);
    for (Item& item : item_rows.rows) item.attributes["asin"] = asin.at(item.id);
    f_.protocol.name = "amazon-beauty";
    f_.protocol.slices = {{"not_same_day", "target.asin < last.asin"}};
    f_.Build(item_rows);
  }

  void ExpectAll(const std::string& model, const SparseScorer& scorer) {
    f_.Expect(scorer, "all", expected_.at(model).at("all"));
    f_.Expect(scorer, "not_same_day", expected_.at(model).at("not_same_day"));
  }

  /// Cosine over the users' inputs.
  std::vector<SparseScorer::Row> CosineRows() const {
    std::vector<std::map<ItemIndex, double>> together(f_.vocabulary.width());
    for (const auto& input : f_.inputs) {
      for (const auto i : input) {
        for (const auto j : input) {
          if (i != j) together[i][j] += 1;
        }
      }
    }
    auto rows = f_.EmptyRows();
    const auto root = [&](ItemIndex i) {
      return 1 / std::sqrt(static_cast<double>(f_.popularity[i]));
    };
    for (ItemIndex i = kFirstItem; i < rows.size(); ++i) {
      for (const auto& [j, users] : together[i]) rows[i].emplace_back(j, root(i) * users * root(j));
    }
    return rows;
  }

  Fixture f_;
  nlohmann::json expected_;
};

TEST_F(BeautyFloorsTest, CasesAndSlice) {
  EXPECT_EQ(f_.holdout.CountOf(Part::kTest), expected_.at("users"));
  EXPECT_EQ(f_.vocabulary.width() - kFirstItem, expected_.at("items"));
  const auto tests = f_.split.Cases(Part::kTest);
  EXPECT_EQ(std::count_if(tests.begin(), tests.end(), [](const Case& c) { return c.slices == 1; }),
            expected_.at("not_same_day_users"));
}

TEST_F(BeautyFloorsTest, Popularity) {
  ExpectAll("popularity", SparseScorer(f_.PopularityRows(), Once, false));
}

TEST_F(BeautyFloorsTest, Markov) {
  std::vector<std::map<ItemIndex, double>> next(f_.vocabulary.width());
  for (const auto& input : f_.inputs) {
    for (std::size_t i = 0; i + 1 < input.size(); ++i) next[input[i]][input[i + 1]] += 1;
  }
  auto rows = f_.EmptyRows();
  for (ItemIndex i = kFirstItem; i < rows.size(); ++i)
    rows[i].assign(next[i].begin(), next[i].end());
  ExpectAll("markov", SparseScorer(rows, OnlyNewest, false));
}

TEST_F(BeautyFloorsTest, ItemKnn) {
  ExpectAll("item_knn", SparseScorer(CosineRows(), Once, false));
}

TEST_F(BeautyFloorsTest, ItemKnnDecayed) {
  ExpectAll("item_knn_decay", SparseScorer(CosineRows(), Halved, false));
}

/// One CSV record from a gz file; quoted fields may hold commas and doubled quotes.
bool ReadCsv(gzFile file, std::vector<std::string>& fields) {
  fields.assign(1, "");
  bool quoted = false;
  bool any = false;
  for (int c = gzgetc(file); c != -1; c = gzgetc(file)) {
    any = true;
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else if (c == '\n' && !quoted) {
      return true;
    } else if (c != '\r') {
      fields.back() += static_cast<char>(c);
    }
  }
  return any;
}

class RetailFloorsTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto csv = test::ReferenceFile("data/online-retail/online_retail.csv.gz");
    const auto expected = Floors("online-retail");
    if (!csv || !expected) GTEST_SKIP() << "online-retail is not there; set VITRINE_TEST_DATA";
    expected_ = *expected;
    ReadRows(csv->string());
    f_.protocol.name = "last-basket";
    f_.protocol.kind = ProtocolKind::kLastBasket;
    f_.protocol.history = HistoryRule::kKept;
    f_.protocol.ks = {10, 20};
    f_.protocol.distinct_in_basket = true;
    f_.protocol.popularity = PopularityUnit::kBaskets;
    f_.Build({});
  }

  /// Kept rows, baskets numbered within their customer by first moment, then invoice.
  void ReadRows(const std::string& path) {
    gzFile file = gzopen(path.c_str(), "rb");
    ASSERT_NE(file, nullptr);
    struct Line {
      std::string date, invoice, code;
    };
    std::map<std::string, std::vector<Line>> customers;
    std::map<std::string, std::string> first_date;
    std::vector<std::string> v;
    ReadCsv(file, v);
    while (ReadCsv(file, v)) {
      const std::string& code = v[1];
      const bool digits =
          code.size() >= 5 &&
          std::all_of(code.begin(), code.begin() + 5, [](char c) { return c >= '0' && c <= '9'; });
      if (v[6].empty() || v[0][0] == 'C' || std::stod(v[3]) <= 0 || std::stod(v[5]) <= 0 || !digits)
        continue;
      customers[v[6]].push_back({v[4], v[0], code});
      auto& first = first_date.try_emplace(v[0], v[4]).first->second;
      first = std::min(first, v[4]);
    }
    gzclose(file);
    std::vector<test::Row> rows;
    for (auto& [customer, lines] : customers) {
      std::set<std::pair<std::string, std::string>> baskets;
      for (const auto& line : lines) baskets.emplace(first_date[line.invoice], line.invoice);
      std::stable_sort(lines.begin(), lines.end(),
                       [](const auto& a, const auto& b) { return a.date < b.date; });
      for (const auto& line : lines) {
        const auto place =
            std::distance(baskets.begin(), baskets.find({first_date[line.invoice], line.invoice}));
        rows.push_back(
            {customer, line.code, place, EventType::kPurchase, static_cast<std::uint32_t>(place)});
      }
    }
    f_.log = test::MakeLog(rows);
  }

  std::vector<SparseScorer::Row> OwnRows() const {
    auto rows = f_.EmptyRows();
    for (ItemIndex i = kFirstItem; i < rows.size(); ++i) rows[i].emplace_back(i, 1.0);
    return rows;
  }

  Fixture f_;
  nlohmann::json expected_;
};

TEST_F(RetailFloorsTest, Cases) {
  EXPECT_EQ(f_.holdout.CountOf(Part::kTest), expected_.at("evaluated_customers"));
  EXPECT_EQ(f_.log.users.size(), expected_.at("customers"));
  EXPECT_EQ(f_.vocabulary.width() - kFirstItem, expected_.at("items"));
  double targets = 0;
  for (const Case& c : f_.split.Cases(Part::kTest)) {
    targets += static_cast<double>(f_.split.Targets(c).size());
  }
  EXPECT_NEAR(targets / 1998, expected_.at("mean_test_basket"), 1e-9);
}

TEST_F(RetailFloorsTest, GlobalTop) {
  f_.Expect(SparseScorer(f_.PopularityRows(), Once, true), "all", expected_.at("global_top"));
}

TEST_F(RetailFloorsTest, PersonalTop) {
  f_.Expect(SparseScorer(OwnRows(), Once, true), "all", expected_.at("personal_top"));
}

TEST_F(RetailFloorsTest, PersonalDecay) {
  f_.Expect(SparseScorer(OwnRows(), FourFifths, true), "all", expected_.at("personal_decay"));
}

}  // namespace
}  // namespace vitrine::evaluate
