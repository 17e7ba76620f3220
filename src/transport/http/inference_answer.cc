#include <cstring>

#include "core/float16.h"
#include "transport/http/inference_body.h"
#include "transport/http/json_writer.h"
#include "transport/inference/tensors.h"
#include "transport/inference/types.h"

namespace vitrine::http {
namespace {

template <typename T>
void Whole(const Tensor& tensor, JsonWriter& json) {
  for (const T value : tensor.values<T>()) {
    if constexpr (std::is_signed_v<T>) {
      json.Int(value);
    } else {
      json.Uint(value);
    }
  }
}

void WriteValues(const Tensor& tensor, JsonWriter& json) {
  switch (tensor.dtype()) {
    case DType::kBool:
      for (const bool value : tensor.values<bool>()) {
        json.Bool(value);
      }
      return;
    case DType::kInt8:
      return Whole<std::int8_t>(tensor, json);
    case DType::kInt16:
      return Whole<std::int16_t>(tensor, json);
    case DType::kInt32:
      return Whole<std::int32_t>(tensor, json);
    case DType::kInt64:
      return Whole<std::int64_t>(tensor, json);
    case DType::kUint8:
      return Whole<std::uint8_t>(tensor, json);
    case DType::kUint16:
      return Whole<std::uint16_t>(tensor, json);
    case DType::kUint32:
      return Whole<std::uint32_t>(tensor, json);
    case DType::kUint64:
      return Whole<std::uint64_t>(tensor, json);
    case DType::kFloat16:
      for (std::size_t at = 0; at < tensor.bytes().size(); at += sizeof(std::uint16_t)) {
        std::uint16_t half = 0;
        std::memcpy(&half, tensor.bytes().data() + at, sizeof(half));
        json.Double(FloatOfHalf(half));
      }
      return;
    case DType::kFloat32:
      for (const float value : tensor.values<float>()) {
        json.Float(value);
      }
      return;
    case DType::kFloat64:
      for (const double value : tensor.values<double>()) {
        json.Double(value);
      }
      return;
    case DType::kString:
      for (const std::string_view value : StringsOf(tensor)) {
        json.String(value);
      }
      return;
  }
}

/// An output of the model, and whether it goes as raw bytes.
struct Chosen {
  const Tensor* tensor = nullptr;
  bool raw = false;
};

Result<std::vector<Chosen>> Choose(const InferenceBody& request,
                                   const std::vector<Tensor>& outputs) {
  std::vector<Chosen> chosen;
  for (const WantedOutput& wanted : request.outputs) {
    ASSIGN_OR_RETURN(const Tensor* const found, inference::OutputOf(outputs, wanted.name));
    chosen.push_back({found, wanted.binary.value_or(request.binary_outputs)});
  }
  if (request.outputs.empty()) {
    for (const Tensor& tensor : outputs) {
      chosen.push_back({&tensor, request.binary_outputs});
    }
  }
  return chosen;
}

}  // namespace

Result<std::size_t> WriteInference(std::string_view model, std::string_view version,
                                   const InferenceBody& request, const std::vector<Tensor>& outputs,
                                   std::string& out) {
  ASSIGN_OR_RETURN(const std::vector<Chosen> chosen, Choose(request, outputs));
  const std::size_t begin = out.size();
  JsonWriter json(out);
  json.BeginObject().Field("model_name", model).Field("model_version", version);
  json.FieldIfAny("id", request.id).Key("outputs").BeginArray();
  bool raw = false;
  for (const Chosen& output : chosen) {
    const Tensor& tensor = *output.tensor;
    json.BeginObject().Field("name", tensor.name());
    json.Field("datatype", inference::ProtocolTypeName(tensor.dtype())).Key("shape").BeginArray();
    for (const std::int64_t size : tensor.shape()) {
      json.Int(size);
    }
    json.EndArray();
    if (output.raw) {
      raw = true;
      json.Key("parameters").BeginObject();
      json.Field("binary_data_size", std::uint64_t{tensor.bytes().size()}).EndObject();
    } else {
      json.Key("data").BeginArray();
      WriteValues(tensor, json);
      json.EndArray();
    }
    json.EndObject();
  }
  json.EndArray().EndObject();
  const std::size_t json_bytes = out.size() - begin;
  for (const Chosen& output : chosen) {
    if (output.raw) {
      const std::span<const std::byte> bytes = output.tensor->bytes();
      out.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
  }
  return raw ? json_bytes : std::size_t{0};
}

}  // namespace vitrine::http
