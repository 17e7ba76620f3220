// The loop closed: what a simulated shop showed and what its shoppers clicked, from the event log through the lake into a
// ranker that can be served.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "adapters/rocksdb/rocks_event_log.h"
#include "core/exit_code.h"
#include "e2e/data_folder.h"
#include "e2e/programs.h"
#include "simulate/shoppers.h"

namespace vitrine::e2e {
namespace {

using nlohmann::json;

constexpr std::size_t kProducts = 40;
constexpr std::size_t kShoppers = 60;
constexpr std::size_t kAnswers = 6'000;
constexpr std::size_t kPlaces = 10;
const Micros kOpened{1'700'000'000 * kMicrosPerSecond};

class ShownShop : public DataFolder {
 protected:
  static Event Click(const Impression& shown, std::size_t place, std::size_t number) {
    Event event;
    event.type = EventType::kClick;
    event.event_id = "click-" + std::to_string(number);
    event.user_id = shown.subject;
    event.request_id = shown.request_id;
    event.ts = Micros{shown.ts.value + static_cast<std::int64_t>(5 + place) * kMicrosPerSecond};
    event.items = {
        {.item_id = shown.items[place].item_id, .position = static_cast<std::int32_t>(place)}};
    return event;
  }
  /// Answers of goods at drawn places, ten minutes apart, and what their shoppers click.
  void FillLog() {
    const simulate::Shop shop({.seed = 5, .products = kProducts, .shoppers = kShoppers}, kOpened);
    simulate::Shoppers shoppers(shop, 6);
    const auto log = adapters::RocksEventLog::Open(data() + "/log");
    ASSERT_TRUE(log.ok()) << log.status().message();
    std::vector<Item> items;
    for (const simulate::Product& product : shop.products()) {
      items.push_back(product.item);
    }
    ASSERT_TRUE((*log)->AppendItems(items, After(std::chrono::seconds(60))).ok());
    std::vector<Event> events =
        shoppers.Browse(300, Micros{kOpened.value - kMicrosPerDay}, kOpened);
    std::vector<std::size_t> places(kProducts);
    for (std::size_t i = 0; i < kProducts; ++i) {
      places[i] = i;
    }
    for (std::size_t answer = 0; answer < kAnswers; ++answer) {
      const std::size_t shopper = simulate::Pick(shoppers.random(), kShoppers);
      Impression shown;
      shown.request_id = "answer-" + std::to_string(answer);
      shown.subject = shoppers.shopper(shopper).id;
      shown.ts.value = kOpened.value + static_cast<std::int64_t>(answer) * 600 * kMicrosPerSecond;
      shown.scene = "home";
      shown.route = "recommend";
      shown.model = "drawn:1";
      for (std::size_t place = 0; place < kPlaces; ++place) {
        std::swap(places[place],
                  places[place + simulate::Pick(shoppers.random(), kProducts - place)]);
        shown.items.push_back({shop.products()[places[place]].item.id, 0, "model:drawn"});
      }
      for (const std::size_t place : shoppers.Click(shopper, std::span(places).first(kPlaces))) {
        events.push_back(Click(shown, place, events.size()));
      }
      ASSERT_TRUE((*log)->AppendImpression(shown).ok());
    }
    clicks_ = events.size() - 300;
    ASSERT_TRUE((*log)->AppendEvents(events, After(std::chrono::seconds(60))).ok());
  }

  Folder folder_;
  std::size_t clicks_ = 0;
};

TEST_F(ShownShop, ARankerLearnsFromWhatWasShown) {
  ASSERT_NO_FATAL_FAILURE(FillLog());
  const json taken = Said("vitrine-lake", {"log", "--data", data(), "--json"});
  EXPECT_EQ(taken["impression_rows"], kAnswers * kPlaces) << taken;
  const json cleaned = Said("vitrine-lake", {"clean", "--data", data(), "--json"});
  const std::string snapshot = data() + "/lake/snapshots/" + cleaned["snapshot"].get<std::string>();
  const std::string protocol = Write("shown.toml", R"(name = "shown"
kind = "labelled"
rows = "shown"
scene = "home"
events = ["view", "click", "cart", "purchase"]
target_events = ["click"]
position_bias = "randomised"
)");
  const std::string artifact = folder_.path() + "/lr";
  const json trained = Said("vitrine-trainer", {"train", "--snapshot", snapshot, "--spec", "lr",
                                                "--protocol", protocol, "--out", artifact});
  EXPECT_EQ(trained["kind"], "ranker") << trained;
  const json& shown = trained["shown"];
  // The last answers' half hours are still open: at the newest time of all, three of them.
  EXPECT_EQ(shown["answers"].get<std::size_t>() + shown["unripe_answers"].get<std::size_t>(),
            kAnswers)
      << shown;
  EXPECT_GE(shown["unripe_answers"], 3) << shown;
  EXPECT_LE(shown["unripe_answers"], 4) << shown;
  EXPECT_EQ(shown["rows"], shown["answers"].get<std::size_t>() * kPlaces);
  EXPECT_LE(shown["positives"], clicks_);
  EXPECT_GT(shown["positives"].get<std::size_t>(), clicks_ - 30);
  EXPECT_GT(shown["share_of_positives"], 0.01) << shown;
  ASSERT_EQ(shown["examination"].size(), kPlaces);
  int inside = 0;
  for (std::size_t place = 1; place < kPlaces; ++place) {
    const json& found = shown["examination"][place];
    const double truth = simulate::Examination(place) / simulate::Examination(0);
    inside += found["low"] <= truth && truth <= found["high"] ? 1 : 0;
  }
  EXPECT_GE(inside, 7) << shown["examination"];
  EXPECT_LT(shown["effective_positives"], shown["weighed_positives"]);
  EXPECT_GT(trained["validation"]["auc"]["mean"], 0.5) << trained["validation"];

  // The same answers for who trains elsewhere; their windows are a day here.
  const std::string lines = folder_.path() + "/examples.jsonl";
  const json written =
      Said("vitrine-lake", {"examples", "--data", data(), "--out", lines, "--json"});
  EXPECT_EQ(written["lines"], written["answers"].get<std::size_t>() * kPlaces) << written;
  EXPECT_LT(written["answers"], shown["answers"]) << written;
  std::ifstream file(lines);
  std::string line;
  std::size_t clicked = 0;
  std::size_t count = 0;
  while (std::getline(file, line)) {
    const json example = json::parse(line);
    EXPECT_EQ(example["position"], count++ % kPlaces);
    clicked += example["clicked"] ? 1 : 0;
  }
  EXPECT_EQ(count, written["lines"]);
  EXPECT_GT(clicked, clicks_ / 2);

  // It is an artifact like any other: probed, judged on what was held out, registered.
  const json probe = Said("vitrine", {"--json", "model", "probe", artifact});
  EXPECT_LT(probe["max_difference"], 1e-5) << probe;
  const std::string holdout = folder_.path() + "/shown.jsonl";
  const json split = Said("vitrine-trainer", {"split", "--snapshot", snapshot, "--protocol",
                                              protocol, "--out", holdout});
  EXPECT_EQ(split["test"].get<std::size_t>() % kPlaces, 0U) << split;  // whole answers
  const json report = Said("vitrine", {"--json", "eval", "run", artifact, "--holdout", holdout});
  EXPECT_EQ(report["slices"][0]["cases"], split["test"]) << report;
  EXPECT_EQ(Said("vitrine", {"--data", data(), "--json", "model", "import", artifact})["version"],
            "lr:1");
}

TEST_F(ShownShop, WithoutAnswersTheTrainerSaysWhatToDo) {
  const std::string shop = WriteSmallShop(folder_.path());
  Said("vitrine-lake",
       {"import", shop + "/log.csv", "--mapping", shop + "/shop.toml", "--data", data(), "--json"});
  const json cleaned = Said("vitrine-lake", {"clean", "--data", data(), "--json"});
  const auto refused = RunProgram(
      "vitrine-trainer",
      {"train", "--snapshot", data() + "/lake/snapshots/" + cleaned["snapshot"].get<std::string>(),
       "--spec", "lr", "--protocol", "shown-clicks", "--out", folder_.path() + "/none"});
  EXPECT_EQ(refused.exit_code, kExitFailure) << refused.last_error_lines;
  EXPECT_NE(refused.last_error_lines.find("no answer of this shop is in snapshot"),
            std::string::npos)
      << refused.last_error_lines;
}

}  // namespace
}  // namespace vitrine::e2e
