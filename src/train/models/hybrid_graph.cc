#include "train/models/hybrid_graph.h"

#include <limits>
#include <string>

#include <fmt/format.h>

#include "train/models/sparse_rows.h"

namespace vitrine::train {
namespace {

using graph::Builder;
using graph::Ints;
using graph::Value;

constexpr std::int64_t kToEnd = std::numeric_limits<std::int64_t>::max();

/// All members' views of the batch side by side, as hybrid_candidates.cc has one of a row: one node for
/// all of them where each had its own costs a third of the nodes.
struct Views {
  Value score;  ///< [B, members, items] float64
  Value least;  ///< [B, members, 1] float64
  Value scale;  ///< [B, members, 1] float64
  Value rank;   ///< [B, members, items] float32
  Value named;  ///< [B, items] float32: how many members name an item
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
        members_(static_cast<std::int64_t>(layout.members)),
        rows_(b.Slice(b.ShapeOf(history), 0, 0, 1)) {}

  Value Write(const CandidateRanker& ranker, const std::vector<Value>& scores) {
    known_ = b_.GreaterOrEqual(history_, b_.Scalar(static_cast<std::int64_t>(kFirstItem)));
    counts_ = b_.Cast(known_, DType::kFloat64);
    const Views views = ViewsOf(scores);
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
  template <typename T>
  Value Zeros(const Ints& sizes) {
    return b_.Filled<T>(b_.Concat({rows_, b_.Constants(sizes)}, 0), T{0});
  }
  Value Least(const Value& x) {
    return b_.Op("ReduceMin", {x}, {{"axes", Ints{2}}, {"keepdims", 1}});
  }

  Views ViewsOf(const std::vector<Value>& scores) {
    std::vector<Value> parts;
    for (const Value& score : scores) {
      // Without padding and unknown.
      parts.push_back(b_.Unsqueeze(b_.Slice(score, 1, kFirstItem, kToEnd), {1}));
    }
    Views views;
    views.score = b_.Concat(parts, 1);
    views.least = Least(views.score);
    if (!layout_.again) {
      views.score = WithoutHad(views.score, views.least);
    }
    const std::vector<float> shares = RankShares(layout_);
    const auto count = static_cast<std::int64_t>(shares.size());
    const std::vector<Value> best =
        b_.Node("TopK", {views.score, b_.Constants({count})}, 2, {{"axis", 2}});
    const Value range = b_.Sub(b_.Slice(best[0], 2, 0, 1), views.least);
    const Value flat = b_.Equal(range, b_.Scalar(0.0));
    const Value divisor = b_.Where(flat, b_.Scalar(1.0), range);
    views.scale = b_.Where(flat, b_.Scalar(0.0), b_.Div(b_.Scalar(1.0), divisor));
    const Value above = b_.Greater(best[0], views.least);
    const Value share = b_.Initializer("rank_share", {1, 1, count}, shares);
    views.rank =
        b_.Op("ScatterElements",
              {Zeros<float>({members_, items_}), best[1], b_.Where(above, share, b_.Scalar(0.0F))},
              {{"axis", 2}});
    const Ints by_row = {-1, members_ * count};
    views.named = b_.ScatterAdd(Zeros<float>({items_}), b_.Reshape(best[1], by_row),
                                b_.Reshape(b_.Cast(above, DType::kFloat32), by_row), 1);
    return views;
  }

  /// Items of the history scored least. A place that holds none points at an item that another place
  /// holds or, where no place does, at the first item, which gets the score it has.
  Value WithoutHad(const Value& score, const Value& least) {
    const Value first = b_.Scalar(static_cast<std::int64_t>(kFirstItem));
    const Value largest =
        b_.Op("ReduceMax", {history_}, {{"axes", Ints{1}}, {"keepdims", 1}});  // [B, 1]
    const Value any = b_.Unsqueeze(b_.GreaterOrEqual(largest, first), {2});
    const Value spare = b_.Op("Max", {b_.Sub(largest, first), b_.Scalar<std::int64_t>(0)});
    const Value place = b_.Where(known_, b_.Sub(history_, first), spare);
    const Value shape =
        b_.Concat({rows_, b_.Constants({members_}), b_.Slice(b_.ShapeOf(history_), 0, 1, 2)}, 0);
    const Value value = b_.Where(any, least, b_.Slice(score, 2, 0, 1));
    return b_.Op("ScatterElements",
                 {score, b_.Expand(b_.Unsqueeze(place, {1}), shape), b_.Expand(value, shape)},
                 {{"axis", 2}});
  }

  /// Cells of candidates in [B, items], [N]; sets row_ and column_.
  Value Found(const Views& views) {
    const Value found = b_.Op("NonZero", {views.named});
    row_ = b_.Squeeze(b_.Slice(found, 0, 0, 1), {0});
    column_ = b_.Squeeze(b_.Slice(found, 0, 1, 2), {0});
    return b_.Add(b_.Mul(row_, b_.Scalar(items_)), column_);
  }

  /// [B, items] float64.
  Value Share(const Views& views) {
    const Value part = b_.Div(views.scale, b_.Scalar(static_cast<double>(layout_.members)));
    const auto sum = [&](const Value& x) {
      return b_.ReduceSum(b_.Mul(x, part), {1}, /*keep=*/false);
    };
    return b_.Sub(sum(views.score), sum(views.least));
  }

  Value Flat(const Value& x) { return b_.Reshape(x, {-1}); }
  /// A table by ItemIndex, at the candidates.
  Value OfCandidates(const char* name, const std::vector<float>& table) {
    const std::span<const float> known = std::span(table).subspan(kFirstItem);
    return Pick(b_, b_.Initializer<float>(name, {items_}, known), column_);
  }
  Value OfRows(const Value& x) { return Pick(b_, Flat(x), row_); }
  Value Single(const Value& x) { return b_.Cast(x, DType::kFloat32); }

  /// Score, share and rank by each member of each candidate, [N, 3 * members] float32.
  Value MemberColumns(const Views& views) {
    const Ints by_candidate = {-1, members_};
    Ints begins;
    for (std::int64_t m = 0; m < members_; ++m) {
      begins.push_back(m * items_);
    }
    const Value begin = b_.Add(b_.Mul(row_, b_.Scalar(members_ * items_)), column_);
    const Value cells = Flat(b_.Add(b_.Unsqueeze(begin, {1}), b_.Constants(begins)));
    const auto of_members = [&](const Value& x) {
      return b_.Gather(b_.Reshape(x, by_candidate), row_);
    };
    const Value score = b_.Reshape(Pick(b_, Flat(views.score), cells), by_candidate);
    const Value share = b_.Mul(b_.Sub(score, of_members(views.least)), of_members(views.scale));
    const Value rank = b_.Reshape(Pick(b_, Flat(views.rank), cells), by_candidate);
    std::vector<Value> parts = {Single(score), Single(share), rank};
    for (Value& part : parts) {
      part = b_.Unsqueeze(part, {2});
    }
    return b_.Reshape(b_.Concat(parts, 2), {-1, 3 * members_});
  }

  /// Scores of the candidates by the ranker, [N] float64.
  Value Ranked(const CandidateRanker& ranker, const Views& views, const Value& cell) {
    std::vector<Value> columns = {Pick(b_, Flat(views.named), cell),
                                  OfCandidates("popularity", facts_.popularity)};
    AddRowColumns(columns);
    if (layout_.times) {
      columns.push_back(OfCandidates("days", facts_.days));
    }
    if (layout_.again) {
      AddPastColumns(cell, columns);
    }
    for (Value& column : columns) {
      column = b_.Unsqueeze(column, {1});
    }
    columns.insert(columns.begin(), MemberColumns(views));
    // A row more than there are candidates: an operator need not take none.
    const auto width = static_cast<std::int64_t>(layout_.columns());
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
    const Value counted = b_.Cast(b_.ReduceSum(counts_, {1}, /*keep=*/false), DType::kInt64);
    const Value length = b_.Op("Min", {counted, b_.Scalar(lengths - 1)});
    columns.push_back(OfRows(b_.Gather(b_.Initializer("length_log", {lengths}, logs), length)));
  }

  void AddPastColumns(const Value& cell, std::vector<Value>& columns) {
    const Value weights = b_.Mul(AgeWeights(b_, 0.5, ages_), counts_);
    const Value held = Pick(b_, Flat(PastSum(counts_)), cell);
    columns.push_back(Single(held));
    columns.push_back(Single(Pick(b_, Flat(PastSum(weights)), cell)));
    const Value oldest = b_.Op("ReduceMax", {ages_}, {{"axes", Ints{1}}, {"keepdims", 0}});
    const Value baskets =
        b_.Op("Max", {b_.Add(b_.Cast(oldest, DType::kFloat64), b_.Scalar(1.0)), b_.Scalar(1.0)});
    columns.push_back(Single(b_.Div(held, OfRows(baskets))));
    columns.push_back(OfCandidates("repeats", facts_.repeats));
  }

  /// Sums of `amounts` ([B, L] float64) by item, [B, items].
  Value PastSum(const Value& amounts) {
    const Value wide = Zeros<double>({static_cast<std::int64_t>(layout_.width)});
    return b_.Slice(b_.ScatterAdd(wide, history_, amounts, 1), 1, kFirstItem, kToEnd);
  }

  Builder& b_;
  const CandidateLayout& layout_;
  const ItemFacts& facts_;
  Value history_;
  Value ages_;
  std::int64_t items_;
  std::int64_t members_;
  Value rows_;    ///< [1]: how many
  Value known_;   ///< [B, L] bool: places that hold a known item
  Value counts_;  ///< [B, L] float64: 1 at those
  Value row_;     ///< [N] int64: of the batch
  Value column_;  ///< [N] int64: of the items
};

/// The vectors as weights beside the encoder's answer: [batch, width] float32.
Value Products(Builder& b, const Value& query, const graph::ItemVectors& vectors) {
  const std::size_t inner = vectors.query_width();
  // A column an item: one row times such a matrix is read through once, where the other layout is
  // packed first at every run.
  std::vector<float> factors(inner * vectors.rows);
  std::vector<float> bias(vectors.rows, 0);
  for (std::size_t row = 0; row < vectors.rows; ++row) {
    const float* begin = vectors.values.data() + row * vectors.width;
    for (std::size_t i = 0; i < inner; ++i) {
      factors[i * vectors.rows + row] = begin[i];
    }
    bias[row] = vectors.bias ? begin[inner] : 0;
  }
  const auto rows = static_cast<std::int64_t>(vectors.rows);
  const Value table =
      b.Initializer("item_vectors", {static_cast<std::int64_t>(inner), rows}, factors);
  return b.Add(b.MatMul(query, table), b.Initializer("item_bias", {1, rows}, bias));
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
