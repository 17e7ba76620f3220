/// The newest answers of the log, as a window on what a version's answers rest on now. Read behind serving: a request pays
/// nothing for it.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/impression.h"
#include "core/status.h"
#include "data/event_log.h"
#include "explain/global_attributions.h"
#include "serve/served_model.h"

namespace vitrine::explain {

struct LiveWindowOptions {
  std::size_t records = 20'000;  ///< of the log's end that are looked through
  std::size_t answers = 100;     ///< of a version at most: the newest
};

/// Answers of our own versions that had a history, by version ("name:number"), oldest first.
/// Errors: those of EventLog::Read.
Result<std::map<std::string, std::vector<Impression>>> NewestAnswers(
    const data::EventLog& log, const LiveWindowOptions& options = {});

/// Attributes the best items of a retriever for the histories that these answers were made from.
/// `between`: called after each answer; false ends it there, with what there is.
/// Errors: those of GlobalAttributions::Add.
Result<GlobalReport> ExplainLive(const serve::ServedModel& model,
                                 std::span<const Impression> answers, Micros made,
                                 const std::function<bool()>& between = {});

}  // namespace vitrine::explain
