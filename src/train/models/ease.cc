#include "train/models/torch_headers.h"
// LibTorch first: see torch_headers.h.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "train/models/ease.h"
#include "train/models/incidence.h"
#include "train/models/row_sum.h"

namespace vitrine::train {
namespace {

class Ease : public NeighbourModel {
 public:
  explicit Ease(const EaseOptions& options) : NeighbourModel(options.places), options_(options) {}

  Result<FitOutcome> Fit(const TrainingSequences& sequences, const FitContext& context) override {
    RETURN_IF_ERROR(CheckPlaces());
    if (!(options_.regularisation > 0)) {
      return InvalidArgument(
          fmt::format("regularisation is {}, it must be above 0", options_.regularisation));
    }
    if (options_.neighbours == 0) {
      return InvalidArgument("neighbours is 0; every item has a weight for every other, keep some");
    }
    ASSIGN_OR_RETURN(const Incidence incidence, IncidenceOf(sequences));
    const std::size_t items = std::min(options_.items, sequences.width - kFirstItem);
    table_ = {};
    try {
      RETURN_IF_ERROR(Solve(incidence, items, sequences.width, context.progress));
    } catch (const std::exception& e) {
      const std::string_view what = e.what();
      return ResourceExhausted(fmt::format("ease cannot invert {} x {} items: {}; lower `items`",
                                           items, items, what.substr(0, what.find('\n'))));
    }
    FitOutcome outcome;
    outcome.notes["items"] = static_cast<double>(items);
    outcome.notes["pairs"] = static_cast<double>(table_.entries());
    return outcome;
  }

 private:
  Status Solve(const Incidence& incidence, std::size_t items, std::size_t width,
               const Progress& progress) {
    const torch::NoGradGuard no_grad;
    const auto size = static_cast<std::int64_t>(items);
    torch::Tensor inverse;
    if (items > 0) {
      torch::Tensor gram = torch::zeros({size, size}, torch::kFloat);
      RETURN_IF_ERROR(FillGram(incidence, items, gram.data_ptr<float>(), progress));
      gram.diagonal().add_(options_.regularisation);
      progress.report({.stage = "invert",
                       .done = 0,
                       .total = 0,
                       .unit = "",
                       .detail = fmt::format("{} items", items)});
      inverse = torch::cholesky_inverse(at::linalg_cholesky(gram)).contiguous();
    }
    std::vector<WeightedEntry> row;
    for (std::size_t i = 0; i < width; ++i) {
      RETURN_IF_ERROR(ReportItem(progress, "keep weights", i, width));
      row.clear();
      if (i >= kFirstItem && i - kFirstItem < items) {
        FillRow(inverse.data_ptr<float>(), items, i - kFirstItem, row);
      }
      RETURN_IF_ERROR(AppendRow(row, options_.neighbours, table_));
    }
    return Status::Ok();
  }

  /// gram[i * items + j] = sum over users with both of their weight.
  Status FillGram(const Incidence& incidence, std::size_t items, float* gram,
                  const Progress& progress) const {
    std::vector<double> sum(items, 0);
    for (std::size_t i = 0; i < items; ++i) {
      RETURN_IF_ERROR(ReportItem(progress, "count pairs", i, items));
      const auto users = incidence.UsersOf(i + kFirstItem);
      const auto examples = incidence.UserWeightsOf(i + kFirstItem);
      for (std::size_t p = 0; p < users.size(); ++p) {
        const auto own = incidence.ItemsOf(users[p]);
        const auto others = incidence.ItemWeightsOf(users[p]);
        const double weight = std::pow(static_cast<double>(own.size()), -options_.user_power) *
                              (examples.empty() ? 1 : static_cast<double>(examples[p]));
        for (std::size_t q = 0; q < own.size() && own[q] - kFirstItem < items; ++q) {  // rising
          sum[own[q] - kFirstItem] +=
              others.empty() ? weight : weight * static_cast<double>(others[q]);
        }
      }
      for (std::size_t j = 0; j < items; ++j) {
        gram[i * items + j] = static_cast<float>(std::exchange(sum[j], 0));
      }
    }
    return Status::Ok();
  }

  static void FillRow(const float* inverse, std::size_t items, std::size_t i,
                      std::vector<WeightedEntry>& row) {
    for (std::size_t j = 0; j < items; ++j) {
      const double weight = -double{inverse[i * items + j]} / double{inverse[j * items + j]};
      if (j != i && weight > 0) {
        row.push_back({static_cast<std::int32_t>(j + kFirstItem), weight});
      }
    }
  }

  EaseOptions options_;
};

}  // namespace

std::unique_ptr<TrainableModel> MakeEase(const EaseOptions& options) {
  return std::make_unique<Ease>(options);
}

ModelFactory EaseFactory() {
  const EaseOptions standard;
  std::vector<ParameterDef> parameters = {
      {.name = "regularisation",
       .standard = standard.regularisation,
       .help = "Lambda: how many shared users a weight must stand against.",
       .min = 1e-3,
       .max = 1e9},
      {.name = "items",
       .standard = static_cast<std::int64_t>(standard.items),
       .help =
           "Most popular items that take part; time grows with its cube, memory with its square.",
       .min = 1,
       .max = 40'000},
      {.name = "user_power",
       .standard = standard.user_power,
       .help = "A user of n items counts 1 / n^this; 0: all the same.",
       .min = 0,
       .max = 2}};
  const auto shared =
      NeighbourParameters(standard.places, static_cast<std::int64_t>(standard.neighbours));
  parameters.insert(parameters.end(), shared.begin(), shared.end());
  return {.algorithm = "ease",
          .summary = "Items that predict each other, all weights solved for at once (EASE).",
          .parameters = std::move(parameters),
          .create = [](const Parameters& p) -> Result<std::unique_ptr<TrainableModel>> {
            return MakeEase({.regularisation = p.Number("regularisation"),
                             .items = static_cast<std::size_t>(p.Int("items")),
                             .neighbours = static_cast<std::size_t>(p.Int("neighbours")),
                             .user_power = p.Number("user_power"),
                             .places = PlacesOf(p)});
          },
          .weighs_examples = true};
}

}  // namespace vitrine::train
