#include "transport/grpc/tensors.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "transport/inference/protocol.h"
#include "transport/inference/tensors.h"
#include "transport/inference/types.h"

namespace vitrine::rpc {
namespace {

using ::inference::InferParameter;
using ::inference::InferTensorContents;
using ::inference::ModelInferRequest;
using ::inference::ModelInferResponse;
using inference::WrongInput;
using Parameters = std::decay_t<decltype(ModelInferRequest().parameters())>;
using InputTensor = ModelInferRequest::InferInputTensor;

/// False for the neutral values that clients send with every request.
bool IsSet(const InferParameter& parameter) {
  switch (parameter.parameter_choice_case()) {
    case InferParameter::kBoolParam:
      return parameter.bool_param();
    case InferParameter::kInt64Param:
      return parameter.int64_param() != 0;
    case InferParameter::kUint64Param:
      return parameter.uint64_param() != 0;
    case InferParameter::kDoubleParam:
      return parameter.double_param() != 0;
    case InferParameter::kStringParam:
      return !parameter.string_param().empty();
    case InferParameter::PARAMETER_CHOICE_NOT_SET:
      break;
  }
  return false;
}

Status CheckRequest(const Parameters& parameters) {
  for (const char* name : {"sequence_id", "sequence_start", "sequence_end"}) {
    const auto found = parameters.find(name);
    if (found != parameters.end() && IsSet(found->second)) {
      return inference::NoSequences();
    }
  }
  return Status::Ok();
}

/// 0 where it is not given. Clients send it signed or not.
Result<std::uint64_t> WholeNumber(const Parameters& parameters, const char* name) {
  const auto found = parameters.find(name);
  if (found == parameters.end()) {
    return std::uint64_t{0};
  }
  const auto& value = found->second;
  if (value.has_uint64_param()) {
    return value.uint64_param();
  }
  if (value.has_int64_param() && value.int64_param() >= 0) {
    return static_cast<std::uint64_t>(value.int64_param());
  }
  return InvalidArgument(fmt::format("'parameters.{}' must be a whole number", name));
}

Status CheckOutput(const Parameters& parameters) {
  for (const auto& [name, value] : parameters) {
    if (name.starts_with("shared_memory")) {
      return inference::NoSharedOutputs();
    }
    if (name == "classification" && IsSet(value)) {
      return inference::NoClassification();
    }
  }
  return Status::Ok();
}

Status CheckInput(const InputTensor& input) {
  for (const auto& [name, value] : input.parameters()) {
    if (name.starts_with("shared_memory")) {
      return inference::NoSharedInputs();
    }
  }
  if (static_cast<std::size_t>(input.shape_size()) > inference::kMaxRank) {
    return InvalidArgument(
        fmt::format("'{}' has more than {} axes", input.name(), inference::kMaxRank));
  }
  return Status::Ok();
}

std::span<const std::int64_t> ShapeOf(const InputTensor& input) {
  return {input.shape().data(), static_cast<std::size_t>(input.shape_size())};
}

/// What contents there are of an input's type, and where.
struct Given {
  std::string_view field;
  int count = 0;
};

Given GivenOf(DType type, const InferTensorContents& contents) {
  switch (type) {
    case DType::kBool:
      return {"bool_contents", contents.bool_contents_size()};
    case DType::kInt8:
    case DType::kInt16:
    case DType::kInt32:
      return {"int_contents", contents.int_contents_size()};
    case DType::kInt64:
      return {"int64_contents", contents.int64_contents_size()};
    case DType::kUint8:
    case DType::kUint16:
    case DType::kUint32:
      return {"uint_contents", contents.uint_contents_size()};
    case DType::kUint64:
      return {"uint64_contents", contents.uint64_contents_size()};
    case DType::kFloat32:
      return {"fp32_contents", contents.fp32_contents_size()};
    case DType::kFloat64:
      return {"fp64_contents", contents.fp64_contents_size()};
    case DType::kString:
      return {"bytes_contents", contents.bytes_contents_size()};
    case DType::kFloat16:
      break;
  }
  return {};
}

template <typename T, typename Field>
Status Fill(const Field& field, Tensor& tensor) {
  const std::span<T> to = tensor.values<T>();
  for (std::size_t i = 0; i < to.size(); ++i) {
    const auto value = field[static_cast<int>(i)];
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      if (!std::in_range<T>(value)) {
        return WrongInput(tensor,
                          fmt::format("has the value {}, which its type does not hold", value));
      }
    }
    to[i] = static_cast<T>(value);
  }
  return Status::Ok();
}

Status FillStrings(const InferTensorContents& contents, Tensor& tensor) {
  std::vector<std::string_view> elements(contents.bytes_contents().begin(),
                                         contents.bytes_contents().end());
  const Shape shape = tensor.shape();
  tensor.SetStrings(shape, elements);
  return Status::Ok();
}

Status FillTyped(const InferTensorContents& contents, Tensor& tensor) {
  switch (tensor.dtype()) {
    case DType::kBool:
      return Fill<bool>(contents.bool_contents(), tensor);
    case DType::kInt8:
      return Fill<std::int8_t>(contents.int_contents(), tensor);
    case DType::kInt16:
      return Fill<std::int16_t>(contents.int_contents(), tensor);
    case DType::kInt32:
      return Fill<std::int32_t>(contents.int_contents(), tensor);
    case DType::kInt64:
      return Fill<std::int64_t>(contents.int64_contents(), tensor);
    case DType::kUint8:
      return Fill<std::uint8_t>(contents.uint_contents(), tensor);
    case DType::kUint16:
      return Fill<std::uint16_t>(contents.uint_contents(), tensor);
    case DType::kUint32:
      return Fill<std::uint32_t>(contents.uint_contents(), tensor);
    case DType::kUint64:
      return Fill<std::uint64_t>(contents.uint64_contents(), tensor);
    case DType::kFloat32:
      return Fill<float>(contents.fp32_contents(), tensor);
    case DType::kFloat64:
      return Fill<double>(contents.fp64_contents(), tensor);
    case DType::kString:
      return FillStrings(contents, tensor);
    case DType::kFloat16:
      break;
  }
  return WrongInput(tensor, "is FP16, which comes in raw_input_contents only");
}

Status ReadTyped(const InputTensor& input, DType type, Tensor& tensor) {
  const Given given = GivenOf(type, input.contents());
  const auto count = static_cast<std::uint64_t>(given.count);
  if (type == DType::kFloat16) {
    RETURN_IF_ERROR(inference::PrepareInput(input.name(), type, {}, 1, tensor));
    return FillTyped(input.contents(), tensor);
  }
  RETURN_IF_ERROR(inference::PrepareInput(input.name(), type, ShapeOf(input), count, tensor));
  if (count != static_cast<std::uint64_t>(tensor.size())) {
    return WrongInput(tensor, fmt::format("has {} values in {}, its shape wants {}", count,
                                          given.field, tensor.size()));
  }
  return FillTyped(input.contents(), tensor);
}

Status ReadInput(const ModelInferRequest& request, int index, Tensor& tensor) {
  const InputTensor& input = request.inputs(index);
  RETURN_IF_ERROR(CheckInput(input));
  const std::optional<DType> type = inference::ProtocolType(input.datatype());
  if (!type) {
    return InvalidArgument(fmt::format("the input '{}' has the unknown datatype '{}'", input.name(),
                                       input.datatype()));
  }
  if (request.raw_input_contents().empty()) {
    return ReadTyped(input, *type, tensor);
  }
  if (input.has_contents()) {
    return InvalidArgument(fmt::format(
        "the input '{}' has contents, and the request raw_input_contents: send one of them",
        input.name()));
  }
  const std::string& bytes = request.raw_input_contents(index);
  RETURN_IF_ERROR(
      inference::PrepareInput(input.name(), *type, ShapeOf(input), bytes.size(), tensor));
  return inference::ReadRawValues(bytes, tensor);
}

void WriteOutput(const Tensor& tensor, ModelInferResponse& answer) {
  ModelInferResponse::InferOutputTensor& output = *answer.add_outputs();
  output.set_name(tensor.name());
  const std::string_view type = inference::ProtocolTypeName(tensor.dtype());
  output.set_datatype(type.data(), type.size());
  output.mutable_shape()->Assign(tensor.shape().begin(), tensor.shape().end());
  const std::span<const std::byte> bytes = tensor.bytes();
  answer.add_raw_output_contents(bytes.data(), bytes.size());
}

}  // namespace

