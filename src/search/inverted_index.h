/// An immutable inverted index with BM25F scores known at build time: every posting holds its term's
/// weighted, length-normalised frequency, every block of postings the largest of them, so that
/// documents that cannot reach the top are skipped (block-max WAND).
/// Threads: immutable once built; Search from any thread.
/// Source:  BM25F: Robertson & Zaragoza, The Probabilistic Relevance Framework, 2009, section 3.6;
///          block-max WAND: Ding & Suel, Faster top-k document retrieval, SIGIR 2011.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace vitrine::search {

/// Parameters of one field.
struct FieldWeight {
  double weight = 1;  ///< how much an occurrence counts
  double b = 0.75;    ///< how much a long field is held against it: 0 not at all, 1 fully
};

struct Bm25fOptions {
  double k1 = 1.2;  ///< how soon more occurrences stop counting
  std::vector<FieldWeight> fields;
};

/// A document's number: the order of Add.
using DocId = std::uint32_t;

struct Hit {
  DocId doc = 0;
  double score = 0;
  friend bool operator==(const Hit&, const Hit&) = default;
};

/// What one query term added to one document's score.
struct TermScore {
  std::string term;
  double score = 0;
};

class InvertedIndex {
 public:
  /// The `n` best documents: score descending, equal scores by lower number. `skip(doc)` leaves a
  /// document out. A term that stands twice in the query counts twice.
  [[nodiscard]] std::vector<Hit> Search(std::span<const std::string> terms, std::size_t n,
                                        const std::function<bool(DocId)>& skip = nullptr) const;

  /// The parts of a document's score; they add up to it.
  [[nodiscard]] std::vector<TermScore> Explain(std::span<const std::string> terms, DocId doc) const;

  [[nodiscard]] std::size_t documents() const { return documents_; }
  [[nodiscard]] std::size_t terms() const { return dictionary_.size(); }
  [[nodiscard]] std::size_t postings() const { return docs_.size(); }
  /// Documents with the term.
  [[nodiscard]] std::size_t Frequency(std::string_view term) const;

 private:
  friend class IndexBuilder;
  friend class WandCursor;
  static constexpr std::size_t kBlock = 64;

  struct Term {
    std::uint32_t begin = 0;  ///< of its postings
    std::uint32_t count = 0;
    std::uint32_t block = 0;  ///< of its block maxima
    float idf = 0;
    float max = 0;  ///< largest impact of its postings
  };

  [[nodiscard]] const Term* Find(std::string_view term) const;

  std::map<std::string, Term, std::less<>> dictionary_;
  std::vector<DocId> docs_;     // by term, rising
  std::vector<float> impacts_;  // idf * tf' / (k1 + tf')
  std::vector<float> block_max_;
  std::vector<double> average_;  // length of a field, in terms
  std::size_t documents_ = 0;
};

class IndexBuilder {
 public:
  explicit IndexBuilder(Bm25fOptions options);

  /// Precondition: fields.size() == options.fields.size().
  DocId Add(std::span<const std::vector<std::string>> fields);
  /// The builder is empty afterwards. `like`: take document frequencies and average lengths from
  /// that index, so that the scores of a small index over what changed compare with the large one's.
  /// Errors: kResourceExhausted (2^32 postings).
  Result<InvertedIndex> Build(const InvertedIndex* like = nullptr);

 private:
  struct Occurrence {
    DocId doc = 0;
    std::uint16_t field = 0;
    std::uint16_t count = 0;
  };
  Bm25fOptions options_;
  std::map<std::string, std::vector<Occurrence>, std::less<>> terms_;
  std::vector<std::vector<std::uint32_t>> lengths_;  // by field, by document
};

}  // namespace vitrine::search
