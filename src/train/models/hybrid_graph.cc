#include "train/models/hybrid_graph.h"

#include <limits>
#include <string>

#include <fmt/format.h>

#include "train/models/sparse_rows.h"

namespace vitrine::train {
namespace {

using graph::Builder;
using graph::Value;

constexpr std::int64_t kToEnd = std::numeric_limits<std::int64_t>::max();

/// A member's view of the batch, as hybrid_candidates.cc has it of a row. [B, items] and [B, 1], float64.
struct View {
  Value score;
  Value least;
  Value scale;
  Value rank;  ///< [B, items] float32
};

class HybridWriter {
 public:
  HybridWriter(Builder& b, const CandidateLayout& layout, const ItemFacts& facts,
               const Value& history, const Value& ages)
      : b_(b),
        layout_(layout),
        facts_(facts),
        history_(history),
        ages_(ages),
        items_(static_cast<std::int64_t>(layout.items())),
        rows_(b.Slice(b.ShapeOf(history), 0, 0, 1)) {}

  Value Write(const CandidateRanker& ranker, const std::vector<Value>& scores) {
    const Value known =
        b_.GreaterOrEqual(history_, b_.Scalar(static_cast<std::int64_t>(kFirstItem)));
    known_ = b_.Cast(known, DType::kFloat64);
    if (!layout_.again) {
      had_ = b_.Greater(OfItems(b_.ScatterAdd(Zeros<double>(layout_.width), history_, known_, 1)),
                        b_.Scalar(0.0));
    }
    std::vector<View> views;
    for (const Value& score : scores) {
      views.push_back(ViewOf(score));
    }
    const Value cell = Found(views);
    const Value ranked = Ranked(ranker, views, cell);
    const double floor = ranker.Least() - kBelowCandidates;
    const Value rest = b_.Reshape(b_.Add(Share(views), b_.Scalar(floor)), {-1});
    const Value flat = b_.Op("ScatterElements", {rest, cell, ranked}, {{"axis", 0}});
    const Value never =
        b_.Filled<double>(b_.Concat({rows_, b_.Constants({kFirstItem})}, 0), floor - 1);
    return b_.Concat({never, b_.Reshape(flat, {-1, items_})}, 1);
  }

 private:
  /// Without padding and unknown.
  Value OfItems(const Value& wide) { return b_.Slice(wide, 1, kFirstItem, kToEnd); }

  template <typename T>
  Value Zeros(std::size_t columns) {
    return b_.Filled<T>(b_.Concat({rows_, b_.Constants({static_cast<std::int64_t>(columns)})}, 0),
                        T{0});
  }

  View ViewOf(const Value& scores) {
    View view;
    view.score = OfItems(scores);
    view.least = b_.Op("ReduceMin", {view.score}, {{"axes", graph::Ints{1}}, {"keepdims", 1}});
    if (!layout_.again) {
      view.score = b_.Where(had_, view.least, view.score);
    }
    const std::vector<float> shares = RankShares(layout_);
    const auto count = static_cast<std::int64_t>(shares.size());
    const std::vector<Value> best =
        b_.Node("TopK", {view.score, b_.Constants({count})}, 2, {{"axis", 1}});
    const Value most = b_.Slice(best[0], 1, 0, 1);
    const Value range = b_.Sub(most, view.least);
    const Value flat = b_.Equal(range, b_.Scalar(0.0));
    const Value divisor = b_.Where(flat, b_.Scalar(1.0), range);
    view.scale = b_.Where(flat, b_.Scalar(0.0), b_.Div(b_.Scalar(1.0), divisor));
    if (rank_share_.name.empty()) {
      rank_share_ = b_.Initializer("rank_share", {1, count}, shares);
    }
    const Value rank = b_.Where(b_.Greater(best[0], view.least), rank_share_, b_.Scalar(0.0F));
    view.rank =
        b_.Op("ScatterElements", {Zeros<float>(layout_.items()), best[1], rank}, {{"axis", 1}});
    return view;
  }

