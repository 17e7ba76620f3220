#include "train/models/boosted_ranker.h"

#include <xgboost/c_api.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace vitrine::train {
namespace {

constexpr int kWatchedPlaces = 10;

Status Checked(int code) {
  return code == 0 ? Status::Ok()
                   : Internal(fmt::format("XGBoost: {}", std::string_view(XGBGetLastError())));
}

/// The library's handles, freed with their owner.
class Matrix {
 public:
  Matrix() = default;
  ~Matrix() {
    if (handle_ != nullptr) {
      XGDMatrixFree(handle_);
    }
  }
  Matrix(const Matrix&) = delete;
  Matrix& operator=(const Matrix&) = delete;

  Status Fill(const RankExamples& examples, std::int64_t threads) {
    // Features are finite, so that nothing is ever missing.
    RETURN_IF_ERROR(Checked(XGDMatrixCreateFromMat_omp(
        examples.features.data(), examples.rows(), examples.columns,
        std::numeric_limits<float>::quiet_NaN(), &handle_, static_cast<int>(threads))));
    RETURN_IF_ERROR(Checked(
        XGDMatrixSetFloatInfo(handle_, "label", examples.relevance.data(), examples.rows())));
    if (!examples.weights.empty()) {
      RETURN_IF_ERROR(Checked(
          XGDMatrixSetFloatInfo(handle_, "weight", examples.weights.data(), examples.rows())));
    }
    if (examples.base != 0) {
      const std::vector<float> base(examples.rows(), examples.base);
      RETURN_IF_ERROR(
          Checked(XGDMatrixSetFloatInfo(handle_, "base_margin", base.data(), base.size())));
    }
    return examples.sizes.empty()
               ? Status::Ok()
               : Checked(XGDMatrixSetUIntInfo(handle_, "group", examples.sizes.data(),
                                              examples.sizes.size()));
  }

  [[nodiscard]] DMatrixHandle get() const { return handle_; }

 private:
  DMatrixHandle handle_ = nullptr;
};

class Booster {
 public:
  Booster() = default;
  ~Booster() {
    if (handle_ != nullptr) {
      XGBoosterFree(handle_);
    }
  }
  Booster(const Booster&) = delete;
  Booster& operator=(const Booster&) = delete;

  Status Open(const std::vector<DMatrixHandle>& matrices, const BoostOptions& options) {
    RETURN_IF_ERROR(Checked(XGBoosterCreate(matrices.data(), matrices.size(), &handle_)));
    const bool own = options.objective == "softmax";
    const bool logistic = options.objective == "logistic";
    const std::pair<const char*, std::string> settings[] = {
        {"verbosity", "0"},
        {"booster", "gbtree"},
        {"tree_method", "hist"},
        {"base_score", logistic ? "0.5" : "0"},  // of a probability: a log-odds of 0
        {"objective", own        ? "reg:squarederror"
                      : logistic ? "binary:logistic"
                                 : fmt::format("rank:{}", options.objective)},
        {"max_depth", fmt::format("{}", options.depth)},
        {"eta", fmt::format("{}", options.learning_rate)},
        {"min_child_weight", fmt::format("{}", options.min_child_weight)},
        {"lambda", fmt::format("{}", options.lambda)},
        {"subsample", fmt::format("{}", options.rows)},
        {"colsample_bytree", fmt::format("{}", options.columns)},
        {"nthread", fmt::format("{}", options.threads)},
        {"seed", fmt::format("{}", options.seed % std::numeric_limits<std::int32_t>::max())}};
    for (const auto& [name, value] : settings) {
      RETURN_IF_ERROR(Checked(XGBoosterSetParam(handle_, name, value.c_str())));
    }
    return Status::Ok();
  }

  Status Update(int round, const Matrix& matrix) {
    return Checked(XGBoosterUpdateOneIter(handle_, round, matrix.get()));
  }
  Status Update(const Matrix& matrix, std::vector<float>& slope, std::vector<float>& bend) {
    return Checked(
        XGBoosterBoostOneIter(handle_, matrix.get(), slope.data(), bend.data(), slope.size()));
  }

  /// Scores of a matrix by all trees so far; valid until the next call.
  Result<std::span<const float>> Scores(const Matrix& matrix) {
    bst_ulong size = 0;
    const float* scores = nullptr;
    RETURN_IF_ERROR(Checked(XGBoosterPredict(handle_, matrix.get(), 1, 0, 0, &size, &scores)));
    return std::span<const float>(scores, size);
  }

  Result<TreeEnsemble> Trees(std::size_t columns, std::int64_t rounds) {
    BoosterHandle first = nullptr;
    RETURN_IF_ERROR(Checked(XGBoosterSlice(handle_, 0, static_cast<int>(rounds), 1, &first)));
    bst_ulong size = 0;
    const char* text = nullptr;
    const Status saved =
        Checked(XGBoosterSaveModelToBuffer(first, R"({"format":"json"})", &size, &text));
    Result<TreeEnsemble> trees = saved.ok() ? TreesOfXgboost({text, size}, columns) : saved;
    XGBoosterFree(first);
    return trees;
  }

