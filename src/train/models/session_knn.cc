#include "train/models/session_knn.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "train/models/counting_model.h"
#include "train/models/row_sum.h"
#include "train/models/session_tables.h"
#include "train/models/sparse_rows.h"

namespace vitrine::train {
namespace {

/// Where no session is like the history their sum is 0: a divisor so small that 0 stays 0.
constexpr double kTiny = 1e-300;

class SessionKnn : public TrainableModel {
 public:
  explicit SessionKnn(SessionKnnOptions options) : options_(std::move(options)) {}

  [[nodiscard]] std::vector<data::FeatureDef> Features() const override {
    return HistoryFeatures(
        {.length = options_.length, .age_unit = options_.unit, .distinct = false});
  }

  Result<FitOutcome> Fit(const TrainingSequences& sequences, const FitContext& context) override {
    RETURN_IF_ERROR(Check(sequences));
    ASSIGN_OR_RETURN(const std::vector<WeightedSession> sessions, SessionsOf(sequences, options_));
    const std::vector<double> idf = IdfOf(sessions, sequences.width);
    match_.assign(sequences.width, 0);
    std::vector<double> vote(sequences.width, 0);
    for (std::size_t i = 0; i < sequences.width; ++i) {
      match_[i] = idf[i] > 0 ? std::pow(idf[i], options_.match_idf) : 0;
      vote[i] = idf[i] > 0 ? std::pow(idf[i], options_.vote_idf) : 0;
    }
    RETURN_IF_ERROR(FillItems(sessions, context.progress));
    RETURN_IF_ERROR(FillSessions(sessions, vote, context.progress));
    FitOutcome outcome;
    outcome.notes["sessions"] = static_cast<double>(sessions.size());
    outcome.notes["pairs"] = static_cast<double>(items_of_.entries());
    return outcome;
  }

  Status Score(std::span<const Tensor> inputs, Tensor& scores) const override {
    const std::size_t width = match_.size();
    ASSIGN_OR_RETURN(const HistoryBatch batch, ReadHistories(inputs, true, width));
    const std::span<double> values = ResetScores(batch, width, scores);
    std::vector<double> similar(items_of_.rows());
    for (std::size_t row = 0; row < batch.rows; ++row) {
      std::fill(similar.begin(), similar.end(), 0);
      const std::span<double> out = values.subspan(row * width, width);
      for (std::size_t at = row * batch.length; at < (row + 1) * batch.length; ++at) {
        const auto item = static_cast<std::size_t>(batch.items[at]);
        const double place = AgeWeight(options_.decay, batch.ages[at]) * match_[item];
        const auto sessions = sessions_of_.ColumnsOf(item);
        const auto weights = sessions_of_.WeightsOf(item);
        for (std::size_t e = 0; e < sessions.size(); ++e) {
          similar[static_cast<std::size_t>(sessions[e])] += static_cast<double>(weights[e]) * place;
        }
      }
      Vote(similar, out);
      if (options_.own > 0) {
        AddOwn(batch, row, out);
      }
    }
    return Status::Ok();
  }

  Status ExportGraph(graph::Builder& b) const override {
    const std::size_t width = match_.size();
    const graph::Value history = HistoryInput(b);
    const graph::Value ages = AgeWeights(b, options_.decay, AgeInput(b));
    const graph::Value similar = ExportSimilar(b, history, ages);
    const auto k = static_cast<std::int64_t>(voters());
    const std::vector<graph::Value> top = b.Node("TopK", {similar, b.Constants({k})}, 2);
    // Summed from the left, as Vote does; ReduceSum adds in an order of its own.
    const graph::Value sum = b.Slice(b.CumSum(top[0], 1), 1, -1, k);
    const graph::Value total = b.Op("Max", {sum, b.Scalar(kTiny)});
    const graph::Value share = b.Div(b.Mul(top[0], b.Scalar(1 - options_.own)), total);
    const GatheredRows found = GatherRows(b, items_of_, b.Reshape(top[1], {-1}), "session_");
    const graph::Value votes = b.Mul(found.value, Pick(b, b.Reshape(share, {-1}), found.place));
    graph::Value scores = AddUp(b, history, width, found.place, b.Scalar(k), found.column, votes);
    if (options_.own > 0) {
      const graph::Value known =
          b.GreaterOrEqual(history, b.Scalar(static_cast<std::int64_t>(kFirstItem)));
      const graph::Value own = b.Where(known, b.Mul(ages, b.Scalar(options_.own)), b.Scalar(0.0));
      scores = b.ScatterAdd(scores, history, own, 1);
    }
    ScoresOutput(b, scores, width);
    return Status::Ok();
  }

