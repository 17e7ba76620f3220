#include "train/models/hybrid_candidates.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace vitrine::train {
namespace {

/// One member's view of one row.
struct View {
  std::vector<double> score;  ///< [items]
  std::vector<float> rank;    ///< [items]; 0: not among the best
  double least = 0;
  double scale = 0;  ///< 1 / (most - least), 0 where they are equal
};

Status ReadScores(const CandidateLayout& layout, const Tensor& scores, std::size_t row,
                  View& view) {
  view.score.resize(layout.items());
  const std::size_t begin = row * layout.width + kFirstItem;
  if (scores.dtype() == DType::kFloat32) {
    const auto values = scores.values<float>().subspan(begin, layout.items());
    std::copy(values.begin(), values.end(), view.score.begin());
  } else {
    const auto values = scores.values<double>().subspan(begin, layout.items());
    std::copy(values.begin(), values.end(), view.score.begin());
  }
  for (const double score : view.score) {
    if (!std::isfinite(score)) {
      return Internal(fmt::format("row {} has the score {}", row, score));
    }
  }
  return Status::Ok();
}

void RankBest(const CandidateLayout& layout, const std::vector<float>& shares, View& view,
              std::vector<std::uint32_t>& order) {
  view.rank.assign(layout.items(), 0);
  order.clear();
  for (std::uint32_t i = 0; i < layout.items(); ++i) {
    if (view.score[i] > view.least) {
      order.push_back(i);
    }
  }
  const auto better = [&view](std::uint32_t a, std::uint32_t b) {
    return view.score[a] != view.score[b] ? view.score[a] > view.score[b] : a < b;
  };
  const std::size_t count = std::min(order.size(), shares.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    better);
  for (std::size_t place = 0; place < count; ++place) {
    view.rank[order[place]] = shares[place];
  }
}

/// What a row's history says, whatever the candidate.
struct Past {
  std::span<const std::int64_t> items;
  std::span<const std::int64_t> ages;
  std::size_t known = 0;
  std::size_t last = kPaddingItem;
  double baskets = 1;
};

Past PastOf(const HistoryBatch& histories, std::size_t row) {
  Past past{.items = histories.items.subspan(row * histories.length, histories.length),
            .ages = histories.ages.subspan(row * histories.length, histories.length)};
  for (const std::int64_t item : past.items) {
    past.known += item >= kFirstItem ? 1 : 0;
  }
  for (const std::int64_t age : past.ages) {
    past.baskets = std::max(past.baskets, static_cast<double>(age) + 1);
  }
  past.last = past.items.empty() ? kPaddingItem : static_cast<std::size_t>(past.items.back());
  return past;
}

class RowWriter {
 public:
  RowWriter(const CandidateLayout& layout, const ItemFacts& facts)
      : layout_(layout),
        facts_(facts),
        shares_(RankShares(layout)),
        lengths_(LengthLogs(layout)),
        views_(layout.members),
        baskets_(layout.width),
        newer_(layout.width) {}

  Status Write(std::span<const Tensor> scores, const Past& past, std::size_t row,
               CandidateBatch& found) {
    const std::span<double> share =
        std::span(found.share).subspan(row * layout_.items(), layout_.items());
    double leasts = 0;
    for (std::size_t m = 0; m < views_.size(); ++m) {
      View& view = views_[m];
      RETURN_IF_ERROR(ReadScores(layout_, scores[m], row, view)
                          .WithContext(fmt::format("member number {}", m + 1)));
      view.least = *std::min_element(view.score.begin(), view.score.end());
      for (const std::int64_t item : past.items) {
        if (!layout_.again && item >= kFirstItem) {
          view.score[static_cast<std::size_t>(item) - kFirstItem] = view.least;
        }
      }
      const double most = *std::max_element(view.score.begin(), view.score.end());
      view.scale = most > view.least ? 1 / (most - view.least) : 0;
      RankBest(layout_, shares_, view, order_);
      const double part = view.scale / static_cast<double>(views_.size());
      for (std::size_t i = 0; i < share.size(); ++i) {
        share[i] += view.score[i] * part;
      }
      leasts += view.least * part;
    }
    for (double& value : share) {
      value -= leasts;
    }
    CountPast(past);
    for (std::size_t i = 0; i < layout_.items(); ++i) {
      const bool candidate = std::any_of(views_.begin(), views_.end(),
                                         [i](const View& view) { return view.rank[i] > 0; });
      if (candidate) {
        found.item.push_back(static_cast<ItemIndex>(i) + kFirstItem);
        WriteFeatures(past, i, found.features);
      }
    }
    found.begin.push_back(found.item.size());
    return Status::Ok();
  }

 private:
  void CountPast(const Past& past) {
    if (!layout_.again) {
      return;
    }
    std::fill(baskets_.begin(), baskets_.end(), 0);
    std::fill(newer_.begin(), newer_.end(), 0);
    for (std::size_t p = 0; p < past.items.size(); ++p) {
      const auto item = static_cast<std::size_t>(past.items[p]);
      baskets_[item] += 1;
      newer_[item] += AgeWeight(0.5, past.ages[p]);
    }
  }

