#include "search/inverted_index.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace vitrine::search {
namespace {

constexpr DocId kEnd = std::numeric_limits<DocId>::max();

/// Worse first: the root of a heap of hits is the one to beat.
bool Better(const Hit& a, const Hit& b) {
  return a.score != b.score ? a.score > b.score : a.doc < b.doc;
}

/// The best hits so far.
class TopHits {
 public:
  explicit TopHits(std::size_t n) : n_(n) { hits_.reserve(n); }
  /// A document must score more than this to come in (an equal score comes later: higher number).
  [[nodiscard]] double bar() const { return hits_.size() < n_ ? -1 : hits_.front().score; }
  void Offer(const Hit& hit) {
    if (hits_.size() == n_) {
      if (!Better(hit, hits_.front())) {
        return;
      }
      std::pop_heap(hits_.begin(), hits_.end(), Better);
      hits_.back() = hit;
    } else {
      hits_.push_back(hit);
    }
    std::push_heap(hits_.begin(), hits_.end(), Better);
  }
  std::vector<Hit> Take() {
    std::sort(hits_.begin(), hits_.end(), Better);
    return std::move(hits_);
  }

 private:
  std::size_t n_;
  std::vector<Hit> hits_;
};

}  // namespace

/// A place in one term's postings.
class WandCursor {
 public:
  WandCursor(const InvertedIndex& index, const InvertedIndex::Term& term, double times)
      : docs_(index.docs_.data() + term.begin),
        impacts_(index.impacts_.data() + term.begin),
        block_max_(index.block_max_.data() + term.block),
        count_(term.count),
        times_(times),
        max_(times * static_cast<double>(term.max)) {}

  [[nodiscard]] DocId doc() const { return at_ < count_ ? docs_[at_] : kEnd; }
  [[nodiscard]] double impact() const { return times_ * static_cast<double>(impacts_[at_]); }
  [[nodiscard]] double max() const { return max_; }
  void Next() { ++at_; }

  void AdvanceTo(DocId doc) {
    // Whole blocks first: their last document tells whether to look inside.
    while (at_ < count_ && LastOfBlock(at_ / InvertedIndex::kBlock) < doc) {
      at_ = (at_ / InvertedIndex::kBlock + 1) * InvertedIndex::kBlock;
    }
    while (at_ < count_ && docs_[at_] < doc) {
      ++at_;
    }
  }
  /// The largest impact of the block where `doc` would stand, and that block's last document.
  [[nodiscard]] double BlockMax(DocId doc, DocId& last) const {
    std::size_t block = std::min(at_, count_ - 1) / InvertedIndex::kBlock;
    while ((block + 1) * InvertedIndex::kBlock < count_ && LastOfBlock(block) < doc) {
      ++block;
    }
    last = LastOfBlock(block);
    return last < doc ? 0 : times_ * static_cast<double>(block_max_[block]);
  }

 private:
  [[nodiscard]] DocId LastOfBlock(std::size_t block) const {
    return docs_[std::min((block + 1) * InvertedIndex::kBlock, count_) - 1];
  }
  const DocId* docs_;
  const float* impacts_;
  const float* block_max_;
  std::size_t count_;
  std::size_t at_ = 0;
  double times_;
  double max_;
};

namespace {

/// One query's walk over its terms' postings.
class Wand {
 public:
  Wand(std::vector<WandCursor> cursors, std::size_t n, const std::function<bool(DocId)>& skip)
      : cursors_(std::move(cursors)), top_(n), skip_(skip) {
    for (WandCursor& cursor : cursors_) {
      order_.push_back(&cursor);
    }
  }

  std::vector<Hit> Run() {
    for (;;) {
      std::sort(order_.begin(), order_.end(),
                [](const WandCursor* a, const WandCursor* b) { return a->doc() < b->doc(); });
      const std::size_t pivot = Pivot();
      if (pivot == order_.size()) {
        return top_.Take();
      }
      const DocId doc = order_[pivot]->doc();
      if (order_[0]->doc() == doc) {
        Score(doc);
      } else if (DocId next = 0; BlocksReach(pivot, doc, next)) {
        order_[0]->AdvanceTo(doc);
      } else {
        for (std::size_t i = 0; i <= pivot; ++i) {
          order_[i]->AdvanceTo(next);
        }
      }
    }
  }

 private:
  /// The first term whose document could reach the top together with the terms before it.
  std::size_t Pivot() const {
    double sum = 0;
    for (std::size_t i = 0; i < order_.size() && order_[i]->doc() != kEnd; ++i) {
      sum += order_[i]->max();
      if (sum > top_.bar()) {
        // Terms at the same document belong to it too.
        while (i + 1 < order_.size() && order_[i + 1]->doc() == order_[i]->doc()) {
          ++i;
        }
        return i;
      }
    }
    return order_.size();
  }

  /// Could the blocks around `doc` reach the top? Else `next` is the first document worth a look.
  bool BlocksReach(std::size_t pivot, DocId doc, DocId& next) const {
    double sum = 0;
    next = pivot + 1 < order_.size() ? order_[pivot + 1]->doc() : kEnd;
    for (std::size_t i = 0; i <= pivot; ++i) {
      DocId last = 0;
      sum += order_[i]->BlockMax(doc, last);
      if (last >= doc) {
        next = std::min(next, last + 1);
      }
    }
    next = std::max(next, doc + 1);
    return sum > top_.bar();
  }

  void Score(DocId doc) {
    double score = 0;
    for (WandCursor& cursor : cursors_) {  // the query's order: sums are equal from run to run
      if (cursor.doc() == doc) {
        score += cursor.impact();
        cursor.Next();
      }
    }
    if (!skip_ || !skip_(doc)) {
      top_.Offer({doc, score});
    }
  }