Status ReadInputs(const ModelInferRequest& request, std::vector<Tensor>& inputs) {
  RETURN_IF_ERROR(CheckRequest(request.parameters()));
  const auto most = static_cast<int>(inference::kMaxTensors);
  if (request.inputs_size() > most || request.outputs_size() > most) {
    return InvalidArgument(
        fmt::format("more than {} {}", most, request.inputs_size() > most ? "inputs" : "outputs"));
  }
  for (const auto& output : request.outputs()) {
    RETURN_IF_ERROR(CheckOutput(output.parameters()));
  }
  const int raw = request.raw_input_contents_size();
  if (raw != 0 && raw != request.inputs_size()) {
    return InvalidArgument(fmt::format("the request has {} raw_input_contents for {} inputs", raw,
                                       request.inputs_size()));
  }
  inputs.resize(static_cast<std::size_t>(request.inputs_size()));
  for (int i = 0; i < request.inputs_size(); ++i) {
    RETURN_IF_ERROR(ReadInput(request, i, inputs[static_cast<std::size_t>(i)]));
  }
  return Status::Ok();
}

Result<QueueWishes> ReadWishes(const ModelInferRequest& request) {
  QueueWishes wishes;
  ASSIGN_OR_RETURN(const std::uint64_t priority, WholeNumber(request.parameters(), "priority"));
  ASSIGN_OR_RETURN(const std::uint64_t timeout, WholeNumber(request.parameters(), "timeout"));
  wishes.priority = inference::PriorityOf(priority);
  wishes.timeout = std::chrono::microseconds(std::min(timeout, inference::kLongestTimeout));
  return wishes;
}

Status WriteAnswer(const ModelInferRequest& request, std::string_view model,
                   std::string_view version, const std::vector<Tensor>& outputs,
                   ModelInferResponse& answer) {
  answer.Clear();
  answer.set_model_name(model.data(), model.size());
  answer.set_model_version(version.data(), version.size());
  answer.set_id(request.id());
  for (const auto& wanted : request.outputs()) {
    ASSIGN_OR_RETURN(const Tensor* const tensor, inference::OutputOf(outputs, wanted.name()));
    WriteOutput(*tensor, answer);
  }
  if (request.outputs().empty()) {
    for (const Tensor& tensor : outputs) {
      WriteOutput(tensor, answer);
    }
  }
  return Status::Ok();
}

}  // namespace vitrine::rpc
