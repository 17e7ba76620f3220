/// The values of one tensor of an inference request, from JSON or from raw bytes. Internal; the
/// functions that take simdjson's values are for inference_body.cc.
#pragma once

#include <simdjson.h>

#include <string_view>

#include "core/status.h"
#include "core/tensor.h"

namespace vitrine::http {

/// Values as JSON: nested lists or one flat list, row-major.
/// Errors: kInvalidArgument (names the tensor: too few, too many, of the wrong type, out of range).
Status ReadJsonValues(simdjson::ondemand::array values, Tensor& tensor);

/// Values as little-endian bytes; strings as a uint32 length and the bytes each.
/// Errors: kInvalidArgument (names the tensor and both sizes).
Status ReadRawValues(std::string_view bytes, Tensor& tensor);

}  // namespace vitrine::http
