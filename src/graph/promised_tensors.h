/// What a file beside a model says of its tensors, held against the model.
#pragma once

#include <string_view>
#include <vector>

#include "core/artifact.h"
#include "core/status.h"

namespace vitrine::graph {

/// Every tensor that `by` ("the manifest") names must be among the model's: of that type, as many axes, and
/// the same size wherever both fix one. `what`: "input" or "output".
/// Errors: kInvalidArgument (names the tensor and both sides).
Status CheckPromised(const std::vector<TensorSpec>& promised, const std::vector<TensorSpec>& real,
                     std::string_view what, std::string_view by);

}  // namespace vitrine::graph