  void WriteFeatures(const Past& past, std::size_t i, std::vector<float>& features) const {
    float agreement = 0;
    for (const View& view : views_) {
      features.push_back(static_cast<float>(view.score[i]));
      features.push_back(static_cast<float>((view.score[i] - view.least) * view.scale));
      features.push_back(view.rank[i]);
      agreement += view.rank[i] > 0 ? 1.0F : 0.0F;
    }
    const std::size_t item = i + kFirstItem;
    features.push_back(agreement);
    features.push_back(facts_.popularity[item]);
    features.push_back(facts_.popularity[past.last]);
    features.push_back(lengths_[std::min(past.known, lengths_.size() - 1)]);
    if (layout_.times) {
      features.push_back(facts_.days[item]);
    }
    if (layout_.again) {
      features.push_back(static_cast<float>(baskets_[item]));
      features.push_back(static_cast<float>(newer_[item]));
      features.push_back(static_cast<float>(baskets_[item] / past.baskets));
      features.push_back(facts_.repeats[item]);
    }
  }

  const CandidateLayout& layout_;
  const ItemFacts& facts_;
  std::vector<float> shares_;
  std::vector<float> lengths_;
  std::vector<View> views_;
  std::vector<std::uint32_t> order_;
  std::vector<double> baskets_;
  std::vector<double> newer_;
};

/// Users with the item in two baskets or more / users with the item, smoothed by one user of each kind.
std::vector<float> RepeatsOf(const TrainingSequences& sequences) {
  std::vector<double> users(sequences.width, 0);
  std::vector<double> repeating(sequences.width, 0);
  std::vector<std::pair<ItemIndex, std::uint32_t>> own;
  for (const History& history : sequences.users) {
    own.clear();
    for (const HistoryEvent& e : history) {
      own.emplace_back(e.item, e.basket);
    }
    std::sort(own.begin(), own.end());
    own.erase(std::unique(own.begin(), own.end()), own.end());
    for (std::size_t i = 0; i < own.size(); ++i) {
      const bool first = i == 0 || own[i - 1].first != own[i].first;
      const bool second = !first && (i == 1 || own[i - 2].first != own[i].first);
      users[own[i].first] += first ? 1 : 0;
      repeating[own[i].first] += second ? 1 : 0;
    }
  }
  std::vector<float> shares(sequences.width, 0);
  for (std::size_t i = kFirstItem; i < sequences.width; ++i) {
    shares[i] = static_cast<float>((repeating[i] + 1) / (users[i] + 2));
  }
  return shares;
}

}  // namespace

Result<ItemFacts> FactsOf(const TrainingSequences& sequences) {
  std::vector<double> events(sequences.width, 0);
  std::int64_t end = std::numeric_limits<std::int64_t>::min();
  std::vector<std::int64_t> newest(sequences.width, end);
  for (const History& history : sequences.users) {
    for (const HistoryEvent& e : history) {
      if (e.item >= sequences.width) {
        return InvalidArgument(fmt::format("a history holds item {}, the vocabulary ends at {}",
                                           e.item, sequences.width - 1));
      }
      events[e.item] += 1;
      newest[e.item] = std::max(newest[e.item], e.ts.value);
      end = std::max(end, e.ts.value);
    }
  }
  ItemFacts facts{.popularity = std::vector<float>(sequences.width, 0),
                  .days = std::vector<float>(sequences.width, 0),
                  .repeats = RepeatsOf(sequences)};
  for (std::size_t i = kFirstItem; i < sequences.width; ++i) {
    facts.popularity[i] = static_cast<float>(std::log1p(events[i]));
    // An item that nobody had is older than any.
    const double age = events[i] > 0 ? static_cast<double>(end - newest[i]) : 1e4 * kMicrosPerDay;
    facts.days[i] = static_cast<float>(std::log1p(age / double{kMicrosPerDay}));
  }
  return facts;
}

std::vector<float> RankShares(const CandidateLayout& layout) {
  std::vector<float> shares(std::min(layout.best, layout.items()));
  for (std::size_t place = 0; place < shares.size(); ++place) {
    shares[place] = 1 / static_cast<float>(1 + place);
  }
  return shares;
}

std::vector<float> LengthLogs(const CandidateLayout& layout) {
  std::vector<float> logs(layout.length + 1);
  for (std::size_t n = 0; n < logs.size(); ++n) {
    logs[n] = static_cast<float>(std::log1p(static_cast<double>(n)));
  }
  return logs;
}

Status FindCandidates(const CandidateLayout& layout, const ItemFacts& facts,
                      std::span<const Tensor> scores, const HistoryBatch& histories,
                      CandidateBatch& found) {
  found.begin.assign(1, 0);
  found.item.clear();
  found.features.clear();
  found.share.assign(histories.rows * layout.items(), 0);
  RowWriter writer(layout, facts);
  for (std::size_t row = 0; row < histories.rows; ++row) {
    RETURN_IF_ERROR(writer.Write(scores, PastOf(histories, row), row, found));
  }
  return Status::Ok();
}

}  // namespace vitrine::train
