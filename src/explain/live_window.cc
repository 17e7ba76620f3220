#include "explain/live_window.h"

#include <algorithm>
#include <utility>

#include "serve/graph_scorer.h"

namespace vitrine::explain {
namespace {

constexpr std::size_t kPage = 1000;

}  // namespace

Result<std::map<std::string, std::vector<Impression>>> NewestAnswers(
    const data::EventLog& log, const LiveWindowOptions& options) {
  std::map<std::string, std::vector<Impression>> newest;
  const std::uint64_t last = log.LastSequence();
  std::uint64_t after = last > options.records ? last - options.records : 0;
  while (after < last) {
    ASSIGN_OR_RETURN(std::vector<data::LogRecord> records, log.Read(after, kPage));
    if (records.empty()) {
      break;
    }
    after = records.back().sequence;
    for (data::LogRecord& record : records) {
      auto* impression = std::get_if<Impression>(&record.body);
      if (impression == nullptr || impression->model.empty() || impression->history.empty()) {
        continue;
      }
      std::vector<Impression>& kept = newest[impression->model];
      kept.push_back(std::move(*impression));
      // Cut by halves, so that a long stretch of one version is not moved at every record.
      if (kept.size() >= 2 * options.answers) {
        kept.erase(kept.begin(), kept.end() - static_cast<std::ptrdiff_t>(options.answers));
      }
    }
  }
  for (auto& [version, kept] : newest) {
    if (kept.size() > options.answers) {
      kept.erase(kept.begin(), kept.end() - static_cast<std::ptrdiff_t>(options.answers));
    }
  }
  return newest;
}

Result<GlobalReport> ExplainLive(const serve::ServedModel& model,
                                 std::span<const Impression> answers, Micros made,
                                 const std::function<bool()>& between) {
  GlobalAttributions attributions;
  for (const Impression& answer : answers) {
    History history;
    for (const SeenEvent& event : answer.history) {
      history.push_back({.item = model.vocabulary().Find(event.item_id),
                         .ts = event.ts,
                         .type = event.type,
                         .basket = event.basket});
    }
    const serve::GraphScorer scorer(model.graph(), model.spec(), model.space().width(),
                                    {.as_of = answer.ts});
    RETURN_IF_ERROR(attributions.Add(scorer, history));
    if (between && !between()) {
      break;
    }
  }
  return attributions.Report(model.version(), "live", made, model.vocabulary());
}

}  // namespace vitrine::explain
