#include "graph/builder.h"

#include <fmt/format.h>

#include <map>
#include <type_traits>

#include "graph/onnx_structure.h"
#include "graph/operators.h"

namespace vitrine::graph {

namespace onnx = vitrine_onnx;

namespace {

constexpr std::int64_t kIrVersion = 8;
constexpr std::int64_t kOpset = 17;
constexpr std::int64_t kMlOpset = 3;
constexpr std::string_view kMlDomain = "ai.onnx.ml";

void FillTensor(onnx::TensorProto& to, DType type, const Shape& shape,
                std::span<const std::byte> bytes) {
  to.set_data_type(OnnxTypeOf(type));
  for (const std::int64_t dim : shape) {
    to.add_dims(dim);
  }
  // Raw bytes are little-endian by the format, as is every machine Vitrine runs on.
  to.set_raw_data(bytes.data(), bytes.size());
}

void FillValueInfo(onnx::ValueInfoProto& to, const std::string& name, DType type,
                   const std::vector<Dim>& shape) {
  to.set_name(name);
  auto& tensor = *to.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(OnnxTypeOf(type));
  auto& dims = *tensor.mutable_shape();
  for (const Dim& dim : shape) {
    if (dim.free()) {
      dims.add_dim()->set_dim_param(dim.name());
    } else {
      dims.add_dim()->set_dim_value(dim.size());
    }
  }
}

void FillAttribute(onnx::AttributeProto& to, const Attribute& from) {
  to.set_name(from.name);
  std::visit(
      [&](const auto& v) {
        using T = std::decay_t<decltype(v)>;
        if constexpr (std::is_same_v<T, std::int64_t>) {
          to.set_type(onnx::AttributeProto::INT);
          to.set_i(v);
        } else if constexpr (std::is_same_v<T, float>) {
          to.set_type(onnx::AttributeProto::FLOAT);
          to.set_f(v);
        } else if constexpr (std::is_same_v<T, std::string>) {
          to.set_type(onnx::AttributeProto::STRING);
          to.set_s(v);
        } else if constexpr (std::is_same_v<T, Ints>) {
          to.set_type(onnx::AttributeProto::INTS);
          to.mutable_ints()->Assign(v.begin(), v.end());
        } else if constexpr (std::is_same_v<T, std::vector<float>>) {
          to.set_type(onnx::AttributeProto::FLOATS);
          to.mutable_floats()->Assign(v.begin(), v.end());
        } else if constexpr (std::is_same_v<T, Strings>) {
          to.set_type(onnx::AttributeProto::STRINGS);
          to.mutable_strings()->Assign(v.begin(), v.end());
        } else {
          to.set_type(onnx::AttributeProto::TENSOR);
          FillTensor(*to.mutable_t(), v.dtype(), v.shape(), v.bytes());
        }
      },
      from.value);
}

/// The type that an attribute names: Cast's `to`, ConstantOfShape's `value`.
std::optional<DType> NamedType(const std::vector<Attribute>& attributes) {
  for (const Attribute& a : attributes) {
    if (const auto* number = std::get_if<std::int64_t>(&a.value); number && a.name == "to") {
      return DTypeOfOnnx(static_cast<std::int32_t>(*number));
    }
    if (const auto* tensor = std::get_if<Tensor>(&a.value); tensor && a.name == "value") {
      return tensor->dtype();
    }
  }
  return std::nullopt;
}

}  // namespace

struct Builder::Impl {
  onnx::ModelProto model;
  std::map<std::string, DType> types;            ///< of every value defined so far
  std::map<std::string, std::string> constants;  ///< type, shape and bytes -> name
  std::uint64_t bytes = 0;
  std::size_t made = 0;                             ///< numbers the names that are made
  Status error;                                     ///< the first one
  std::string prefix;                               ///< of the scope: "markov."
  std::map<std::string, Value>* outputs = nullptr;  ///< of the scope; null: the model's own
  bool uses_ml = false;

  onnx::GraphProto& graph() { return *model.mutable_graph(); }

  void Fail(Status status) {
    if (error.ok()) {
      error = std::move(status);
    }
  }

