// Exact top-k over a score row, alternated with the standard library's partial_sort over indexes.
#include <numeric>
#include <random>

#include "bench/report.h"
#include "search/top_k.h"

namespace vitrine::bench {
namespace {

constexpr int kPairs = 31;

template <typename T>
Bar Compare(const std::string& name, std::size_t width, std::size_t k, double bound,
            std::vector<Bar>& bars) {
  std::mt19937 engine(1);
  std::normal_distribution<T> draw;
  std::vector<T> scores(width);
  for (T& score : scores) {
    score = draw(engine);
  }
  std::vector<std::uint64_t> skip(search::SkipWords(width));
  for (std::size_t i = 0; i < width; i += 16) {
    skip[i / 64] |= std::uint64_t{1} << (i % 64);
  }
  std::vector<search::RankedItem> top;
  const auto ours = [&] { search::SelectTop(std::span<const T>(scores), skip, k, top); };
  std::vector<std::uint32_t> order;
  const auto standard = [&] {
    order.clear();
    for (std::uint32_t i = 0; i < width; ++i) {
      if (((skip[i / 64] >> (i % 64)) & 1U) == 0) {
        order.push_back(i);
      }
    }
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k), order.end(),
                      [&scores](std::uint32_t a, std::uint32_t b) {
                        return scores[a] > scores[b] || (scores[a] == scores[b] && a < b);
                      });
  };
  const int calls = static_cast<int>(2'000'000 / width);
  ours();
  standard();
  std::vector<double> times;
  std::vector<double> ratios;
  for (int pair = 0; pair < kPairs; ++pair) {
    const double a = TypicalSeconds(calls, ours);
    const double b = TypicalSeconds(calls, standard);
    times.push_back(a * 1e6);
    ratios.push_back(b / a);
  }
  bars.push_back({name + ": time", Median(times), "us", false, bound, kPairs, Spread(times)});
  return {name + ": times faster than partial_sort",
          Median(ratios),
          "x",
          true,
          0,
          kPairs,
          Spread(ratios)};
}

void Run() {
  std::vector<Bar> bars;
  bars.push_back(Compare<float>("float32, 12,000 scores, k=20", 12'000, 20, 6, bars));
  bars.push_back(Compare<double>("float64, 12,000 scores, k=20", 12'000, 20, 8, bars));
  bars.push_back(Compare<float>("float32, 100,000 scores, k=100", 100'000, 100, 0, bars));
  Report("top_k", bars);
}

}  // namespace
}  // namespace vitrine::bench

int main() { vitrine::bench::Run(); }
