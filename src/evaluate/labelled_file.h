/// Held-out labelled rows as a file, free of the snapshot or table they came from: what
/// `vitrine-trainer split` writes under a labelled protocol and `vitrine eval run` reads.
/// First line   {"format":1,"kind":"labelled","protocol":..,"snapshot":..,"ordinal_time":..,
///               "parts":{"validation":n,"test":n},"slices":[..]}
/// Each further is a user, or a row without one:
///   {"user":{"id":..,"attributes":{..}},"history":[[id,ts,"view",basket],..],"rows":[row,..]}
///   row = {"at":place in the protocol's order,"part":"test","known":history events before it,
///          "item":id,"ts":..,"label":0|1,"slices":[names],"context":{..}}
/// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "core/status.h"
#include "evaluate/labelled_set.h"

namespace vitrine::evaluate {

/// Writes the validation and test rows, with the histories that they need, beside `path` and renames.
/// Errors: kUnavailable (cannot write: names the path), kResourceExhausted (disk full).
Status WriteLabelledRows(const LabelledSet& set, const std::string& path);

/// True where the file begins as one of these does; false for any other, and where there is none.
bool IsLabelledFile(const std::string& path);

/// Errors: kNotFound, kInvalidArgument (names the line), kFailedPrecondition (newer format),
///         kDataLoss (fewer rows than the header says).
Result<LabelledSet> ReadLabelledRows(const std::string& path);

/// The same from text; `name` stands in messages.
Result<LabelledSet> ParseLabelledRows(std::string_view text, const std::string& name);

}  // namespace vitrine::evaluate
