#include "graph/onnx_structure.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "graph/operators.h"
#include "graph/whole_division.h"

namespace vitrine::graph {
namespace {

namespace onnx = vitrine_onnx;

/// Bits an element takes in raw_data; 0 where raw bytes are not used (strings) or unknown.
std::uint64_t BitsOf(std::int32_t type) {
  switch (type) {
    case onnx::TensorProto::BOOL:
    case onnx::TensorProto::INT8:
    case onnx::TensorProto::UINT8:
      return 8;
    case onnx::TensorProto::INT16:
    case onnx::TensorProto::UINT16:
    case onnx::TensorProto::FLOAT16:
    case onnx::TensorProto::BFLOAT16:
      return 16;
    case onnx::TensorProto::INT32:
    case onnx::TensorProto::UINT32:
    case onnx::TensorProto::FLOAT:
      return 32;
    case onnx::TensorProto::INT64:
    case onnx::TensorProto::UINT64:
    case onnx::TensorProto::DOUBLE:
    case onnx::TensorProto::COMPLEX64:
      return 64;
    case onnx::TensorProto::COMPLEX128:
      return 128;
    case onnx::TensorProto::INT4:
    case onnx::TensorProto::UINT4:
      return 4;
    default:
      return 0;
  }
}

/// Elements stored in the typed fields (one of which is used where raw_data is not).
std::uint64_t TypedElements(const onnx::TensorProto& t) {
  std::uint64_t n = 0;
  for (const int field : {t.float_data_size(), t.int32_data_size(), t.string_data_size(),
                          t.int64_data_size(), t.double_data_size(), t.uint64_data_size()}) {
    n += static_cast<std::uint64_t>(field);
  }
  const bool pairs = t.data_type() == onnx::TensorProto::COMPLEX64 ||
                     t.data_type() == onnx::TensorProto::COMPLEX128;
  return pairs ? n / 2 : n;
}

/// More cannot stand in a file of 2 GiB, whatever the type.
constexpr std::uint64_t kMaxElements = std::uint64_t{1} << 33;

Result<std::uint64_t> ElementsOf(const onnx::TensorProto& t) {
  std::uint64_t elements = 1;
  for (const std::int64_t dim : t.dims()) {
    if (dim < 0) {
      return InvalidArgument(fmt::format("tensor '{}' has the negative size {}", t.name(), dim));
    }
    const auto size = static_cast<std::uint64_t>(dim);
    if (size != 0 && elements > kMaxElements / size) {
      return InvalidArgument(fmt::format("tensor '{}' has an impossible shape", t.name()));
    }
    elements *= size;
  }
  return elements;
}

Status CheckTensor(const onnx::TensorProto& t, GraphCounts& counts) {
  if (t.data_location() == onnx::TensorProto::EXTERNAL || t.external_data_size() > 0) {
    return InvalidArgument(
        fmt::format("tensor '{}' keeps its data in another file; save the model as one file "
                    "(onnx.save_model with save_as_external_data=False)",
                    t.name()));
  }
  ASSIGN_OR_RETURN(const std::uint64_t elements, ElementsOf(t));
  const std::uint64_t bits = BitsOf(t.data_type());
  if (t.has_raw_data()) {
    if (bits == 0) {
      return InvalidArgument(
          fmt::format("tensor '{}' has the unknown type number {}", t.name(), t.data_type()));
    }
    const std::uint64_t bytes = elements / 8 * bits + (elements % 8 * bits + 7) / 8;
    if (bytes != t.raw_data().size()) {
      return InvalidArgument(fmt::format("tensor '{}' should hold {} bytes and holds {}", t.name(),
                                         bytes, t.raw_data().size()));
    }
  } else {
    // 4-bit elements stand two to a field.
    const std::uint64_t wanted = bits == 4 ? (elements + 1) / 2 : elements;
    if (TypedElements(t) != wanted) {
      return InvalidArgument(fmt::format("tensor '{}' should hold {} values and holds {}", t.name(),
                                         wanted, TypedElements(t)));
    }
  }
  counts.initializer_bytes += t.ByteSizeLong();
  return Status::Ok();
}

/// Walks a graph and the graphs inside its nodes, which see the names of those around them.
class Walker {
 public:
  Walker(const CheckLimits& limits, GraphCounts& counts) : limits_(limits), counts_(counts) {}

