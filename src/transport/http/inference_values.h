/// The values of one tensor of an inference request, from JSON. Internal; for inference_body.cc.
#pragma once

#include <simdjson.h>

#include <string_view>

#include "core/status.h"
#include "core/tensor.h"

namespace vitrine::http {

/// Values as JSON: nested lists or one flat list, row-major.
/// Errors: kInvalidArgument (names the tensor: too few, too many, of the wrong type, out of range).
Status ReadJsonValues(simdjson::ondemand::array values, Tensor& tensor);

}  // namespace vitrine::http
