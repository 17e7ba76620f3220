#include "search/hnsw_items.h"

// Without its own SSE, which the distance below does not need: its prefetches read one link past the end of a list.
#define NO_MANUAL_VECTORIZATION
#include <hnswlib/hnswlib.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include "search/scan_kernels.h"

namespace vitrine::search {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

/// Items after which it can be told how long the whole takes.
constexpr std::size_t kTrial = 2000;

struct Kernel {
  std::size_t stride;
  const ScanKernels* kernels;
};

// A point of hnswlib's is the address of a vector: the matrix holds the vectors themselves.
float Distance(const void* a, const void* b, const void* kernel) {
  const float* query = nullptr;
  const float* row = nullptr;
  std::memcpy(&query, a, sizeof query);
  std::memcpy(&row, b, sizeof row);
  const auto* with = static_cast<const Kernel*>(kernel);
  const std::uint32_t first = 0;
  float score = 0;
  with->kernels->score_rows(query, row, with->stride, &first, 1, &score);
  return -score;
}

class Space final : public hnswlib::SpaceInterface<float> {
 public:
  explicit Space(std::size_t stride) : kernel_{stride, &FastestKernels()} {}
  std::size_t get_data_size() override { return sizeof(const float*); }
  hnswlib::DISTFUNC<float> get_dist_func() override { return Distance; }
  void* get_dist_func_param() override { return &kernel_; }

 private:
  Kernel kernel_;
};

}  // namespace

struct HnswItems::Graph {
  Graph(std::shared_ptr<const ItemMatrix> m, const HnswOptions& options)
      : matrix(std::move(m)),
        space(matrix->stride()),
        first_row(std::min(options.first_row, matrix->rows())),
        index(&space, std::max<std::size_t>(matrix->rows() - first_row, 1), options.neighbours,
              options.build_effort) {}

  void Add(std::size_t row) {
    const float* values = matrix->values() + row * matrix->stride();
    index.addPoint(static_cast<const void*>(&values), row);
  }
  std::shared_ptr<const ItemMatrix> matrix;
  Space space;
  std::size_t first_row;
  hnswlib::HierarchicalNSW<float> index;
};

namespace {

Status TooLong(Seconds needed, Seconds within) {
  char text[160];
  std::snprintf(text, sizeof text,
                "an index of neighbours would take about %.0f s to build, %.0f s are allowed",
                needed.count(), within.count());
  return DeadlineExceeded(text);
}

}  // namespace

HnswItems::HnswItems(std::unique_ptr<Graph> graph) : graph_(std::move(graph)) {}
HnswItems::~HnswItems() = default;

Result<std::unique_ptr<HnswItems>> HnswItems::Build(std::shared_ptr<const ItemMatrix> matrix,
                                                    const HnswOptions& options) {
  const std::size_t rows = matrix->rows();
  const auto start = Clock::now();
  try {
    auto graph = std::make_unique<Graph>(std::move(matrix), options);
    const std::size_t items = rows - graph->first_row;
    const Seconds within = std::min<Seconds>(options.build_within, std::chrono::hours(24));
    for (std::size_t added = 0; added < items; ++added) {
      const Seconds taken = Clock::now() - start;
      // The first few cost less than those that find a large index: what they say is a lower bound.
      const Seconds whole =
          taken * static_cast<double>(items) / static_cast<double>(std::max<std::size_t>(added, 1));
      if (taken > within || (added == kTrial && whole > within)) {
        return TooLong(whole, within);
      }
      if (options.stop.stop_requested()) {
        return Cancelled("the index of neighbours is not wanted any more");
      }
      graph->Add(graph->first_row + added);
    }
    return std::unique_ptr<HnswItems>(new HnswItems(std::move(graph)));
  } catch (const std::bad_alloc&) {
    return ResourceExhausted("no memory for an index of neighbours over " + std::to_string(rows) +
                             " items");
  } catch (const std::exception& e) {
    return Internal(std::string("the index of neighbours: ") + e.what());
  }
}

void HnswItems::set_effort(std::size_t candidates) { graph_->index.setEf(candidates); }

std::size_t HnswItems::effort() const { return graph_->index.ef_; }

bool HnswItems::Search(std::span<const float> query, std::size_t k, NearestScratch& scratch,
                       std::vector<ItemIndex>& found) const {
  found.clear();
  scratch.queries.assign(graph_->matrix->stride(), 0);
  std::copy(query.begin(), query.end(), scratch.queries.begin());
  // Kernels read queries at any address, as they read the scratch of an exact search.
  const float* values = scratch.queries.data();
  try {
    auto near = graph_->index.searchKnn(static_cast<const void*>(&values), k);
    for (; !near.empty(); near.pop()) {
      found.push_back(static_cast<ItemIndex>(near.top().second));
    }
    return true;
  } catch (const std::exception&) {
    found.clear();
    return false;
  }
}

}  // namespace vitrine::search