 private:
  BoosterHandle handle_ = nullptr;
};

/// First and second derivative, by each score, of the lists' log-likelihood, turned round: the softmax
/// of a list's scores against its relevant rows, all alike.
void SoftmaxSlopes(const RankExamples& examples, std::span<const float> scores,
                   std::vector<float>& slope, std::vector<float>& bend) {
  constexpr double kLeastBend = 1e-6;
  slope.resize(examples.rows());
  bend.resize(examples.rows());
  std::size_t begin = 0;
  for (const std::uint32_t size : examples.sizes) {
    float most = scores[begin];
    double relevant = 0;
    for (std::size_t i = begin; i < begin + size; ++i) {
      most = std::max(most, scores[i]);
      relevant += double{examples.relevance[i]};
    }
    double sum = 0;
    for (std::size_t i = begin; i < begin + size; ++i) {
      sum += std::exp(double{scores[i]} - double{most});
    }
    for (std::size_t i = begin; i < begin + size; ++i) {
      const double share = std::exp(double{scores[i]} - double{most}) / sum;
      slope[i] = static_cast<float>(share - double{examples.relevance[i]} / relevant);
      bend[i] = static_cast<float>(std::max(share * (1 - share), kLeastBend));
    }
    begin += size;
  }
}

Status Grow(const RankExamples& examples, const Matrix& matrix, const BoostOptions& options,
            int round, Booster& booster) {
  if (options.objective != "softmax") {
    return booster.Update(round, matrix);
  }
  std::vector<float> slope;
  std::vector<float> bend;
  ASSIGN_OR_RETURN(const std::span<const float> scores, booster.Scores(matrix));
  SoftmaxSlopes(examples, scores, slope, bend);
  return booster.Update(matrix, slope, bend);
}

/// Mean negative log likelihood of log-odds.
double LogLoss(const RankExamples& rows, std::span<const float> scores) {
  double loss = 0;
  double all = 0;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    const double wrong = rows.relevance[i] > 0 ? -double{scores[i]} : double{scores[i]};
    const double weight = rows.weights.empty() ? 1 : double{rows.weights[i]};
    loss +=
        weight * (wrong > 0 ? wrong + std::log1p(std::exp(-wrong)) : std::log1p(std::exp(wrong)));
    all += weight;
  }
  return loss / all;
}

/// The value that early stopping looks at, higher is better, and a word on it.
double Watch(const RankExamples& watched, std::span<const float> scores,
             const BoostOptions& options, std::string& detail) {
  if (options.objective == "logistic") {
    const double loss = LogLoss(watched, scores);
    detail = fmt::format("log-loss {:.4f}", loss);
    return -loss;
  }
  const double ndcg = MeanNdcg(watched, scores, kWatchedPlaces);
  detail = fmt::format("NDCG@{} {:.4f} of lists that hold the target", kWatchedPlaces, ndcg);
  return ndcg;
}

}  // namespace

Result<Boosted> Boost(const RankExamples& examples, const RankExamples* watched,
                      const BoostOptions& options, const Progress& progress) {
  if (examples.rows() == 0 || (examples.sizes.empty() && options.objective != "logistic")) {
    return InvalidArgument("there is no list to learn an order from");
  }
  Matrix matrix;
  Matrix watched_matrix;
  RETURN_IF_ERROR(matrix.Fill(examples, options.threads));
  std::vector<DMatrixHandle> matrices = {matrix.get()};
  if (watched != nullptr) {
    RETURN_IF_ERROR(watched_matrix.Fill(*watched, options.threads));
    matrices.push_back(watched_matrix.get());
  }
  Booster booster;
  RETURN_IF_ERROR(booster.Open(matrices, options));
  Boosted outcome{
      .trees = {}, .rounds = options.rounds, .best = -std::numeric_limits<double>::infinity()};
  for (std::int64_t round = 0; round < options.rounds; ++round) {
    if (progress.cancelled()) {
      return Cancelled("fitting the ranker was cancelled");
    }
    RETURN_IF_ERROR(Grow(examples, matrix, options, static_cast<int>(round), booster));
    std::string detail;
    if (watched != nullptr) {
      ASSIGN_OR_RETURN(const std::span<const float> scores, booster.Scores(watched_matrix));
      const double value = Watch(*watched, scores, options, detail);
      if (value > outcome.best) {
        outcome.best = value;
        outcome.rounds = round + 1;
      }
    }
    progress.report({.stage = "rank",
                     .done = static_cast<double>(round + 1),
                     .total = static_cast<double>(options.rounds),
                     .unit = "trees",
                     .detail = detail});
    if (watched != nullptr && round + 1 - outcome.rounds >= options.patience) {
      break;
    }
  }
  ASSIGN_OR_RETURN(outcome.trees, booster.Trees(examples.columns, outcome.rounds));
  return outcome;
}

}  // namespace vitrine::train
