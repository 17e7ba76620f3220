#include "graph/check.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/stubs/logging.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "graph/onnx_structure.h"

namespace vitrine::graph {
namespace {

namespace onnx = vitrine_onnx;

constexpr std::uint32_t kLengthDelimited = 2;
constexpr std::uint32_t kGraphField = 7;

/// The next base-128 number at `at`, which moves behind it; none where the bytes end or it is too
/// long.
std::optional<std::uint64_t> ReadVarint(std::string_view bytes, std::size_t& at) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && at < bytes.size(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if ((byte & 0x80U) == 0) {
      return value;
    }
  }
  return std::nullopt;
}

Status NotOnnx(std::string_view why) {
  return InvalidArgument(fmt::format("this is not an ONNX model ({}); give a .onnx file", why));
}

/// Walks the outermost fields only, to tell a file cut off in the middle from something else.
Status CheckEnvelope(std::string_view bytes) {
  if (bytes.empty()) {
    return DataLoss("the model file is empty; copy or export it again");
  }
  bool has_graph = false;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t start = at;
    const auto key = ReadVarint(bytes, at);
    const std::uint64_t field = key.value_or(0) >> 3;
    if (!key || field == 0 || field > 64) {
      return NotOnnx(fmt::format("no ONNX field at byte {}", start));
    }
    const std::uint64_t wire = *key & 7U;
    std::uint64_t length = wire == 1 ? 8 : wire == 5 ? 4 : 0;
    if (wire == 0 || wire == kLengthDelimited) {
      const auto number = ReadVarint(bytes, at);
      if (!number) {
        return DataLoss(fmt::format("the model file ends in the middle of field {}", field));
      }
      length = wire == 0 ? 0 : *number;
    } else if (wire != 1 && wire != 5) {
      return NotOnnx(fmt::format("no ONNX field at byte {}", start));
    }
    if (length > bytes.size() - at) {
      // A text file can look like one field of absurd length; a cut-off model starts as ONNX does.
      return bytes[0] == '\x08' || field == kGraphField
                 ? DataLoss(fmt::format("the model file is cut off: field {} at byte {} needs {} "
                                        "bytes, {} are left; copy or export it again",
                                        field, start, length, bytes.size() - at))
                 : NotOnnx(
                       fmt::format("field {} at byte {} is longer than the file", field, start));
    }
    has_graph = has_graph || (field == kGraphField && wire == kLengthDelimited);
    at += static_cast<std::size_t>(length);
  }
  return has_graph ? Status::Ok() : NotOnnx("it holds no graph");
}

/// Protobuf writes parse errors to stderr; the Status says it better.
bool ParseQuietly(std::string_view bytes, onnx::ModelProto& model) {
  const google::protobuf::LogSilencer silencer;
  google::protobuf::io::ArrayInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  google::protobuf::io::CodedInputStream coded(&stream);
  coded.SetTotalBytesLimit(std::numeric_limits<int>::max());
  return model.ParseFromCodedStream(&coded) && coded.ConsumedEntireMessage();
}

Result<std::int64_t> CheckDomains(const onnx::ModelProto& model) {
  std::int64_t opset = 0;
  for (const auto& import : model.opset_import()) {
    const std::string& domain = import.domain();
    if (domain.empty() || domain == "ai.onnx") {
      opset = import.version();
    }
    // An import alone runs nothing: exporters list domains they do not use. Nodes are checked.
  }
  if (opset < 1) {
    return InvalidArgument("the model imports no version of ai.onnx; export it again");
  }
  if (model.functions_size() > 0) {
    return InvalidArgument(
        fmt::format("the model holds local functions ('{}'); export it with functions inlined",
                    model.functions(0).name()));
  }
  if (model.training_info_size() > 0) {
    return InvalidArgument("the model holds training graphs; export it for inference");
  }
  return opset;
}

Status ReadSpecs(const onnx::GraphProto& graph, ModelSummary& summary) {
  std::set<std::string_view> weights;
  for (const auto& t : graph.initializer()) {
    weights.insert(t.name());
  }
  for (const auto& input : graph.input()) {
    if (!weights.contains(input.name())) {
      ASSIGN_OR_RETURN(TensorSpec spec, SpecOf(input, "input"));
      summary.inputs.push_back(std::move(spec));
    }
  }
  for (const auto& output : graph.output()) {
    ASSIGN_OR_RETURN(TensorSpec spec, SpecOf(output, "output"));
    summary.outputs.push_back(std::move(spec));
  }
  if (summary.outputs.empty()) {
    return InvalidArgument("the model has no output");
  }
  return Status::Ok();
}

}  // namespace

Result<ModelSummary> CheckModel(std::string_view bytes, const CheckLimits& limits) {
  if (bytes.size() > limits.max_bytes) {
    return ResourceExhausted(
        fmt::format("the model is {} bytes, the limit is {}", bytes.size(), limits.max_bytes));
  }
  RETURN_IF_ERROR(CheckEnvelope(bytes));
  onnx::ModelProto model;
  if (!ParseQuietly(bytes, model)) {
    return NotOnnx("its inner structure cannot be read: damaged, or another format");
  }
  ModelSummary summary{.name = model.graph().name(),
                       .producer = model.producer_name(),
                       .ir_version = model.ir_version(),
                       .opset = 0,
                       .nodes = 0,
                       .initializer_bytes = 0,
                       .inputs = {},
                       .outputs = {},
                       .operators = {}};
  ASSIGN_OR_RETURN(summary.opset, CheckDomains(model));
  GraphCounts counts;
  RETURN_IF_ERROR(CheckGraph(model.graph(), limits, counts));
  summary.nodes = counts.nodes;
  summary.initializer_bytes = counts.initializer_bytes;
  summary.operators.assign(counts.operators.begin(), counts.operators.end());
  RETURN_IF_ERROR(ReadSpecs(model.graph(), summary));
  return summary;
}

Result<ModelSummary> CheckModelFile(const std::string& path, const CheckLimits& limits) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) {
    const std::string why = std::strerror(errno);
    return errno == ENOENT ? NotFound(fmt::format("no model file {}", path))
                           : Unavailable(fmt::format("cannot open {}: {}", path, why));
  }
  const auto size = static_cast<std::uint64_t>(std::max<std::streamoff>(file.tellg(), 0));
  if (size > limits.max_bytes) {
    return ResourceExhausted(
        fmt::format("{} is {} bytes, the limit is {}", path, size, limits.max_bytes));
  }
  std::string bytes(static_cast<std::size_t>(size), '\0');
  file.seekg(0);
  if (!file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
    return Unavailable(fmt::format("cannot read {}", path));
  }
  Result<ModelSummary> summary = CheckModel(bytes, limits);
  return summary.ok() ? std::move(summary)
                      : Result<ModelSummary>(summary.status().WithContext(path));
}

}  // namespace vitrine::graph