  Status Graph(const onnx::GraphProto& graph) {
    if (scopes_.size() > static_cast<std::size_t>(limits_.max_depth)) {
      return ResourceExhausted(
          fmt::format("graphs are nested more than {} deep", limits_.max_depth));
    }
    scopes_.emplace_back();
    RETURN_IF_ERROR(WeightsAndInputs(graph));
    division_.Enter(graph);
    for (const auto& node : graph.node()) {
      RETURN_IF_ERROR(Node(node));
    }
    for (const auto& output : graph.output()) {
      if (!Known(output.name())) {
        return InvalidArgument(fmt::format("the output '{}' is never made", output.name()));
      }
    }
    scopes_.pop_back();
    division_.Leave();
    return Status::Ok();
  }

 private:
  [[nodiscard]] bool Known(const std::string& name) const {
    return std::any_of(scopes_.begin(), scopes_.end(),
                       [&](const auto& scope) { return scope.contains(name); });
  }

  Status WeightsAndInputs(const onnx::GraphProto& graph) {
    std::set<std::string> weights;
    const auto add = [&](const std::string& name) {
      return weights.insert(name).second
                 ? Status::Ok()
                 : InvalidArgument(fmt::format("the weight '{}' is stored twice", name));
    };
    for (const auto& t : graph.initializer()) {
      RETURN_IF_ERROR(add(t.name()));
      RETURN_IF_ERROR(CheckTensor(t, counts_));
    }
    for (const auto& t : graph.sparse_initializer()) {
      RETURN_IF_ERROR(add(t.values().name()));
      RETURN_IF_ERROR(CheckTensor(t.values(), counts_));
      RETURN_IF_ERROR(CheckTensor(t.indices(), counts_));
    }
    std::set<std::string>& own = scopes_.back();
    for (const auto& input : graph.input()) {
      if (!own.insert(input.name()).second) {
        return InvalidArgument(fmt::format("the input '{}' is named twice", input.name()));
      }
    }
    // Until IR version 3 a weight had to be listed as an input as well.
    own.merge(weights);
    return Status::Ok();
  }

  Status Node(const onnx::NodeProto& node) {
    if (++counts_.nodes > limits_.max_nodes) {
      return ResourceExhausted(fmt::format("more than {} nodes", limits_.max_nodes));
    }
    const std::string what = fmt::format("node '{}' ({})", node.name(), node.op_type());
    if (!IsStandardOperator(node.domain(), node.op_type())) {
      return InvalidArgument(fmt::format(
          "{} uses {}{}{}, which is not a standard ONNX operator; export the model with ai.onnx "
          "and ai.onnx.ml operators only, without runtime-specific fusions",
          what, node.domain(), node.domain().empty() ? "" : ".", node.op_type()));
    }
    counts_.operators.insert(node.op_type());
    for (const auto& input : node.input()) {
      if (!input.empty() && !Known(input)) {
        return InvalidArgument(
            fmt::format("{} takes '{}', which nothing before it makes", what, input));
      }
    }
    for (const auto& attribute : node.attribute()) {
      RETURN_IF_ERROR(CheckAttribute(attribute).WithContext(what));
    }
    RETURN_IF_ERROR(division_.Node(node));
    for (const auto& output : node.output()) {
      if (output.empty()) {
        continue;
      }
      if (!scopes_.back().insert(output).second) {
        return InvalidArgument(fmt::format("{} makes '{}', which is made already", what, output));
      }
    }
    return Status::Ok();
  }

