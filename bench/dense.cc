// A recommendation by a SASRec-shaped network (width 64, two blocks), whole: the graph that scores the whole
// vocabulary beside the one that answers a query, with the search after it. Same weights, same items; that the
// lists agree is checked in the run. Alternated pair by pair on one thread; the log is in memory. Vectors are
// random Gaussian.
#include <malloc.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "adapters/onnxruntime/runtime.h"
#include "bench/network_graphs.h"
#include "bench/report.h"
#include "serve/dense_testing.h"
#include "serve/fake_shop.h"

namespace vitrine::bench {
namespace {

constexpr int kPairs = 15;
constexpr int kCalls = 100;
constexpr std::size_t kShown = 20;

/// Without what was freed already.
std::uint64_t ResidentBytes() {
  ::malloc_trim(0);
  std::ifstream statm("/proc/self/statm");
  std::uint64_t pages = 0;
  statm >> pages >> pages;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

class Shop {
 public:
  explicit Shop(std::size_t items) : shop_(items) {
    auto runtime = adapters::MakeOnnxRuntime();
    CHECK(runtime.ok());
    runtime_ = *std::move(runtime);
    model_ = NextItemGraphs(static_cast<std::int64_t>(items + kFirstItem));
    shop_.make["whole:1"] = [this] { return Parts(/*dense=*/false); };
    shop_.make["dense:1"] = [this] { return Parts(/*dense=*/true); };
    whole_bytes_ = Load("whole:1", "whole");
    dense_bytes_ = Load("dense:1", "champion");
    model_ = {};
    AddCatalogue();
    std::vector<std::pair<std::string, EventType>> events;
    for (std::size_t i = 0; i < 9; ++i) {  // the mean length of a real shop's histories
      events.emplace_back(shop_.names[i * 101], EventType::kPurchase);
    }
    shop_.log.SetUser("ann", events);
    Change([](serve::Scene&) {});
  }

  /// The same scene for both models.
  void Change(const std::function<void(serve::Scene&)>& change) {
    serve::Scene scene = *shop_.scenes.Find("home").value();
    change(scene);
    CHECK(shop_.scenes.Put(scene).ok());
    scene.name = "whole";
    scene.retriever = "whole";
    CHECK(shop_.scenes.Put(scene).ok());
  }

  std::vector<std::string> Ask(bool dense) {
    serve::RecommendRequest request;
    request.user_id = "ann";
    request.n = kShown;
    request.scene = dense ? "home" : "whole";
    const auto answer = shop_.recommender->Recommend(request);
    CHECK(answer.ok() && answer->fallback == serve::Fallback::kNone);
    return serve::IdsOf(*answer);
  }

  [[nodiscard]] std::uint64_t whole_bytes() const { return whole_bytes_; }
  [[nodiscard]] std::uint64_t dense_bytes() const { return dense_bytes_; }

 private:
  serve::ModelParts Parts(bool dense) {
    const std::size_t width = shop_.names.size() + kFirstItem;
    const std::string file = std::filesystem::temp_directory_path() /
                             ("vitrine-bench-dense-" + std::to_string(::getpid()) + ".onnx");
    std::ofstream(file, std::ios::binary) << (dense ? model_.query : model_.scores);
    auto graph = runtime_->Load(file, {});
    std::filesystem::remove(file);
    CHECK(graph.ok());
    serve::ModelParts parts;
    parts.manifest.name = "next";
    parts.spec = serve::HistorySpec(shop_.names, kPlaces);
    parts.vocabulary = data::Vocabulary(shop_.names);
    parts.graph = *std::move(graph);
    if (dense) {
      auto made = serve::DenseGraph::Make(
          std::move(parts.graph),
          {.rows = width, .width = kWidth, .bias = false, .values = model_.items});
      CHECK(made.ok());
      parts.graph = *std::move(made);
    }
    return parts;
  }

  std::uint64_t Load(const std::string& version, const std::string& alias) {
    const std::uint64_t before = ResidentBytes();
    CHECK(shop_.Serve(version, alias).ok());
    return ResidentBytes() - before;
  }

  void AddCatalogue() {
    std::vector<Item> rows;
    for (std::size_t i = 0; i < shop_.names.size(); ++i) {
      Item item = serve::FakeShop::Row(shop_.names[i]);
      item.brand = "brand" + std::to_string(i % 300);
      item.categories = {"level" + std::to_string(i % 20) + " > sub" + std::to_string(i % 200)};
      item.price = static_cast<double>(1 + i % 100);
      item.hidden = i % 97 == 0;
      item.stock = i % 13 == 0 ? 0 : 5;
      rows.push_back(item);
    }
    CHECK(shop_.log.AppendItems(rows, After(std::chrono::seconds(60))).ok());
  }

  serve::FakeShop shop_;
  std::unique_ptr<serve::ModelRuntime> runtime_;
  NextItemModel model_;  // while it is loaded
  std::uint64_t whole_bytes_ = 0;
  std::uint64_t dense_bytes_ = 0;
};

void Compare(Shop& shop, const std::string& name, std::vector<Bar>& bars) {
  CHECK(shop.Ask(true) == shop.Ask(false));
  const auto dense = [&shop] { shop.Ask(true); };
  const auto whole = [&shop] { shop.Ask(false); };
  std::vector<double> a;
  std::vector<double> b;
  std::vector<double> ratios;
  std::vector<double> throughput;
  for (int pair = 0; pair < kPairs; ++pair) {
    const bool first = pair % 2 == 0;
    const double one = TypicalSeconds(kCalls, first ? std::function<void()>(dense) : whole);
    const double two = TypicalSeconds(kCalls, first ? std::function<void()>(whole) : dense);
    a.push_back((first ? one : two) * 1e6);
    b.push_back((first ? two : one) * 1e6);
    ratios.push_back(b.back() / a.back());
    throughput.push_back(SecondsPerCall(kCalls, whole) / SecondsPerCall(kCalls, dense));
  }
  bars.push_back({name + ": whole row, median", Median(b), "us", false, 0, kPairs, Spread(b)});
  bars.push_back(
      {name + ": query and search, median", Median(a), "us", false, 0, kPairs, Spread(a)});
  bars.push_back({name + ": times faster", Median(ratios), "x", true, 1, kPairs, Spread(ratios)});
  bars.push_back({name + ": answers a second of one thread, over the whole row's",
                  Median(throughput), "x", true, 1, kPairs, Spread(throughput)});
}

void Run() {
  std::vector<Bar> bars;
  for (const std::size_t items : {std::size_t{12'000}, std::size_t{100'000}}) {
    Shop shop(items);
    const std::string name = std::to_string(items) + " items";
    Compare(shop, name, bars);
    shop.Change([](serve::Scene& scene) {
      scene.rules = {{.name = "brand", .when = {.brands = {"brand3"}}, .factor = 1.2}};
      scene.spacing.max_per_brand = 2;
    });
    Compare(shop, name + ", a boost and spacing", bars);
    const auto mb = [](std::uint64_t bytes) { return static_cast<double>(bytes) / 1e6; };
    bars.push_back({name + ": memory of the whole row's version", mb(shop.whole_bytes()), "MB"});
    bars.push_back({name + ": memory of the query's version", mb(shop.dense_bytes()), "MB"});
  }
  Report("dense", bars);
}

}  // namespace
}  // namespace vitrine::bench

int main() { vitrine::bench::Run(); }
