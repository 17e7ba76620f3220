#include "transport/http/inference_body.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "transport/http/inference_values.h"
#include "transport/inference/protocol.h"
#include "transport/inference/tensors.h"
#include "transport/inference/types.h"

namespace vitrine::http {
namespace {

namespace ondemand = simdjson::ondemand;

using inference::kLongestTimeout;
using inference::kMaxRank;
using inference::kMaxTensors;

Status BadField(std::string_view field, std::string_view wanted) {
  return InvalidArgument(fmt::format("'{}' must be {}", field, wanted));
}

#define TAKE_OR_RETURN(expression, target, field, wanted) \
  if ((expression).get(target) != simdjson::SUCCESS) {    \
    return BadField(field, wanted);                       \
  }

Status NotJson() { return InvalidArgument("the request is not valid JSON"); }

/// Calls f(name, value) for each member until one returns an error.
template <typename F>
Status ForEachMember(ondemand::object object, F&& f) {
  for (auto field : object) {
    std::string_view name;
    ondemand::value value;
    if (field.unescaped_key().get(name) != simdjson::SUCCESS ||
        field.value().get(value) != simdjson::SUCCESS) {
      return NotJson();
    }
    RETURN_IF_ERROR(f(name, value));
  }
  return Status::Ok();
}

class BodyReader {
 public:
  BodyReader(std::string_view json, std::string_view raw, InferenceBody& out)
      : json_(json), raw_(raw), out_(out) {}

  Status Read(ondemand::object body) {
    bool inputs = false;
    const Status members =
        ForEachMember(body, [&](std::string_view name, ondemand::value value) -> Status {
          if (name == "id") {
            std::string_view id;
            TAKE_OR_RETURN(value.get_string(), id, "id", "a text");
            out_.id = id;
          } else if (name == "parameters") {
            RETURN_IF_ERROR(Parameters(value));
          } else if (name == "inputs") {
            RETURN_IF_ERROR(Inputs(value));
            inputs = true;
          } else if (name == "outputs") {
            RETURN_IF_ERROR(Outputs(value));
          }
          return Status::Ok();
        });
    RETURN_IF_ERROR(members);
    if (!inputs) {
      return InvalidArgument("the request has no 'inputs'");
    }
    if (!raw_.empty()) {
      return InvalidArgument(
          fmt::format("{} bytes follow the raw tensors that the inputs name", raw_.size()));
    }
    return Status::Ok();
  }

 private:
  Status Parameters(ondemand::value value) {
    ondemand::object parameters;
    TAKE_OR_RETURN(value.get_object(), parameters, "parameters", "an object");
    return ForEachMember(parameters, [&](std::string_view name, ondemand::value given) -> Status {
      if (name == "binary_data_output") {
        TAKE_OR_RETURN(given.get_bool(), out_.binary_outputs, "parameters.binary_data_output",
                       "true or false");
      } else if (name == "priority") {
        TAKE_OR_RETURN(given.get_uint64(), out_.priority, "parameters.priority", "a whole number");
      } else if (name == "timeout") {
        std::uint64_t timeout = 0;
        TAKE_OR_RETURN(given.get_uint64(), timeout, "parameters.timeout",
                       "a whole number of microseconds");
        out_.timeout = std::chrono::microseconds(std::min<std::uint64_t>(timeout, kLongestTimeout));
      } else if (name == "sequence_id" || name == "sequence_start" || name == "sequence_end") {
        // Clients send the neutral values of these with every request.
        bool flag = false;
        std::uint64_t number = 0;
        if ((given.get_bool().get(flag) == simdjson::SUCCESS && flag) ||
            (given.get_uint64().get(number) == simdjson::SUCCESS && number != 0)) {
          return inference::NoSequences();
        }
      }
      return Status::Ok();
    });
  }

  Status Inputs(ondemand::value value) {
    ondemand::array inputs;
    TAKE_OR_RETURN(value.get_array(), inputs, "inputs", "a list");
    for (auto element : inputs) {
      ondemand::object input;
      TAKE_OR_RETURN(element.get_object(), input, "inputs", "a list of objects");
      if (out_.inputs.size() == kMaxTensors) {
        return InvalidArgument(fmt::format("more than {} inputs", kMaxTensors));
      }
      RETURN_IF_ERROR(Input(input));
    }
    return Status::Ok();
  }

  /// What an input says of itself, before its values.
  struct Head {
    std::string name;
    std::optional<DType> type;
    std::optional<Shape> shape;
    std::optional<std::uint64_t> raw_bytes;
    bool read = false;  ///< its values were taken
  };

