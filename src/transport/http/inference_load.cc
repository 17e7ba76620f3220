#include "transport/http/inference_load.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>

#include "core/float16.h"
#include "simulate/shop.h"
#include "transport/http/inference_body.h"
#include "transport/http/json_writer.h"
#include "transport/inference/types.h"

namespace vitrine::http {
namespace {

using nlohmann::json;

constexpr std::int64_t kMostElements = 1 << 24;

struct Input {
  std::string name;
  DType dtype = DType::kFloat32;
  Shape shape;
};

Status NotTheProtocol(std::string_view what) {
  return DataLoss(fmt::format("the server's {} is not what the inference protocol says", what));
}

Status CheckShape(const std::string& name, const Shape& wanted, const Shape& promised) {
  bool fits = wanted.size() == promised.size();
  std::int64_t elements = 1;
  for (std::size_t axis = 0; fits && axis < wanted.size(); ++axis) {
    fits = wanted[axis] > 0 && (promised[axis] < 0 || promised[axis] == wanted[axis]);
    elements *= fits && elements <= kMostElements ? wanted[axis] : 1;
  }
  if (!fits || elements > kMostElements) {
    return InvalidArgument(
        fmt::format("the shape [{}] does not fit the input '{}', which is [{}] (-1: free)",
                    fmt::join(wanted, ","), name, fmt::join(promised, ",")));
  }
  return Status::Ok();
}

// Throws json::exception where it is of another form.
Result<std::vector<Input>> ReadInputs(std::string_view metadata, const InferenceLoad& load) {
  const json model = json::parse(metadata);
  std::vector<Input> inputs;
  std::map<std::string, Shape> unused = load.shapes;
  for (const json& one : model.at("inputs")) {
    Input input{.name = one.value("name", ""), .shape = one.value("shape", Shape{})};
    const auto dtype = inference::ProtocolType(one.value("datatype", ""));
    if (!dtype) {
      return Unimplemented(
          fmt::format("the input '{}' has the datatype {}, which is not known here", input.name,
                      one.value("datatype", "")));
    }
    input.dtype = *dtype;
    if (const auto found = unused.find(input.name); found != unused.end()) {
      RETURN_IF_ERROR(CheckShape(input.name, found->second, input.shape));
      input.shape = found->second;
      unused.erase(found);
    }
    for (std::int64_t& size : input.shape) {
      size = size < 0 ? 1 : size;
    }
    inputs.push_back(std::move(input));
  }
  if (!unused.empty()) {
    return InvalidArgument(fmt::format("the model has no input '{}'", unused.begin()->first));
  }
  return inputs;
}

/// The next value of an input, within the load's range.
double Draw(const InferenceLoad& load, DType dtype, std::mt19937_64& random) {
  const double u = simulate::Uniform(random);
  if (dtype == DType::kFloat16 || dtype == DType::kFloat32 || dtype == DType::kFloat64) {
    return load.low + u * (load.high - load.low);
  }
  return std::floor(load.low + u * (load.high - load.low + 1));
}

void WriteJson(JsonWriter& out, DType dtype, double value) {
  switch (dtype) {
    case DType::kBool:
      out.Bool(value != 0);
      return;
    case DType::kString:
      out.String(fmt::format("{:.0f}", value));
      return;
    case DType::kFloat16:
    case DType::kFloat32:
      out.Float(static_cast<float>(value));
      return;
    case DType::kFloat64:
      out.Double(value);
      return;
    default:
      out.Int(static_cast<std::int64_t>(value));
  }
}

template <typename T>
void AppendBytes(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

void WriteRaw(std::string& out, DType dtype, double value) {
  const auto whole = static_cast<std::int64_t>(value);
  switch (dtype) {
    case DType::kString: {
      const std::string digits = fmt::format("{:.0f}", value);
      AppendBytes(out, static_cast<std::uint32_t>(digits.size()));
      out += digits;
      return;
    }
    case DType::kFloat16:
      return AppendBytes(out, HalfOfFloat(static_cast<float>(value)));
    case DType::kFloat32:
      return AppendBytes(out, static_cast<float>(value));
    case DType::kFloat64:
      return AppendBytes(out, value);
    case DType::kBool:
      return AppendBytes(out, static_cast<std::uint8_t>(value != 0));
    default:  // two's complement: the low bytes are the value's, whatever its width
      out.append(reinterpret_cast<const char*>(&whole), SizeOf(dtype));
  }
}

InferenceRequest MakeRequest(const std::vector<Input>& inputs, const InferenceLoad& load,
                             std::mt19937_64& random) {
  InferenceRequest request;
  std::string raw;
  JsonWriter writer(request.body);
  writer.BeginObject().Key("inputs").BeginArray();
  for (const Input& input : inputs) {
    writer.BeginObject().Field("name", input.name);
    writer.Field("datatype", inference::ProtocolTypeName(input.dtype)).Key("shape").BeginArray();
    for (const std::int64_t size : input.shape) {
      writer.Int(size);
    }
    writer.EndArray();
    const std::size_t before = raw.size();
    if (!load.binary) {
      writer.Key("data").BeginArray();
    }
    for (std::int64_t left = ElementCount(input.shape); left > 0; --left) {
      const double value = Draw(load, input.dtype, random);
      load.binary ? WriteRaw(raw, input.dtype, value) : WriteJson(writer, input.dtype, value);
    }
    if (load.binary) {
      writer.Key("parameters").BeginObject();
      writer.Field("binary_data_size", std::uint64_t{raw.size() - before}).EndObject();
    } else {
      writer.EndArray();
    }
    writer.EndObject();
  }
  writer.EndArray();
  if (load.binary) {
    writer.Key("parameters").BeginObject().Field("binary_data_output", true).EndObject();
  }
  writer.EndObject();
  request.headers = {
      {"Content-Type", load.binary ? "application/octet-stream" : "application/json"}};
  if (load.binary) {
    request.headers.emplace_back("Inference-Header-Content-Length",
                                 std::to_string(request.body.size()));
    request.body += raw;
  }
  return request;
}

}  // namespace

Result<std::vector<InferenceRequest>> MakeInferenceRequests(std::string_view metadata,
                                                            const InferenceLoad& load) {
  constexpr double kExact = 9e15;  // whole numbers up to here are doubles
  if (!(load.low <= load.high) || std::abs(load.low) > kExact || std::abs(load.high) > kExact) {
    return InvalidArgument("a range has a lower end that is not above its upper one");
  }
  try {
    ASSIGN_OR_RETURN(const std::vector<Input> inputs, ReadInputs(metadata, load));
    std::mt19937_64 random(load.seed);
    std::vector<InferenceRequest> requests;
    for (std::size_t i = 0; i < load.bodies; ++i) {
      requests.push_back(MakeRequest(inputs, load, random));
    }
    return requests;
  } catch (const json::exception&) {
    return NotTheProtocol("metadata");
  }
}

InferenceSplit InferenceSplit::Since(const InferenceSplit& before) const {
  return {.requests = requests - before.requests,
          .failed = failed - before.failed,
          .total = total - before.total,
          .queue = queue - before.queue,
          .input = input - before.input,
          .infer = infer - before.infer,
          .output = output - before.output};
}

Result<InferenceSplit> ReadInferenceSplit(std::string_view stats) {
  InferenceSplit split;
  try {
    const json all = json::parse(stats);
    for (const json& version : all.at("model_stats")) {
      const json& stages = version.at("inference_stats");
      const auto add = [&stages](const char* stage, const char* what, std::uint64_t& sum) {
        sum += stages.at(stage).at(what).get<std::uint64_t>();
      };
      add("success", "count", split.requests);
      add("success", "ns", split.total);
      add("fail", "count", split.failed);
      add("queue", "ns", split.queue);
      add("compute_input", "ns", split.input);
      add("compute_infer", "ns", split.infer);
      add("compute_output", "ns", split.output);
    }
  } catch (const json::exception&) {
    return NotTheProtocol("statistics");
  }
  return split;
}

}  // namespace vitrine::http
