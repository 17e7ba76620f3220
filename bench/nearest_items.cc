// Exact nearest items by inner product beside faiss's IndexFlatIP (as Debian builds it), alternated
// pair by pair, each on one thread; that the answers agree is checked in the run. Then the two kinds
// of scan beside each other. Vectors are synthetic: 1,000 clusters, items around their centres.
#include <dlfcn.h>
#include <faiss/IndexFlat.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <random>
#include <string_view>
#include <thread>

#include "bench/report.h"
#include "search/hnsw_items.h"
#include "search/nearest_items.h"

extern "C" void omp_set_num_threads(int threads);  // its header is one compiler's alone

namespace vitrine::bench {
namespace {

constexpr std::size_t kWidth = 64;
constexpr std::size_t kTop = 20;
constexpr std::size_t kBatch = 32;
constexpr std::size_t kBatches = 4;
constexpr std::size_t kQueries = kBatch * kBatches;
constexpr int kPairs = 15;

using Answers = std::vector<std::vector<search::RankedItem>>;

struct Vectors {
  explicit Vectors(std::size_t rows, bool clustered = true) {
    std::mt19937 engine(1);
    std::normal_distribution<float> draw;
    std::vector<float> centres(1000 * kWidth);
    for (float& value : centres) {
      value = draw(engine);
    }
    const auto near = [&](std::vector<float>& into, std::size_t count) {
      into.resize(count * kWidth);
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t centre = engine() % 1000;
        for (std::size_t j = 0; j < kWidth; ++j) {
          into[i * kWidth + j] =
              clustered ? centres[centre * kWidth + j] + 0.5F * draw(engine) : draw(engine);
        }
      }
    };
    near(items, rows);
    near(queries, kQueries);
  }

  [[nodiscard]] double Product(std::size_t query, std::size_t item) const {
    double sum = 0;
    for (std::size_t j = 0; j < kWidth; ++j) {
      sum += static_cast<double>(queries[query * kWidth + j]) *
             static_cast<double>(items[item * kWidth + j]);
    }
    return sum;
  }

  std::vector<float> items;
  std::vector<float> queries;
};

class Contest {
 public:
  explicit Contest(std::size_t rows)
      : rows_(rows), vectors_(rows), faiss_(kWidth), mine_(MakeMatrix()), top_(kQueries) {
    faiss_.add(static_cast<faiss::Index::idx_t>(rows), vectors_.items.data());
  }

  void Ours(std::size_t first, std::size_t count, search::Scan scan) {
    const std::span<const float> queries(vectors_.queries);
    CHECK(mine_
              .Search(queries.subspan(first * kWidth, count * kWidth), kTop, {}, scratch_,
                      std::span(top_).subspan(first, count), scan)
              .ok());
  }

  void Theirs(std::size_t first, std::size_t count) {
    faiss_.search(static_cast<faiss::Index::idx_t>(count), vectors_.queries.data() + first * kWidth,
                  kTop, scores_.data() + first * kTop, found_.data() + first * kTop);
  }

  /// The share of our items that score no less than faiss's last, but for its rounding.
  double Recall() {
    Ours(0, kQueries, search::Scan::kCodes);
    Theirs(0, kQueries);
    std::size_t right = 0;
    for (std::size_t q = 0; q < kQueries; ++q) {
      const auto last = static_cast<std::size_t>(found_[q * kTop + kTop - 1]);
      const double bar = vectors_.Product(q, last);
      for (const search::RankedItem& item : top_[q]) {
        right += vectors_.Product(q, item.index) >= bar - std::abs(bar) * 1e-6 ? 1 : 0;
      }
    }
    return static_cast<double>(right) / static_cast<double>(kQueries * kTop);
  }

  /// Microseconds a query, all queries asked `size` at a time.
  template <typename Ask>
  static double Micros(std::size_t size, Ask&& ask) {
    std::vector<double> times;
    for (std::size_t first = 0; first < kQueries; first += size) {
      times.push_back(SecondsPerCall(1, [&] { ask(first, size); }));
    }
    return Median(times) * 1e6 / static_cast<double>(size);
  }

  /// Both scans and faiss, `size` queries at a time.
  void Compare(std::size_t size, double bound, std::vector<Bar>& bars) {
    const auto codes = [this](auto first, auto n) { Ours(first, n, search::Scan::kCodes); };
    const auto floats = [this](auto first, auto n) { Ours(first, n, search::Scan::kFloats); };
    const auto theirs = [this](auto first, auto n) { Theirs(first, n); };
    std::vector<double> a;
    std::vector<double> b;
    std::vector<double> c;
    std::vector<double> ratios;
    for (int pair = 0; pair < kPairs; ++pair) {
      a.push_back(Micros(size, codes));
      b.push_back(Micros(size, theirs));
      c.push_back(Micros(size, floats));
      ratios.push_back(b.back() / a.back());
    }
    const std::string name =
        std::to_string(rows_) + " items, " +
        (size == 1 ? std::string("one query a call") : std::to_string(size) + " queries a call");
    const auto add = [&bars](const std::string& what, const std::vector<double>& values,
                             const std::string& unit, double at_least) {
      bars.push_back({what, Median(values), unit, unit == "x", at_least, kPairs, Spread(values)});
    };
    add(name + ": times faster than faiss", ratios, "x", bound);
    add(name + ": codes", a, "us/query", 0);
    add(name + ": floats", c, "us/query", 0);
    add(name + ": faiss", b, "us/query", 0);
  }