  Status Input(ondemand::object input) {
    Head head;
    RETURN_IF_ERROR(Members(input, head, /*values=*/false));
    if (!head.type || !head.shape) {
      return InvalidArgument(fmt::format("the input '{}' needs 'datatype' and 'shape'", head.name));
    }
    if (head.read) {
      return Status::Ok();
    }
    if (head.raw_bytes) {
      return Raw(head.name, *head.type, *head.shape, *head.raw_bytes);
    }
    // Its values stood before its type or shape: once more, now knowing them.
    if (input.reset().error() != simdjson::SUCCESS) {
      return NotJson();
    }
    RETURN_IF_ERROR(Members(input, head, /*values=*/true));
    return head.read ? Status::Ok()
                     : InvalidArgument(fmt::format("the input '{}' has no 'data'", head.name));
  }

  /// Reads the members; `data` as soon as type and shape are known. With `values` only `data`.
  Status Members(ondemand::object input, Head& head, bool values) {
    return ForEachMember(input, [&](std::string_view name, ondemand::value value) -> Status {
      if (name == "data") {
        if (head.type && head.shape && !head.raw_bytes && !head.read) {
          RETURN_IF_ERROR(Values(value, head.name, *head.type, *head.shape));
          head.read = true;
        }
      } else if (values) {
        return Status::Ok();
      } else if (name == "name") {
        std::string_view text;
        TAKE_OR_RETURN(value.get_string(), text, "inputs.name", "a text");
        head.name = text;
      } else if (name == "datatype") {
        std::string_view text;
        TAKE_OR_RETURN(value.get_string(), text, "inputs.datatype", "a text");
        head.type = inference::ProtocolType(text);
        if (!head.type) {
          return InvalidArgument(
              fmt::format("the input '{}' has the unknown datatype '{}'", head.name, text));
        }
      } else if (name == "shape") {
        RETURN_IF_ERROR(ReadShape(value, head));
      } else if (name == "parameters") {
        RETURN_IF_ERROR(InputParameters(value, head));
      }
      return Status::Ok();
    });
  }

  Status ReadShape(ondemand::value value, Head& head) {
    ondemand::array sizes;
    TAKE_OR_RETURN(value.get_array(), sizes, "inputs.shape", "a list of whole numbers");
    Shape shape;
    for (auto element : sizes) {
      std::int64_t size = 0;
      TAKE_OR_RETURN(element.get_int64(), size, "inputs.shape", "a list of whole numbers");
      if (shape.size() == kMaxRank) {
        return InvalidArgument(fmt::format("'{}' has more than {} axes", head.name, kMaxRank));
      }
      shape.push_back(size);
    }
    head.shape = std::move(shape);
    return Status::Ok();
  }

  static Status InputParameters(ondemand::value value, Head& head) {
    ondemand::object parameters;
    TAKE_OR_RETURN(value.get_object(), parameters, "inputs.parameters", "an object");
    return ForEachMember(parameters, [&](std::string_view name, ondemand::value given) -> Status {
      if (name == "binary_data_size") {
        std::uint64_t bytes = 0;
        TAKE_OR_RETURN(given.get_uint64(), bytes, "inputs.parameters.binary_data_size",
                       "a whole number");
        head.raw_bytes = bytes;
      } else if (name.starts_with("shared_memory")) {
        return inference::NoSharedInputs();
      }
      return Status::Ok();
    });
  }

  Status Values(ondemand::value value, const std::string& name, DType type, const Shape& shape) {
    ondemand::array values;
    TAKE_OR_RETURN(value.get_array(), values, "inputs.data", "a list");
    Tensor tensor;
    RETURN_IF_ERROR(inference::PrepareInput(name, type, shape, json_.size(), tensor));
    RETURN_IF_ERROR(ReadJsonValues(values, tensor));
    out_.inputs.push_back(std::move(tensor));
    return Status::Ok();
  }

  Status Raw(const std::string& name, DType type, const Shape& shape, std::uint64_t size) {
    if (size > raw_.size()) {
      return InvalidArgument(fmt::format(
          "the input '{}' wants {} raw bytes, the request has {} left", name, size, raw_.size()));
    }
    const std::string_view bytes = raw_.substr(0, size);
    raw_.remove_prefix(size);
    Tensor tensor;
    RETURN_IF_ERROR(inference::PrepareInput(name, type, shape, bytes.size(), tensor));
    RETURN_IF_ERROR(inference::ReadRawValues(bytes, tensor));
    out_.inputs.push_back(std::move(tensor));
    return Status::Ok();
  }