  Status CheckAttribute(const onnx::AttributeProto& attribute) {
    if (!attribute.ref_attr_name().empty()) {
      return InvalidArgument(
          fmt::format("attribute '{}' belongs to a local function", attribute.name()));
    }
    if (attribute.has_t()) {
      RETURN_IF_ERROR(CheckTensor(attribute.t(), counts_));
    }
    for (const auto& t : attribute.tensors()) {
      RETURN_IF_ERROR(CheckTensor(t, counts_));
    }
    if (attribute.has_sparse_tensor()) {
      RETURN_IF_ERROR(CheckTensor(attribute.sparse_tensor().values(), counts_));
      RETURN_IF_ERROR(CheckTensor(attribute.sparse_tensor().indices(), counts_));
    }
    if (attribute.has_g()) {
      RETURN_IF_ERROR(Graph(attribute.g()));
    }
    for (const auto& g : attribute.graphs()) {
      RETURN_IF_ERROR(Graph(g));
    }
    return Status::Ok();
  }

  const CheckLimits& limits_;
  GraphCounts& counts_;
  WholeDivision division_;
  std::vector<std::set<std::string>> scopes_;  ///< names made so far, outermost graph first
};

}  // namespace

namespace {

constexpr std::array<std::pair<DType, std::int32_t>, kDTypes.size()> kOnnxTypes = {{
    {DType::kBool, onnx::TensorProto::BOOL},
    {DType::kInt8, onnx::TensorProto::INT8},
    {DType::kInt16, onnx::TensorProto::INT16},
    {DType::kInt32, onnx::TensorProto::INT32},
    {DType::kInt64, onnx::TensorProto::INT64},
    {DType::kUint8, onnx::TensorProto::UINT8},
    {DType::kUint16, onnx::TensorProto::UINT16},
    {DType::kUint32, onnx::TensorProto::UINT32},
    {DType::kUint64, onnx::TensorProto::UINT64},
    {DType::kFloat16, onnx::TensorProto::FLOAT16},
    {DType::kFloat32, onnx::TensorProto::FLOAT},
    {DType::kFloat64, onnx::TensorProto::DOUBLE},
    {DType::kString, onnx::TensorProto::STRING},
}};

}  // namespace

std::optional<DType> DTypeOfOnnx(std::int32_t onnx_type) {
  const auto* found = std::find_if(kOnnxTypes.begin(), kOnnxTypes.end(),
                                   [&](const auto& pair) { return pair.second == onnx_type; });
  return found == kOnnxTypes.end() ? std::nullopt : std::optional(found->first);
}

std::int32_t OnnxTypeOf(DType type) {
  const auto* found = std::find_if(kOnnxTypes.begin(), kOnnxTypes.end(),
                                   [&](const auto& pair) { return pair.first == type; });
  CHECK(found != kOnnxTypes.end());
  return found->second;
}

Status CheckGraph(const onnx::GraphProto& graph, const CheckLimits& limits, GraphCounts& counts) {
  return Walker(limits, counts).Graph(graph);
}

Result<TensorSpec> SpecOf(const onnx::ValueInfoProto& info, const char* what) {
  if (!info.type().has_tensor_type()) {
    return InvalidArgument(fmt::format("the {} '{}' is not a tensor", what, info.name()));
  }
  const auto& tensor = info.type().tensor_type();
  const std::optional<DType> type = DTypeOfOnnx(tensor.elem_type());
  if (!type) {
    return InvalidArgument(fmt::format(
        "the {} '{}' has the type number {}; Vitrine carries bool, whole numbers of 8 to 64 bits, "
        "float16, float32, float64 and string",
        what, info.name(), tensor.elem_type()));
  }
  TensorSpec spec{.name = info.name(), .dtype = *type, .shape = {}};
  for (const auto& dim : tensor.shape().dim()) {
    spec.shape.push_back(dim.has_dim_value() ? dim.dim_value() : -1);
  }
  return spec;
}

}  // namespace vitrine::graph