  /// Records a value; a name that is taken, or empty, is an error.
  Value Define(std::string name, DType type) {
    if (name.empty()) {
      Fail(InvalidArgument("a value of the graph has an empty name"));
    } else if (!types.emplace(name, type).second) {
      Fail(InvalidArgument(fmt::format("the graph has two values named '{}'", name)));
    }
    return {std::move(name)};
  }

  std::string Made(std::string_view stem) { return fmt::format("{}_{}", stem, made++); }

  void ImportOpset(std::string_view domain, std::int64_t version) {
    auto& opset = *model.add_opset_import();
    opset.set_domain(std::string(domain));
    opset.set_version(version);
  }

  /// Keeps the bytes under a name that is whole already.
  Value Store(std::string name, DType type, const Shape& shape, std::span<const std::byte> data) {
    std::uint64_t wanted = SizeOf(type);
    for (const std::int64_t dim : shape) {
      wanted *= dim < 0 ? 0 : static_cast<std::uint64_t>(dim);
    }
    if (wanted != data.size()) {
      Fail(InvalidArgument(fmt::format("the weight '{}' got {} bytes, its shape needs {}", name,
                                       data.size(), wanted)));
    }
    // Kept out of the message once the file would be too large to write: Finish says so.
    bytes += data.size();
    if (bytes < CheckLimits().max_bytes) {
      auto& tensor = *graph().add_initializer();
      tensor.set_name(name);
      FillTensor(tensor, type, shape, data);
    }
    return Define(std::move(name), type);
  }
};

Builder::Builder(std::string graph_name) : impl_(std::make_unique<Impl>()) {
  impl_->model.set_ir_version(kIrVersion);
  impl_->model.set_producer_name("vitrine");
  impl_->ImportOpset("", kOpset);
  impl_->graph().set_name(std::move(graph_name));
}

Builder::~Builder() = default;
Builder::Builder(Builder&&) noexcept = default;
Builder& Builder::operator=(Builder&&) noexcept = default;

void Builder::SetDoc(std::string text) { impl_->model.set_doc_string(std::move(text)); }

Value Builder::Input(std::string name, DType type, const std::vector<Dim>& shape) {
  std::vector<Dim> named = shape;
  for (std::size_t axis = 1; axis < named.size() && !impl_->prefix.empty(); ++axis) {
    // Two models' "length" are two lengths: the runtime shares memory between equal sizes.
    if (named[axis].free()) {
      named[axis] = Dim((impl_->prefix + named[axis].name()).c_str());
    }
  }
  name.insert(0, impl_->prefix);
  FillValueInfo(*impl_->graph().add_input(), name, type, named);
  return impl_->Define(std::move(name), type);
}

void Builder::Output(std::string name, const Value& value, DType type,
                     const std::vector<Dim>& shape) {
  const std::optional<DType> known = TypeOf(value);
  if (known && *known != type) {
    impl_->Fail(InvalidArgument(fmt::format("the output '{}' is declared {} and made {}", name,
                                            DTypeName(type), DTypeName(*known))));
  }
  if (!known) {
    impl_->Fail(InvalidArgument(
        fmt::format("the output '{}' is of an unknown value '{}'", name, value.name)));
  }
  if (impl_->outputs != nullptr) {
    if (!impl_->outputs->emplace(name, value).second) {
      impl_->Fail(InvalidArgument(
          fmt::format("the part '{}' has two outputs named '{}'", impl_->prefix, name)));
    }
    return;
  }
  auto& node = *impl_->graph().add_node();
  node.set_op_type("Identity");
  node.set_name(impl_->Made("Output"));
  node.add_input(value.name);
  node.add_output(name);
  FillValueInfo(*impl_->graph().add_output(), name, type, shape);
  impl_->Define(std::move(name), type);
}

Value Builder::Initializer(const Tensor& tensor) {
  return AddInitializer(tensor.name(), tensor.dtype(), tensor.shape(), tensor.bytes());
}

Value Builder::AddInitializer(std::string name, DType type, const Shape& shape,
                              std::span<const std::byte> bytes) {
  name = impl_->prefix + (name.empty() ? impl_->Made("weight") : name);
  return impl_->Store(std::move(name), type, shape, bytes);
}

Value Builder::AddConstant(DType type, const Shape& shape, std::span<const std::byte> bytes) {
  std::string key = fmt::format("{}:{}:", DTypeName(type), shape.size());
  key.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const auto found = impl_->constants.find(key);
  if (found != impl_->constants.end()) {
    return {found->second};
  }
  Value value = impl_->Store(impl_->Made("constant"), type, shape, bytes);
  impl_->constants.emplace(std::move(key), value.name);
  return value;
}

Value Builder::Constants(const Ints& values) {
  return AddConstant(DType::kInt64, {static_cast<std::int64_t>(values.size())},
                     std::as_bytes(std::span<const std::int64_t>(values)));
}

Value Builder::Cast(const Value& x, DType type) {
  return Op("Cast", {x}, {{"to", std::int64_t{OnnxTypeOf(type)}}});
}

Result<std::map<std::string, Value>> Builder::Scope(std::string_view name,
                                                    const std::function<Status(Builder&)>& write) {
  std::map<std::string, Value> outputs;
  const std::string outer = std::exchange(impl_->prefix, fmt::format("{}{}.", impl_->prefix, name));
  std::map<std::string, Value>* const outer_outputs = std::exchange(impl_->outputs, &outputs);
  const Status written = write(*this);
  impl_->prefix = outer;
  impl_->outputs = outer_outputs;
  RETURN_IF_ERROR(written.WithContext(name));
  return outputs;
}

std::vector<Value> Builder::Node(std::string_view op, const std::vector<Value>& inputs,
                                 std::size_t outputs, const std::vector<Attribute>& attributes) {
  auto& node = *impl_->graph().add_node();
  std::string_view type = op;
  if (op.size() > kMlDomain.size() && op.starts_with(kMlDomain)) {
    type = op.substr(kMlDomain.size() + 1);
    node.set_domain(std::string(kMlDomain));
    if (!std::exchange(impl_->uses_ml, true)) {
      impl_->ImportOpset(kMlDomain, kMlOpset);
    }
  }
  node.set_op_type(std::string(type));
  node.set_name(impl_->prefix + impl_->Made(type));
  std::vector<std::optional<DType>> types;
  for (const Value& input : inputs) {
    node.add_input(input.name);
    types.push_back(input.name.empty() ? std::nullopt : TypeOf(input));
    if (!input.name.empty() && !types.back()) {
      impl_->Fail(InvalidArgument(
          fmt::format("{} takes '{}', which this graph has not made", node.name(), input.name)));
    }
  }
  for (const Attribute& attribute : attributes) {
    FillAttribute(*node.add_attribute(), attribute);
  }
  Result<std::vector<DType>> made = OutputTypes(op, types, outputs, NamedType(attributes));
  if (!made.ok()) {
    impl_->Fail(made.status().WithContext(node.name()));
  }
  std::vector<Value> values;
  for (std::size_t o = 0; o < outputs; ++o) {
    std::string name = outputs == 1 ? node.name() : fmt::format("{}.{}", node.name(), o);
    node.add_output(name);
    values.push_back(impl_->Define(std::move(name), made.ok() ? (*made)[o] : DType::kFloat32));
  }
  return values;
}

std::optional<DType> Builder::TypeOf(const Value& value) const {
  const auto found = impl_->types.find(value.name);
  return found == impl_->types.end() ? std::nullopt : std::optional(found->second);
}

Result<std::string> Builder::Finish() {
  const std::unique_ptr<Impl> impl = std::exchange(impl_, std::make_unique<Impl>());
  RETURN_IF_ERROR(impl->error);
  const std::uint64_t limit = CheckLimits().max_bytes;
  if (impl->bytes >= limit || impl->model.ByteSizeLong() > limit) {
    return ResourceExhausted(fmt::format(
        "the model's weights are {} bytes; one ONNX file holds at most {}", impl->bytes, limit));
  }
  GraphCounts counts;
  RETURN_IF_ERROR(CheckGraph(impl->model.graph(), CheckLimits(), counts));
  if (impl->model.graph().output_size() == 0) {
    return InvalidArgument("the graph has no output");
  }
  std::string bytes;
  if (!impl->model.SerializeToString(&bytes)) {
    return Internal("the model could not be serialised");
  }
  return bytes;
}

}  // namespace vitrine::graph