 private:
  search::NearestItems MakeMatrix() const {
    auto matrix = search::ItemMatrix::Make(vectors_.items, rows_, kWidth);
    CHECK(matrix.ok());
    return search::NearestItems(std::make_shared<search::ItemMatrix>(*std::move(matrix)));
  }

  std::size_t rows_;
  Vectors vectors_;
  faiss::IndexFlatIP faiss_;
  search::NearestItems mine_;
  search::NearestScratch scratch_;
  Answers top_;
  std::vector<float> scores_ = std::vector<float>(kQueries * kTop);
  std::vector<faiss::Index::idx_t> found_ = std::vector<faiss::Index::idx_t>(kQueries * kTop);
};

/// The best kTop by both, alternated query by query; the recall is of the index.
void CompareHnsw(const search::NearestItems& exact, const search::HnswItems& near,
                 std::span<const float> queries, const std::string& name, std::vector<Bar>& bars) {
  search::NearestScratch scratch;
  std::vector<std::vector<search::RankedItem>> top(1);
  std::vector<ItemIndex> found;
  std::vector<double> scan;
  std::vector<double> walk;
  std::vector<double> ratios;
  std::size_t right = 0;
  for (std::size_t q = 0; q < kQueries; ++q) {
    const std::span<const float> query = queries.subspan(q * kWidth, kWidth);
    scan.push_back(
        SecondsPerCall(1, [&] { CHECK(exact.Search(query, kTop, {}, scratch, top).ok()); }) * 1e6);
    walk.push_back(SecondsPerCall(1, [&] { CHECK(near.Search(query, kTop, scratch, found)); }) *
                   1e6);
    ratios.push_back(scan.back() / walk.back());
    for (const search::RankedItem& item : top[0]) {
      right += std::find(found.begin(), found.end(), item.index) != found.end() ? 1U : 0U;
    }
  }
  const int pairs = static_cast<int>(kQueries);
  bars.push_back({name + ": recall", static_cast<double>(right) / (kQueries * kTop), "", true});
  bars.push_back({name + ": walk", Median(walk), "us/query", false, 0, pairs, Spread(walk)});
  bars.push_back({name + ": exact scan", Median(scan), "us/query", false, 0, pairs, Spread(scan)});
  bars.push_back({name + ": times faster", Median(ratios), "x", true, 0, pairs, Spread(ratios)});
}

// One thread for faiss and for the BLAS under it; says which one that is.
void OneThread() {
  omp_set_num_threads(1);
  using Limit = void (*)(int);
  const auto limit = reinterpret_cast<Limit>(::dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
  if (limit != nullptr) {
    limit(1);
  }
  std::printf("faiss's BLAS: %s; our kernels: %s\n",
              limit != nullptr ? "OpenBLAS" : "not OpenBLAS, slower than it could be",
              search::FastestKernels().name);
}

/// Exact scans beside an index of neighbours over a million vectors: random Gaussian ones, the worst case for
/// a walk, since nothing is near anything; then the clustered ones.
void RunHnsw(std::size_t rows) {
  std::vector<Bar> bars;
  for (const bool clustered : {false, true}) {
    const Vectors vectors(rows, clustered);
    auto matrix = search::ItemMatrix::Make(vectors.items, rows, kWidth);
    CHECK(matrix.ok());
    const search::NearestItems exact(std::make_shared<search::ItemMatrix>(*std::move(matrix)));
    std::unique_ptr<search::HnswItems> near;
    const double seconds = SecondsPerCall(1, [&] {
      auto built = search::HnswItems::Build(exact.shared_matrix(),
                                            {.build_within = std::chrono::duration<double>(3600)});
      CHECK(built.ok());
      near = *std::move(built);
    });
    const std::string name =
        std::to_string(rows) + (clustered ? " clustered" : " random") + " items: ";
    bars.push_back({name + "build on one thread", seconds, "s"});
    for (const std::size_t effort : {20UL, 80UL, 320UL, 1280UL, 5120UL}) {
      near->set_effort(effort);
      CompareHnsw(exact, *near, vectors.queries, name + "effort " + std::to_string(effort), bars);
    }
  }
  Report("nearest_items_hnsw", bars);
}

void Run() {
  OneThread();
  std::vector<Bar> bars;
  for (const std::size_t rows : {std::size_t{100'000}, std::size_t{12'000}}) {
    Contest contest(rows);
    const bool large = rows == 100'000;
    bars.push_back({std::to_string(rows) + " items: recall of the best 20", contest.Recall(), "",
                    true, 1, 1, 0});
    contest.Compare(1, large ? 10 : 0, bars);
    contest.Compare(kBatch, large ? 1.5 : 0, bars);
  }
  Report("nearest_items", bars);
}

}  // namespace
}  // namespace vitrine::bench

/// `hnsw [ROWS]`: beside an index of neighbours, over a million rows where nothing else is said.
int main(int count, char** arguments) {
  if (count > 1 && std::string_view(arguments[1]) == "hnsw") {
    vitrine::bench::RunHnsw(count > 2 ? std::strtoul(arguments[2], nullptr, 10) : 1'000'000);
  } else {
    vitrine::bench::Run();
  }
}
