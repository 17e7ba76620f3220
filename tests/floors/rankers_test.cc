// What the ready rankers reach on public rows, from rows in memory to the served graph: better than a bias for each
// user and item (MovieLens 100K by time: AUC .7143), and than logistic regression of a shop's sessions (.9251).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "adapters/onnxruntime/graph_testing.h"
#include "adapters/onnxruntime/row_scorer.h"
#include "adapters/toml/protocol.h"
#include "adapters/toml/train_spec.h"
#include "evaluate/reference_data.h"
#include "train/models/gbdt.h"
#include "train/models/lr.h"
#include "train/ranker_trainer.h"
#include "train/table_features.h"

namespace vitrine {
namespace {

using evaluate::test::ReferenceFile;

/// The cells of a delimited file without quotes, its header left out.
std::vector<std::vector<std::string>> CellsOf(const std::filesystem::path& path, char delimiter,
                                              std::vector<std::string>* header = nullptr) {
  std::vector<std::vector<std::string>> rows;
  std::ifstream in(path);
  bool first = true;
  for (std::string line; std::getline(in, line); first = false) {
    std::vector<std::string> cells;
    std::istringstream rest(line);
    for (std::string cell; std::getline(rest, cell, delimiter);) {
      cells.push_back(cell);
    }
    if (!first) {
      rows.push_back(std::move(cells));
    } else if (header != nullptr) {
      *header = cells;
    }
  }
  return rows;
}

evaluate::Protocol ProtocolOf(const std::string& name) {
  const auto protocol = adapters::ReadProtocol("tests/data/protocols/" + name + ".toml");
  CHECK(protocol.ok());
  return *protocol;
}

/// Ratings of 4 and 5 are likes.
train::RankerMaterial Movies(const std::filesystem::path& folder) {
  struct Rating {
    std::uint32_t item = 0;
    std::int64_t seconds = 0;
    bool like = false;
  };
  train::RankerMaterial material;
  material.protocol = ProtocolOf("ml-100k");
  data::Interactions& log = material.interactions;
  log.snapshot = "ml-100k";
  std::map<std::string, std::uint32_t> items;
  for (const auto& cells : CellsOf(folder / "ml-100k.item", '\t')) {
    items.emplace(cells.at(0), 0);
  }
  for (auto& [id, number] : items) {
    number = static_cast<std::uint32_t>(log.items.size());
    log.items.push_back(id);
    material.items.rows.emplace_back().id = id;
  }
  for (const auto& cells : CellsOf(folder / "ml-100k.item", '\t')) {
    std::istringstream genres(cells.at(3));
    for (std::string genre; genres >> genre;) {
      material.items.rows[items.at(cells[0])].categories.push_back(genre);
    }
  }
  std::map<std::string, std::vector<Rating>> users;
  for (const auto& cells : CellsOf(folder / "ml-100k.inter", '\t')) {
    users[cells.at(0)].push_back(
        {items.at(cells.at(1)), std::stoll(cells.at(3)), std::stod(cells.at(2)) >= 4});
  }
  log.user_begin = {0};
  for (auto& [id, ratings] : users) {
    std::stable_sort(ratings.begin(), ratings.end(),
                     [](const Rating& a, const Rating& b) { return a.seconds < b.seconds; });
    std::uint32_t basket = 0;
    for (const Rating& rating : ratings) {
      const Micros ts{rating.seconds * kMicrosPerSecond};
      const bool first = log.item.size() == log.user_begin.back();
      basket += !first && log.ts.back() != ts ? 1 : 0;
      log.user.push_back(static_cast<std::uint32_t>(log.users.size()));
      log.item.push_back(rating.item);
      log.ts.push_back(ts);
      log.type.push_back(rating.like ? EventType::kLike : EventType::kRating);
      log.basket.push_back(basket);
    }
    log.users.push_back(id);
    log.user_begin.push_back(log.item.size());
  }
  auto set = evaluate::MakeLabelledSet(log, material.items, {}, material.protocol);
  CHECK(set.ok());
  material.set = *std::move(set);
  return material;
}

/// Sessions of one shop; `without`: a column that is not looked at.
train::RankerMaterial Sessions(const std::filesystem::path& file, const std::string& without) {
  train::RankerMaterial material;
  material.protocol = ProtocolOf("online-shoppers");
  material.set.protocol = material.protocol.name;
  material.set.snapshot = "online-shoppers";
  std::vector<std::string> header;
  for (const auto& cells : CellsOf(file, ',', &header)) {
    evaluate::LabelledRow& row = material.set.rows.emplace_back();
    for (std::size_t c = 0; c < cells.size(); ++c) {
      char* end = nullptr;
      const double number = std::strtod(cells[c].c_str(), &end);
      if (header[c] == "Revenue") {
        row.label = number == 1 ? 1 : 0;
      } else if (header[c] != without && *end == '\0') {
        row.context[header[c]] = number;
      } else if (header[c] != without) {
        row.context[header[c]] = cells[c];
      }
    }
  }
  evaluate::AssignParts(material.protocol, material.set.rows);
  return material;
}

std::string Said(const MetricValue& value) {
  return fmt::format("{:.4f} [{:.4f}, {:.4f}]", value.mean, value.low, value.high);
}

struct Figures {
  MetricValue validation;
  MetricValue test;
};

/// Trains the ready spec; the graph is judged in the serving runtime.
Figures Judged(const train::RankerMaterial& material, const std::string& name) {
  train::TrainRequest request;
  auto spec = adapters::ReadTrainSpec("specs/" + name + ".toml");
  CHECK(spec.ok());
  request.spec = *std::move(spec);
  if (!material.has_items()) {
    CHECK(train::UseTableFeatures(material.set, request.spec).ok());
  }
  const adapters::FolderForTest folder;
  request.out = folder.path() + "/artifact";
  const train::RankerFactory factory =
      request.spec.algorithm == "lr" ? train::LrFactory() : train::GbdtFactory();
  const auto trained = train::TrainRanker(request, factory, material, {});
  if (!trained.ok()) {
    ADD_FAILURE() << trained.status().ToString();
    return {};
  }
  Figures figures;
  figures.validation = trained->validation.at("auc");
  fmt::print("{} on {}, validation: AUC {}, log-loss {}\n", name, material.protocol.name,
             Said(figures.validation), Said(trained->validation.at("log_loss")));
  if (std::getenv("VITRINE_VALIDATION_ONLY") != nullptr) {  // while something is being chosen
    return figures;
  }
  const auto runtime = *adapters::MakeOnnxRuntime();
  const auto scorer = adapters::GraphRowScorer::Load(request.out, *runtime);
  if (!scorer.ok()) {
    ADD_FAILURE() << scorer.status().ToString();
    return figures;
  }
  const auto report =
      evaluate::EvaluateRows(**scorer, material.set, (*scorer)->vocabulary(), {}, {});
  if (!report.ok()) {
    ADD_FAILURE() << report.status().ToString();
    return figures;
  }
  for (const auto& [metric, value] : report->slices.front().metrics) {
    fmt::print("  test {}: {}\n", metric, Said(value));
  }
  figures.test = report->slices.front().metrics.at("auc");
  return figures;
}

/// The better of two by their validation part, judged on the test part.
void ExpectReached(const train::RankerMaterial& material, const std::vector<std::string>& specs,
                   double bar) {
  Figures best;
  for (const std::string& spec : specs) {
    const Figures figures = Judged(material, spec);
    if (figures.validation.mean > best.validation.mean) {
      best = figures;
    }
  }
  if (std::getenv("VITRINE_VALIDATION_ONLY") == nullptr) {
    EXPECT_GE(best.test.mean, bar);
  }
}

TEST(RankerFloors, RatingsByTimeAreToldApartBetterThanByBiases) {
  const auto file = ReferenceFile("data/ml-100k/ml-100k.inter");
  if (!file) {
    GTEST_SKIP() << "ml-100k is not there; set VITRINE_TEST_DATA";
  }
  ExpectReached(Movies(file->parent_path()), {"lr", "gbdt"}, 0.740);
}

TEST(RankerFloors, SessionsThatBuyAreToldApart) {
  const auto file = ReferenceFile("data/online-shoppers/online_shoppers_intention.csv");
  if (!file) {
    GTEST_SKIP() << "online-shoppers is not there; set VITRINE_TEST_DATA";
  }
  ExpectReached(Sessions(*file, ""), {"lr-table", "gbdt-table"}, 0.930);
}

// Without the column that is filled in with hindsight there is no published figure: better than guessing, surely.
TEST(RankerFloors, SessionsAreToldApartWithoutHindsight) {
  const auto file = ReferenceFile("data/online-shoppers/online_shoppers_intention.csv");
  if (!file) {
    GTEST_SKIP() << "online-shoppers is not there; set VITRINE_TEST_DATA";
  }
  ExpectReached(Sessions(*file, "PageValues"), {"lr-table", "gbdt-table"}, 0.70);
}

}  // namespace
}  // namespace vitrine