 private:
  [[nodiscard]] Status Check(const TrainingSequences& sequences) const {
    if (!(options_.decay > 0 && options_.decay <= 1) ||
        !(options_.session_decay > 0 && options_.session_decay <= 1)) {
      return InvalidArgument(
          fmt::format("decay is {} and session_decay {}, both must be above 0 and at most 1",
                      options_.decay, options_.session_decay));
    }
    if (options_.sessions == 0) {
      return InvalidArgument("sessions is 0, at least one must vote");
    }
    if (!(options_.own >= 0 && options_.own <= 1)) {
      return InvalidArgument(fmt::format("own is {}, it must be 0 to 1", options_.own));
    }
    if (options_.pause_hours > 0 && sequences.ordinal_time) {
      return FailedPrecondition(
          "pause_hours needs times, and this snapshot has only an order (ts = sequence); leave "
          "pause_hours at 0");
    }
    return Status::Ok();
  }

  /// Sessions that vote: no more than there are.
  [[nodiscard]] std::size_t voters() const { return std::min(options_.sessions, items_of_.rows()); }

  /// item -> sessions, the newest `recent` of each.
  Status FillItems(const std::vector<WeightedSession>& sessions, const Progress& progress) {
    std::vector<std::vector<WeightedEntry>> rows(match_.size());
    for (std::size_t s = 0; s < sessions.size(); ++s) {
      const double scale = std::pow(sessions[s].squares, -options_.session_power);
      for (const auto& [item, weight] : sessions[s].items) {
        rows[item].push_back({static_cast<std::int32_t>(s), weight * scale});
      }
    }
    const auto newer = [&](const WeightedEntry& a, const WeightedEntry& b) {
      const Micros at = sessions[static_cast<std::size_t>(a.column)].end;
      const Micros bt = sessions[static_cast<std::size_t>(b.column)].end;
      return at != bt ? at > bt : a.column < b.column;
    };
    sessions_of_ = {};
    for (std::size_t i = 0; i < rows.size(); ++i) {
      RETURN_IF_ERROR(ReportItem(progress, "index sessions", i, rows.size()));
      if (options_.recent > 0 && rows[i].size() > options_.recent) {
        std::sort(rows[i].begin(), rows[i].end(), newer);
        rows[i].resize(options_.recent);
      }
      RETURN_IF_ERROR(AppendRow(rows[i], 0, sessions_of_));
    }
    return Status::Ok();
  }

  /// session -> items.
  Status FillSessions(const std::vector<WeightedSession>& sessions, const std::vector<double>& vote,
                      const Progress& progress) {
    items_of_ = {};
    std::vector<WeightedEntry> row;
    for (std::size_t s = 0; s < sessions.size(); ++s) {
      RETURN_IF_ERROR(ReportItem(progress, "keep sessions", s, sessions.size()));
      const double scale = std::pow(sessions[s].squares, -options_.vote_power);
      row.clear();
      for (const auto& [item, weight] : sessions[s].items) {
        row.push_back({static_cast<std::int32_t>(item), weight * scale * vote[item]});
      }
      RETURN_IF_ERROR(AppendRow(row, 0, items_of_));
    }
    if (sessions.empty()) {  // A graph needs a row to choose.
      row.clear();
      RETURN_IF_ERROR(AppendRow(row, 0, items_of_));
    }
    return Status::Ok();
  }