  std::vector<WandCursor> cursors_;
  std::vector<WandCursor*> order_;
  TopHits top_;
  const std::function<bool(DocId)>& skip_;
};

/// Distinct terms in order of first use, with how often they stand there.
std::vector<std::pair<std::string_view, double>> Distinct(std::span<const std::string> terms) {
  std::vector<std::pair<std::string_view, double>> distinct;
  for (const std::string& term : terms) {
    const auto it = std::find_if(distinct.begin(), distinct.end(),
                                 [&term](const auto& known) { return known.first == term; });
    if (it != distinct.end()) {
      it->second += 1;
    } else {
      distinct.emplace_back(term, 1);
    }
  }
  return distinct;
}

}  // namespace

const InvertedIndex::Term* InvertedIndex::Find(std::string_view term) const {
  const auto it = dictionary_.find(term);
  return it == dictionary_.end() ? nullptr : &it->second;
}

std::size_t InvertedIndex::Frequency(std::string_view term) const {
  const Term* found = Find(term);
  return found == nullptr ? 0 : found->count;
}

std::vector<Hit> InvertedIndex::Search(std::span<const std::string> terms, std::size_t n,
                                       const std::function<bool(DocId)>& skip) const {
  std::vector<WandCursor> cursors;
  for (const auto& [term, times] : Distinct(terms)) {
    if (const Term* found = Find(term)) {
      cursors.emplace_back(*this, *found, times);
    }
  }
  if (cursors.empty() || n == 0) {
    return {};
  }
  return Wand(std::move(cursors), n, skip).Run();
}

std::vector<TermScore> InvertedIndex::Explain(std::span<const std::string> terms, DocId doc) const {
  std::vector<TermScore> parts;
  for (const auto& [term, times] : Distinct(terms)) {
    if (const Term* found = Find(term)) {
      WandCursor cursor(*this, *found, times);
      cursor.AdvanceTo(doc);
      if (cursor.doc() == doc) {
        parts.push_back({std::string(term), cursor.impact()});
      }
    }
  }
  return parts;
}

IndexBuilder::IndexBuilder(Bm25fOptions options)
    : options_(std::move(options)), lengths_(options_.fields.size()) {}

DocId IndexBuilder::Add(std::span<const std::vector<std::string>> fields) {
  const auto doc = static_cast<DocId>(lengths_.front().size());
  for (std::size_t f = 0; f < fields.size(); ++f) {
    lengths_[f].push_back(static_cast<std::uint32_t>(fields[f].size()));
    for (const std::string& term : fields[f]) {
      std::vector<Occurrence>& found = terms_[term];
      if (!found.empty() && found.back().doc == doc && found.back().field == f) {
        found.back().count = static_cast<std::uint16_t>(std::min(found.back().count + 1, 65535));
      } else {
        found.push_back({doc, static_cast<std::uint16_t>(f), 1});
      }
    }
  }
  return doc;
}

Result<InvertedIndex> IndexBuilder::Build(const InvertedIndex* like) {
  InvertedIndex index;
  index.documents_ = lengths_.front().size();
  for (const auto& lengths : lengths_) {
    const double sum = std::accumulate(lengths.begin(), lengths.end(), 0.0);
    index.average_.push_back(
        std::max(1e-9, sum / std::max(1.0, static_cast<double>(index.documents_))));
  }
  const std::vector<double> average = like == nullptr ? index.average_ : like->average_;
  const auto documents = static_cast<double>(like == nullptr ? index.documents_ : like->documents_);
  for (auto& [term, occurrences] : terms_) {
    if (index.docs_.size() + occurrences.size() > std::numeric_limits<std::uint32_t>::max()) {
      return ResourceExhausted("a search index holds at most 2^32 postings; index fewer fields");
    }
    InvertedIndex::Term entry{.begin = static_cast<std::uint32_t>(index.docs_.size()),
                              .block = static_cast<std::uint32_t>(index.block_max_.size())};
    for (std::size_t i = 0; i < occurrences.size();) {
      const DocId doc = occurrences[i].doc;
      double frequency = 0;
      for (; i < occurrences.size() && occurrences[i].doc == doc; ++i) {
        const Occurrence& o = occurrences[i];
        const FieldWeight& field = options_.fields[o.field];
        const double length = 1 - field.b + field.b * lengths_[o.field][doc] / average[o.field];
        frequency += field.weight * o.count / length;
      }
      index.docs_.push_back(doc);
      index.impacts_.push_back(static_cast<float>(frequency / (options_.k1 + frequency)));
    }
    entry.count = static_cast<std::uint32_t>(index.docs_.size()) - entry.begin;
    const auto n = like == nullptr ? static_cast<double>(entry.count)
                                   : static_cast<double>(like->Frequency(term));
    entry.idf = static_cast<float>(std::log(1 + (documents - n + 0.5) / (n + 0.5)));
    for (std::size_t i = 0; i < entry.count; ++i) {
      float& impact = index.impacts_[entry.begin + i];
      impact *= entry.idf;
      if (i % InvertedIndex::kBlock == 0) {
        index.block_max_.push_back(0);
      }
      index.block_max_.back() = std::max(index.block_max_.back(), impact);
      entry.max = std::max(entry.max, impact);
    }
    index.dictionary_.emplace_hint(index.dictionary_.end(), term, entry);
    occurrences = {};
  }
  terms_.clear();
  for (auto& field : lengths_) {
    field.clear();
  }
  return index;
}

}  // namespace vitrine::search
