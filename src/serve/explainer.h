/// Port: who says why an item is in an answer. Implemented by explain/.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/catalogue.h"
#include "core/history.h"
#include "core/impression.h"
#include "core/status.h"
#include "serve/recommend.h"

namespace vitrine::serve {

class ServedModel;

/// One item of an answer on its way to being explained.
struct ExplainItem {
  ItemIndex index = kUnknownItem;  ///< in the model's vocabulary
  double model_score = 0;          ///< before rules and bid
  double score = 0;                ///< as shown
  /// Parts that rules and bid added, in order: (kind, rule name, amount).
  std::vector<Reason> added;
};

struct ExplainInput {
  const ServedModel* model = nullptr;  ///< null: a fallback
  Fallback fallback = Fallback::kNone;
  bool similar = false;                      ///< the history is the item that was asked about
  std::span<const HistoryEvent> history;     ///< as handed to the model
  std::span<const std::string> history_ids;  ///< same length; ids of its events
  Micros as_of;
  const User* user = nullptr;
  const Attributes* context = nullptr;
  std::string_view query;     ///< of a search; else empty
  std::string_view language;  ///< "en" or "zh"
};

/// Threads: any.
class Explainer {
 public:
  virtual ~Explainer() = default;
  /// Fills items[i].reasons so that their contributions add up to items[i].score.
  /// Precondition: parts.size() == items.size().
  /// Errors: kInternal (the model failed or gave no finite score).
  virtual Result<Explained> Explain(const ExplainInput& input, std::span<const ExplainItem> parts,
                                    std::span<RecommendedItem> items) const = 0;
  /// Puts why items are absent into words.
  virtual void Word(Absences& absences, std::string_view language) const = 0;
};

}  // namespace vitrine::serve