  void Vote(const std::vector<double>& similar, std::span<double> out) const {
    std::vector<std::size_t> order(similar.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto k = static_cast<std::ptrdiff_t>(voters());
    std::partial_sort(order.begin(), order.begin() + k, order.end(),
                      [&](std::size_t a, std::size_t b) {
                        return similar[a] != similar[b] ? similar[a] > similar[b] : a < b;
                      });
    order.resize(voters());
    double total = 0;
    for (const std::size_t s : order) {
      total += similar[s];
    }
    total = std::max(total, kTiny);
    for (const std::size_t s : order) {
      const double share = similar[s] * (1 - options_.own) / total;
      const auto items = items_of_.ColumnsOf(s);
      const auto weights = items_of_.WeightsOf(s);
      for (std::size_t e = 0; e < items.size(); ++e) {
        out[static_cast<std::size_t>(items[e])] += static_cast<double>(weights[e]) * share;
      }
    }
  }

  void AddOwn(const HistoryBatch& batch, std::size_t row, std::span<double> out) const {
    for (std::size_t at = row * batch.length; at < (row + 1) * batch.length; ++at) {
      const auto item = static_cast<std::size_t>(batch.items[at]);
      if (item >= kFirstItem) {
        out[item] += AgeWeight(options_.decay, batch.ages[at]) * options_.own;
      }
    }
  }

  /// [batch, sessions] float64.
  [[nodiscard]] graph::Value ExportSimilar(graph::Builder& b, const graph::Value& history,
                                           const graph::Value& ages) const {
    const graph::Value places = b.Reshape(history, {-1});
    const graph::Value match =
        b.Initializer("match", {static_cast<std::int64_t>(match_.size())}, match_);
    const GatheredRows found = GatherRows(b, sessions_of_, places, "item_");
    const graph::Value place = b.Mul(b.Reshape(ages, {-1}), b.Gather(match, places));
    const graph::Value amounts = b.Mul(found.value, Pick(b, place, found.place));
    const graph::Value length = b.Gather(b.ShapeOf(history), b.Scalar<std::int64_t>(1));
    return AddUp(b, history, items_of_.rows(), found.place, length, found.column, amounts);
  }

  SessionKnnOptions options_;
  WeightedRows sessions_of_;   ///< item -> sessions
  WeightedRows items_of_;      ///< session -> items
  std::vector<double> match_;  ///< what a shared item counts, by ItemIndex
};

ParameterDef Power(const std::string& name, double standard, std::string help) {
  return {.name = name, .standard = standard, .help = std::move(help), .min = 0, .max = 4};
}

ParameterDef Decay(const std::string& name, double standard, std::string help) {
  return {.name = name, .standard = standard, .help = std::move(help), .min = 1e-6, .max = 1};
}

ParameterDef Count(const std::string& name, std::size_t standard, std::string help, double min) {
  return {.name = name,
          .standard = static_cast<std::int64_t>(standard),
          .help = std::move(help),
          .min = min};
}

std::vector<ParameterDef> SessionKnnParameters() {
  const SessionKnnOptions o;
  return {
      {.name = "session",
       .standard = o.session,
       .help = "What a session is: all of a user's history, or each basket.",
       .choices = {"user", "basket"}},
      {.name = "pause_hours",
       .standard = o.pause_hours,
       .help = "Cuts a user's history where nothing happened for so long; 0: nowhere.",
       .min = 0},
      Count("recent", o.recent, "Newest sessions kept per item; 0: all.", 0),
      Count("sessions", o.sessions, "Most similar sessions that vote.", 1),
      Decay("decay", o.decay, "Weight of one step back in the history; 1: all the same."),
      {.name = "unit",
       .standard = o.unit,
       .help = "What a step back is; a day needs a source with times.",
       .choices = {"position", "basket", "day"}},
      Count("length", o.length, "Newest places of a history that are looked at.", 1),
      Decay("session_decay", o.session_decay, "Weight of one step back in a session."),
      Power("session_power", o.session_power,
            "Similarity is divided by the session's squared length to this; 0.5: cosine."),
      Power("vote_power", o.vote_power, "And so is what it votes for, by this."),
      Power("match_idf", o.match_idf, "How much more a rare shared item counts; 0: all the same."),
      Power("vote_idf", o.vote_idf, "How much more a vote for a rare item counts."),
      {.name = "own",
       .standard = o.own,
       .help = "Share of the shopper's own items in the score: for goods bought again.",
       .min = 0,
       .max = 1}};
}

}  // namespace

std::unique_ptr<TrainableModel> MakeSessionKnn(const SessionKnnOptions& options) {
  return std::make_unique<SessionKnn>(options);
}

ModelFactory SessionKnnFactory() {
  return {.algorithm = "session_knn",
          .summary = "What the shoppers or sessions have that are most like this history.",
          .parameters = SessionKnnParameters(),
          .create = [](const Parameters& p) -> Result<std::unique_ptr<TrainableModel>> {
            return MakeSessionKnn({.session = p.Word("session"),
                                   .pause_hours = p.Number("pause_hours"),
                                   .recent = static_cast<std::size_t>(p.Int("recent")),
                                   .sessions = static_cast<std::size_t>(p.Int("sessions")),
                                   .decay = p.Number("decay"),
                                   .unit = p.Word("unit"),
                                   .length = static_cast<std::size_t>(p.Int("length")),
                                   .session_decay = p.Number("session_decay"),
                                   .session_power = p.Number("session_power"),
                                   .vote_power = p.Number("vote_power"),
                                   .match_idf = p.Number("match_idf"),
                                   .vote_idf = p.Number("vote_idf"),
                                   .own = p.Number("own")});
          }};
}

}  // namespace vitrine::train
