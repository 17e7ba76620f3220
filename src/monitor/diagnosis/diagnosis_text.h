/// The dictionary of a diagnosis: stable names for programs, English and Chinese for people.
/// Threads: pure functions; all texts live as long as the program.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "monitor/alerts/notification_text.h"
#include "monitor/diagnosis/cause.h"

namespace vitrine::monitor {

/// "slower_after_deploy", ..., "all".
std::string_view QuestionName(Question question);
/// Nothing where there is none of that name.
std::optional<Question> ParseQuestion(std::string_view name);
std::string_view QuestionText(Question question, Language language);

/// "larger_model".
std::string_view CauseName(CauseCode code);
/// One sentence.
std::string_view CauseSentence(CauseCode code, Language language);

/// "graph_time".
std::string_view LookName(Look look);
std::string_view LookText(Look look, Language language);
/// "Could not look at the time of the graph".
std::string NotLookedAtText(Look look, Language language);

/// "graph_seconds".
std::string_view QuantityName(Quantity quantity);
/// "s", "share", "bytes", "rows", "1/s"; empty: a plain number or a text.
std::string_view QuantityUnit(Quantity quantity);
std::string_view QuantityText(Quantity quantity, Language language);

/// A command line of ours; empty where no command does it.
std::string_view StepCommand(Step step);
std::string_view StepText(Step step, Language language);

/// Whether each text stands at the place of its code; for tests.
bool CauseTextsInOrder();
bool LookTextsInOrder();
bool QuantityTextsInOrder();
bool StepTextsInOrder();

}  // namespace vitrine::monitor
