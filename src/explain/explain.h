/// Why an item is in an answer: while the answer is made, and by its request id afterwards.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/impression.h"
#include "core/status.h"
#include "data/event_log.h"
#include "explain/attribution.h"
#include "serve/explainer.h"
#include "serve/model_set.h"
#include "serve/recommend.h"

namespace vitrine::explain {

/// Splits each score into the places of the history, attributes of user and request, what the model gives without any of
/// them, rules and bid. Events of one kind with one item are one reason. Parts that are exactly 0 are left out.
/// Cost: (places + 2) runs of the model for an additive one, some hundreds for a network.
/// Threads: any.
class ScoreExplainer final : public serve::Explainer {
 public:
  /// The log gives the titles that reasons name.
  explicit ScoreExplainer(const data::EventLog& log, AttributionOptions options = {});

  Result<serve::Explained> Explain(const serve::ExplainInput& input,
                                   std::span<const serve::ExplainItem> parts,
                                   std::span<serve::RecommendedItem> items) const override;
  void Word(serve::Absences& absences, std::string_view language) const override;

 private:
  Result<serve::Explained> ExplainByModel(const serve::ExplainInput& input,
                                          std::span<const serve::ExplainItem> parts,
                                          std::span<serve::RecommendedItem> items) const;
  void Word(const serve::ExplainInput& input, std::span<serve::RecommendedItem> items) const;
  [[nodiscard]] std::string TitleOf(const std::string& item_id) const;

  const data::EventLog& log_;
  AttributionOptions options_;
};

/// A kept answer with the reasons of its items.
struct Explanation {
  Impression impression;
  std::vector<serve::RecommendedItem> items;  ///< as shown, in order, reasons filled
  /// False where the version scores the same history otherwise than it did; the reasons then add up
  /// to what it says now.
  bool same = true;
  serve::Explained explained;
};

/// Explains an answer that was given before.
/// Errors: kNotFound (no such answer, or its retention has passed), kFailedPrecondition (its version
///         is not loaded; another system gave it), kInvalidArgument (language), kInternal.
Result<Explanation> ExplainAnswer(const serve::Recommender& recommender,
                                  const serve::ModelSet& models, const ScoreExplainer& explainer,
                                  std::string_view request_id, std::string_view language);

}  // namespace vitrine::explain