  /// Cells of candidates in [B, items], [N]; sets row_ and column_.
  Value Found(const std::vector<View>& views) {
    Value any = views[0].rank;
    for (std::size_t m = 1; m < views.size(); ++m) {
      any = b_.Add(any, views[m].rank);
    }
    const Value found = b_.Op("NonZero", {any});
    row_ = b_.Squeeze(b_.Slice(found, 0, 0, 1), {0});
    column_ = b_.Squeeze(b_.Slice(found, 0, 1, 2), {0});
    return b_.Add(b_.Mul(row_, b_.Scalar(items_)), column_);
  }

  /// [B, items] float64.
  Value Share(const std::vector<View>& views) {
    const Value parts = b_.Scalar(static_cast<double>(views.size()));
    Value sum;
    Value leasts;
    for (const View& view : views) {
      const Value part = b_.Div(view.scale, parts);
      const Value share = b_.Mul(view.score, part);
      const Value least = b_.Mul(view.least, part);
      sum = sum.name.empty() ? share : b_.Add(sum, share);
      leasts = leasts.name.empty() ? least : b_.Add(leasts, least);
    }
    return b_.Sub(sum, leasts);
  }

  Value Flat(const Value& x) { return b_.Reshape(x, {-1}); }
  /// A table by ItemIndex, at the candidates.
  Value OfCandidates(const char* name, const std::vector<float>& table) {
    const auto size = static_cast<std::int64_t>(layout_.items());
    const std::span<const float> known = std::span(table).subspan(kFirstItem);
    return Pick(b_, b_.Initializer<float>(name, {size}, known), column_);
  }
  Value OfRows(const Value& x) { return Pick(b_, Flat(x), row_); }
  Value Single(const Value& x) { return b_.Cast(x, DType::kFloat32); }

  /// Scores of the candidates by the ranker, [N] float64.
  Value Ranked(const CandidateRanker& ranker, const std::vector<View>& views, const Value& cell) {
    std::vector<Value> columns;
    Value agreement;
    for (const View& view : views) {
      const Value score = Pick(b_, Flat(view.score), cell);
      const Value rank = Pick(b_, Flat(view.rank), cell);
      const Value above = b_.Sub(score, OfRows(view.least));
      columns.push_back(Single(score));
      columns.push_back(Single(b_.Mul(above, OfRows(view.scale))));
      columns.push_back(rank);
      const Value agrees = Single(b_.Greater(rank, b_.Scalar(0.0F)));
      agreement = agreement.name.empty() ? agrees : b_.Add(agreement, agrees);
    }
    columns.push_back(agreement);
    columns.push_back(OfCandidates("popularity", facts_.popularity));
    AddRowColumns(columns);
    if (layout_.times) {
      columns.push_back(OfCandidates("days", facts_.days));
    }
    if (layout_.again) {
      const Value weights = b_.Mul(AgeWeights(b_, 0.5, ages_), known_);
      const Value held = Pick(b_, Flat(PastSum(known_)), cell);
      columns.push_back(Single(held));
      columns.push_back(Single(Pick(b_, Flat(PastSum(weights)), cell)));
      const Value oldest = b_.Op("ReduceMax", {ages_}, {{"axes", graph::Ints{1}}, {"keepdims", 0}});
      const Value baskets =
          b_.Op("Max", {b_.Add(b_.Cast(oldest, DType::kFloat64), b_.Scalar(1.0)), b_.Scalar(1.0)});
      columns.push_back(Single(b_.Div(held, OfRows(baskets))));
      columns.push_back(OfCandidates("repeats", facts_.repeats));
    }
    for (Value& column : columns) {
      column = b_.Unsqueeze(column, {1});
    }
    // A row more than there are candidates: an operator need not take none.
    const auto width = static_cast<std::int64_t>(columns.size());
    const Value one = b_.Filled<float>(b_.Constants({1, width}), 0);
    const Value features = b_.Concat({b_.Concat(columns, 1), one}, 0);
    const Value scores = Flat(ranker.Write(b_, features));
    return b_.Cast(b_.Slice(scores, 0, 0, -1), DType::kFloat64);
  }