  Status Outputs(ondemand::value value) {
    ondemand::array outputs;
    TAKE_OR_RETURN(value.get_array(), outputs, "outputs", "a list");
    for (auto element : outputs) {
      ondemand::object output;
      TAKE_OR_RETURN(element.get_object(), output, "outputs", "a list of objects");
      if (out_.outputs.size() == kMaxTensors) {
        return InvalidArgument(fmt::format("more than {} outputs", kMaxTensors));
      }
      WantedOutput wanted;
      const Status members =
          ForEachMember(output, [&](std::string_view name, ondemand::value given) -> Status {
            if (name == "name") {
              std::string_view text;
              TAKE_OR_RETURN(given.get_string(), text, "outputs.name", "a text");
              wanted.name = text;
            } else if (name == "parameters") {
              RETURN_IF_ERROR(OutputParameters(given, wanted));
            }
            return Status::Ok();
          });
      RETURN_IF_ERROR(members);
      out_.outputs.push_back(std::move(wanted));
    }
    return Status::Ok();
  }

  static Status OutputParameters(ondemand::value value, WantedOutput& wanted) {
    ondemand::object parameters;
    TAKE_OR_RETURN(value.get_object(), parameters, "outputs.parameters", "an object");
    return ForEachMember(parameters, [&](std::string_view name, ondemand::value given) -> Status {
      if (name == "binary_data") {
        bool binary = false;
        TAKE_OR_RETURN(given.get_bool(), binary, "outputs.parameters.binary_data", "true or false");
        wanted.binary = binary;
      } else if (name == "classification") {
        std::uint64_t classes = 0;
        TAKE_OR_RETURN(given.get_uint64(), classes, "outputs.parameters.classification",
                       "a whole number");
        if (classes > 0) {
          return inference::NoClassification();
        }
      } else if (name.starts_with("shared_memory")) {
        return inference::NoSharedOutputs();
      }
      return Status::Ok();
    });
  }

  std::string_view json_;
  std::string_view raw_;
  InferenceBody& out_;
};

#undef TAKE_OR_RETURN

}  // namespace

Status ReadInference(std::string_view body, std::size_t json_bytes, std::size_t readable,
                     InferenceBody& out) {
  if (json_bytes > body.size()) {
    return InvalidArgument(fmt::format(
        "Inference-Header-Content-Length is {}, the body has {} bytes", json_bytes, body.size()));
  }
  thread_local ondemand::parser parser;
  ondemand::document document;
  ondemand::object object;
  if (const auto error = parser.iterate(body.data(), json_bytes, readable).get(document);
      error != simdjson::SUCCESS) {
    return InvalidArgument(
        fmt::format("the request is not valid JSON: {}", simdjson::error_message(error)));
  }
  if (document.get_object().get(object) != simdjson::SUCCESS) {
    return InvalidArgument("the request is not a JSON object");
  }
  RETURN_IF_ERROR(
      BodyReader(body.substr(0, json_bytes), body.substr(json_bytes), out).Read(object));
  return document.current_location().error() == simdjson::OUT_OF_BOUNDS
             ? Status::Ok()
             : InvalidArgument("the request goes on behind its JSON object");
}

Status ReadRawInference(std::string_view body, const std::vector<TensorSpec>& inputs,
                        InferenceBody& out) {
  if (inputs.size() != 1 || inputs.front().dtype == DType::kString) {
    return InvalidArgument(
        "a body without JSON is only for models with one input, and not of strings");
  }
  const TensorSpec& input = inputs.front();
  Shape shape = input.shape;
  const std::uint64_t values = body.size() / SizeOf(input.dtype);
  std::uint64_t fixed = 1;
  std::size_t last_free = shape.size();
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] >= 0) {
      fixed *= static_cast<std::uint64_t>(shape[axis]);
    } else {
      last_free = axis;
      shape[axis] = 1;
    }
  }
  if (last_free < shape.size() && fixed > 0) {
    shape[last_free] = static_cast<std::int64_t>(values / fixed);
  }
  if (inference::CountOf(shape).value_or(std::numeric_limits<std::uint64_t>::max()) != values) {
    return InvalidArgument(fmt::format("{} bytes do not fit the input '{}' of shape [{}]",
                                       body.size(), input.name, fmt::join(input.shape, ", ")));
  }
  Tensor tensor(input.name, input.dtype, shape);
  RETURN_IF_ERROR(inference::ReadRawValues(body, tensor));
  out.inputs.push_back(std::move(tensor));
  return Status::Ok();
}

}  // namespace vitrine::http