  void AddRowColumns(std::vector<Value>& columns) {
    const auto width = static_cast<std::int64_t>(layout_.width);
    const Value popularity = b_.Initializer("popularity_of_last", {width}, facts_.popularity);
    const Value last = b_.Gather(history_, b_.Scalar<std::int64_t>(-1), 1);
    columns.push_back(OfRows(b_.Gather(popularity, last)));
    const std::vector<float> logs = LengthLogs(layout_);
    const auto lengths = static_cast<std::int64_t>(logs.size());
    const Value counted = b_.Cast(b_.ReduceSum(known_, {1}, /*keep=*/false), DType::kInt64);
    const Value length = b_.Op("Min", {counted, b_.Scalar(lengths - 1)});
    columns.push_back(OfRows(b_.Gather(b_.Initializer("length_log", {lengths}, logs), length)));
  }

  /// Sums of `amounts` ([B, L] float64) by item, [B, items].
  Value PastSum(const Value& amounts) {
    return OfItems(b_.ScatterAdd(Zeros<double>(layout_.width), history_, amounts, 1));
  }

  Builder& b_;
  const CandidateLayout& layout_;
  const ItemFacts& facts_;
  Value history_;
  Value ages_;
  std::int64_t items_;
  Value rows_;   ///< [1]: how many
  Value known_;  ///< [B, L] float64: 1 where a place holds a known item
  Value had_;    ///< [B, items] bool
  Value rank_share_;
  Value row_;     ///< [N] int64: of the batch
  Value column_;  ///< [N] int64: of the items
};

/// The vectors as weights beside the encoder's answer: [batch, width] float32.
Value Products(Builder& b, const Value& query, const graph::ItemVectors& vectors) {
  const std::size_t inner = vectors.query_width();
  std::vector<float> factors;
  std::vector<float> bias;
  for (std::size_t row = 0; row < vectors.rows; ++row) {
    const float* begin = vectors.values.data() + row * vectors.width;
    factors.insert(factors.end(), begin, begin + inner);
    bias.push_back(vectors.bias ? begin[inner] : 0);
  }
  const auto rows = static_cast<std::int64_t>(vectors.rows);
  const Value table =
      b.Initializer("item_vectors", {rows, static_cast<std::int64_t>(inner)}, factors);
  const Value biases = b.Initializer("item_bias", {1, rows}, bias);
  return b.Op("Gemm", {query, table, biases}, {{"transB", 1}});
}

}  // namespace

Result<Value> WriteMember(Builder& b, const HybridMember& member) {
  Value scores;
  const auto write = [&](Builder& inner) { return member.model->ExportGraph(inner); };
  ASSIGN_OR_RETURN(const auto outputs, b.Scope(member.name, write));
  const std::optional<graph::ItemVectors> vectors = member.model->ItemVectors();
  const auto found = outputs.find(vectors ? "query" : "scores");
  if (found == outputs.end()) {
    return Internal(fmt::format("the graph of member '{}' has no output '{}'", member.name,
                                vectors ? "query" : "scores"));
  }
  scores = found->second;
  if (vectors) {
    const auto join = [&](Builder& inner) {
      scores = Products(inner, found->second, *vectors);
      return Status::Ok();
    };
    ASSIGN_OR_RETURN(const auto none, b.Scope(member.name, join));
  }
  return b.Cast(scores, DType::kFloat64);
}

Value WriteHybrid(Builder& b, const CandidateLayout& layout, const ItemFacts& facts,
                  const CandidateRanker& ranker, const std::vector<Value>& scores,
                  const Value& history, const Value& ages) {
  return HybridWriter(b, layout, facts, history, ages).Write(ranker, scores);
}

}  // namespace vitrine::train
