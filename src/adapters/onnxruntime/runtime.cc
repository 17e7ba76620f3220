#include "adapters/onnxruntime/runtime.h"

#include <fmt/format.h>
#include <malloc.h>
#include <onnxruntime_run_options_config_keys.h>
#include <onnxruntime_session_options_config_keys.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <fstream>
#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <utility>

#include "adapters/onnxruntime/environment.h"
#include "graph/check.h"

namespace vitrine::adapters {
namespace {

constexpr std::array<std::pair<DType, ONNXTensorElementDataType>, kDTypes.size()> kTypes = {{
    {DType::kBool, ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL},
    {DType::kInt8, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8},
    {DType::kInt16, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT16},
    {DType::kInt32, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32},
    {DType::kInt64, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64},
    {DType::kUint8, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8},
    {DType::kUint16, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16},
    {DType::kUint32, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT32},
    {DType::kUint64, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT64},
    {DType::kFloat16, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16},
    {DType::kFloat32, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT},
    {DType::kFloat64, ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE},
    {DType::kString, ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING},
}};

ONNXTensorElementDataType OrtType(DType type) {
  const auto* found = std::find_if(kTypes.begin(), kTypes.end(),
                                   [&](const auto& pair) { return pair.first == type; });
  CHECK(found != kTypes.end());
  return found->second;
}

Result<DType> OurType(ONNXTensorElementDataType type, const std::string& name) {
  for (const auto& [ours, theirs] : kTypes) {
    if (theirs == type) {
      return ours;
    }
  }
  return InvalidArgument(
      fmt::format("the tensor '{}' has a type that Vitrine does not carry "
                  "(ONNX number {})",
                  name, static_cast<int>(type)));
}

std::string ShapeText(std::span<const std::int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

/// An input or output, with the named free sizes as numbers into the graph's list of symbols.
struct Port {
  TensorSpec spec;
  std::vector<int> symbol;  ///< by axis; -1: a fixed size, or free without a name
};

class OrtGraph : public serve::LoadedGraph {
 public:
  OrtGraph(std::shared_ptr<Environment> environment, Ort::Session session)
      : environment_(std::move(environment)), session_(std::move(session)) {}

  /// Reads names, types and shapes from the session. Throws what ONNX Runtime throws.
  Status Describe() {
    Ort::AllocatorWithDefaultOptions allocator;
    std::map<std::string, int> symbols;
    for (std::size_t i = 0; i < session_.GetInputCount(); ++i) {
      RETURN_IF_ERROR(AddPort(session_.GetInputNameAllocated(i, allocator).get(),
                              session_.GetInputTypeInfo(i), symbols, inputs_, input_specs_));
    }
    input_symbols_ = symbols.size();
    for (std::size_t i = 0; i < session_.GetOutputCount(); ++i) {
      RETURN_IF_ERROR(AddPort(session_.GetOutputNameAllocated(i, allocator).get(),
                              session_.GetOutputTypeInfo(i), symbols, outputs_, output_specs_));
    }
    for (const Port& port : inputs_) {
      input_names_.push_back(port.spec.name.c_str());
    }
    for (const Port& port : outputs_) {
      output_names_.push_back(port.spec.name.c_str());
    }
    return Status::Ok();
  }

  [[nodiscard]] const std::vector<TensorSpec>& inputs() const override { return input_specs_; }
  [[nodiscard]] const std::vector<TensorSpec>& outputs() const override { return output_specs_; }

  Status Run(std::span<const Tensor> inputs, std::vector<Tensor>& outputs) const override {
    std::vector<const Tensor*> ordered(inputs_.size());
    std::vector<std::int64_t> sizes(input_symbols_, -1);
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      ASSIGN_OR_RETURN(ordered[i], Bind(inputs_[i], inputs, sizes));
    }
    return Guard(Code::kInternal, "the model failed", [&] {
      RunBound(ordered, sizes, outputs);
      return Status::Ok();
    });
  }

 private:
  static Status AddPort(std::string name, const Ort::TypeInfo& info,
                        std::map<std::string, int>& symbols, std::vector<Port>& ports,
                        std::vector<TensorSpec>& specs) {
    if (info.GetONNXType() != ONNX_TYPE_TENSOR) {
      return InvalidArgument(fmt::format("'{}' is not a tensor", name));
    }
    const auto tensor = info.GetTensorTypeAndShapeInfo();
    Port port;
    port.spec.name = std::move(name);
    port.spec.shape = tensor.GetShape();
    ASSIGN_OR_RETURN(port.spec.dtype, OurType(tensor.GetElementType(), port.spec.name));
    std::vector<const char*> names(port.spec.shape.size());
    tensor.GetSymbolicDimensions(names.data(), names.size());
    for (std::size_t axis = 0; axis < names.size(); ++axis) {
      const bool named = port.spec.shape[axis] < 0 && names[axis] != nullptr && *names[axis] != 0;
      const int next = static_cast<int>(symbols.size());
      port.symbol.push_back(named ? symbols.emplace(names[axis], next).first->second : -1);
    }
    specs.push_back(port.spec);
    ports.push_back(std::move(port));
    return Status::Ok();
  }

  /// Finds the tensor of an input, checks it, and notes the sizes of named axes.
  static Result<const Tensor*> Bind(const Port& port, std::span<const Tensor> inputs,
                                    std::vector<std::int64_t>& sizes) {
    const TensorSpec& want = port.spec;
    const auto tensor = std::find_if(inputs.begin(), inputs.end(),
                                     [&](const Tensor& t) { return t.name() == want.name; });
    if (tensor == inputs.end()) {
      return InvalidArgument(fmt::format("the model's input '{}' is missing", want.name));
    }
    if (tensor->dtype() != want.dtype) {
      return InvalidArgument(fmt::format("the input '{}' is {}, the model takes {}", want.name,
                                         DTypeName(tensor->dtype()), DTypeName(want.dtype)));
    }
    bool fits = tensor->shape().size() == want.shape.size();
    for (std::size_t axis = 0; fits && axis < want.shape.size(); ++axis) {
      const std::int64_t size = tensor->shape()[axis];
      fits = want.shape[axis] < 0 || want.shape[axis] == size;
      if (const int symbol = port.symbol[axis]; fits && symbol >= 0) {
        std::int64_t& known = sizes[static_cast<std::size_t>(symbol)];
        fits = known < 0 || known == size;
        known = size;
      }
    }
    if (!fits) {
      return InvalidArgument(
          fmt::format("the input '{}' has shape {}, the model takes {} (-1 is "
                      "any size, the same one in all inputs where it is named)",
                      want.name, ShapeText(tensor->shape()), ShapeText(want.shape)));
    }
    return &*tensor;
  }

  /// The shape of an output where the inputs settle its size.
  [[nodiscard]] std::optional<Shape> Settled(const Port& port,
                                             const std::vector<std::int64_t>& sizes) const {
    if (port.spec.dtype == DType::kString) {
      return std::nullopt;  // its bytes are not known before the run
    }
    Shape shape = port.spec.shape;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      if (shape[axis] >= 0) {
        continue;
      }
      const int symbol = port.symbol[axis];
      if (symbol < 0 || static_cast<std::size_t>(symbol) >= input_symbols_) {
        return std::nullopt;
      }
      shape[axis] = sizes[static_cast<std::size_t>(symbol)];
    }
    return shape;
  }

  static Ort::Value Strings(const Tensor& tensor) {
    Ort::AllocatorWithDefaultOptions allocator;
    Ort::Value value =
        Ort::Value::CreateTensor(allocator, tensor.shape().data(), tensor.shape().size(),
                                 ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING);
    std::size_t index = 0;
    for (const std::string_view element : StringsOf(tensor)) {
      // With a NUL inside, the copy of ONNX Runtime would end there: its own buffer takes any bytes.
      std::memcpy(value.GetResizedStringTensorElementBuffer(index++, element.size()),
                  element.data(), element.size());
    }
    return value;
  }

  static Ort::Value View(const Ort::MemoryInfo& memory, const Tensor& tensor) {
    if (tensor.dtype() == DType::kString) {
      return Strings(tensor);
    }
    // ONNX Runtime's inputs are not const, but it does not write to them.
    auto* data = const_cast<std::byte*>(tensor.bytes().data());
    return Ort::Value::CreateTensor(memory, data, tensor.bytes().size(), tensor.shape().data(),
                                    tensor.shape().size(), OrtType(tensor.dtype()));
  }

  void RunBound(const std::vector<const Tensor*>& inputs, const std::vector<std::int64_t>& sizes,
                std::vector<Tensor>& outputs) const {
    const Ort::MemoryInfo& memory = environment_->memory();
    std::vector<Ort::Value> in;
    in.reserve(inputs.size());
    for (const Tensor* tensor : inputs) {
      in.push_back(View(memory, *tensor));
    }
    std::vector<Ort::Value> out;
    out.reserve(outputs_.size());
    outputs.resize(outputs_.size());
    std::size_t bytes = 0;
    for (std::size_t o = 0; o < outputs_.size(); ++o) {
      outputs[o].set_name(outputs_[o].spec.name);
      const std::optional<Shape> shape = Settled(outputs_[o], sizes);
      if (shape) {
        outputs[o].Resize(outputs_[o].spec.dtype, *shape);
        out.push_back(View(memory, outputs[o]));
        bytes += outputs[o].bytes().size();
      } else {
        out.emplace_back(nullptr);
      }
    }
    Ort::RunOptions options;
    if (bytes >= kLargeRun) {
      options.AddConfigEntry(kOrtRunOptionsConfigEnableMemoryArenaShrinkage, "cpu:0");
    }
    session_.Run(options, input_names_.data(), in.data(), in.size(), output_names_.data(),
                 out.data(), out.size());
    for (std::size_t o = 0; o < outputs_.size(); ++o) {
      if (!Settled(outputs_[o], sizes)) {
        CopyOut(out[o], outputs_[o].spec.dtype, outputs[o]);
      }
    }
  }

  static void CopyStrings(const Ort::Value& from, Tensor& to) {
    const Shape shape = from.GetTensorTypeAndShapeInfo().GetShape();
    const auto count = static_cast<std::size_t>(ElementCount(shape));
    std::vector<std::size_t> begins(count);
    std::string bytes(from.GetStringTensorDataLength(), '\0');
    from.GetStringTensorContent(bytes.data(), bytes.size(), begins.data(), count);
    std::vector<std::string_view> elements;
    elements.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t end = i + 1 < count ? begins[i + 1] : bytes.size();
      elements.push_back(std::string_view(bytes).substr(begins[i], end - begins[i]));
    }
    to.SetStrings(shape, elements);
  }

  static void CopyOut(const Ort::Value& from, DType type, Tensor& to) {
    if (type == DType::kString) {
      CopyStrings(from, to);
      return;
    }
    to.Resize(type, from.GetTensorTypeAndShapeInfo().GetShape());
    if (!to.bytes().empty()) {
      std::memcpy(to.bytes().data(), from.GetTensorRawData(), to.bytes().size());
    }
  }

  /// Output bytes from which a run gives the arena's spare memory back afterwards.
  static constexpr std::size_t kLargeRun = std::size_t{4} << 20;

  std::shared_ptr<Environment> environment_;
  /// Run is const for callers and thread-safe by ONNX Runtime's contract, but not const in its API.
  mutable Ort::Session session_;
  std::vector<Port> inputs_;
  std::vector<Port> outputs_;
  std::vector<TensorSpec> input_specs_;
  std::vector<TensorSpec> output_specs_;
  std::vector<const char*> input_names_;
  std::vector<const char*> output_names_;
  std::size_t input_symbols_ = 0;
};

Result<std::string> ReadModel(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) {
    return errno == ENOENT
               ? NotFound(fmt::format("no model file {}", path))
               : Unavailable(fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  }
  const std::streamoff size = file.tellg();
  if (size < 0 || static_cast<std::uint64_t>(size) > graph::CheckLimits().max_bytes) {
    return ResourceExhausted(fmt::format("{} is larger than an ONNX file can be", path));
  }
  std::string bytes(static_cast<std::size_t>(size), '\0');
  file.seekg(0);
  if (!file.read(bytes.data(), size)) {
    return Unavailable(fmt::format("cannot read {}", path));
  }
  return bytes;
}

class OrtRuntime : public serve::ModelRuntime {
 public:
  OrtRuntime(std::shared_ptr<Environment> environment, ExecutionProvider provider)
      : environment_(std::move(environment)), provider_(provider) {}

  Result<std::unique_ptr<serve::LoadedGraph>> Load(const std::string& model_path,
                                                   const serve::RuntimeOptions& options) override {
    std::unique_ptr<OrtGraph> graph;
    {
      // What was checked is what is loaded: the bytes, not the path a second time.
      ASSIGN_OR_RETURN(const std::string bytes, ReadModel(model_path));
      if (const auto checked = graph::CheckModel(bytes); !checked.ok()) {
        return checked.status().WithContext(model_path);
      }
      RETURN_IF_ERROR(Guard(Code::kInvalidArgument, model_path, [&] {
        graph = std::make_unique<OrtGraph>(
            environment_,
            Ort::Session(environment_->env(), bytes.data(), bytes.size(), OptionsOf(options)));
        return graph->Describe();
      }));
    }
    // The file's bytes and ONNX Runtime's parse of them are garbage now; give them back at once.
    ::malloc_trim(0);
    return std::unique_ptr<serve::LoadedGraph>(std::move(graph));
  }

 private:
  [[nodiscard]] Ort::SessionOptions OptionsOf(const serve::RuntimeOptions& options) const {
    Ort::SessionOptions to;
    if (provider_ == ExecutionProvider::kCuda) {
      to.AppendExecutionProvider_CUDA(OrtCUDAProviderOptions{});
    }
    to.SetIntraOpNumThreads(std::max(options.intra_op_threads, 1));
    to.SetInterOpNumThreads(1);
    to.SetExecutionMode(ORT_SEQUENTIAL);
    to.SetGraphOptimizationLevel(ORT_ENABLE_ALL);
    to.AddConfigEntry(kOrtSessionOptionsConfigAllowIntraOpSpinning, "0");
    to.AddConfigEntry(kOrtSessionOptionsConfigAllowInterOpSpinning, "0");
    to.AddConfigEntry(kOrtSessionOptionsConfigUseEnvAllocators, "1");
    // Weights live as long as the model: outside the arena, they cannot pin its chunks.
    to.AddConfigEntry(kOrtSessionOptionsUseDeviceAllocatorForInitializers, "1");
    return to;
  }

  std::shared_ptr<Environment> environment_;
  ExecutionProvider provider_;
};

/// The CPU is in every library.
Status CheckBuiltWithCuda() {
  const std::vector<std::string> providers = Ort::GetAvailableProviders();
  if (std::find(providers.begin(), providers.end(), "CUDAExecutionProvider") != providers.end()) {
    return Status::Ok();
  }
  return FailedPrecondition(fmt::format(
      "this ONNX Runtime was built without CUDA (it has {}); set inference.provider to cpu, or put "
      "ONNX Runtime's GPU build of version 1.{} in its place",
      fmt::join(providers, ", "), ORT_API_VERSION));
}

}  // namespace

Result<ExecutionProvider> ParseExecutionProvider(std::string_view name) {
  if (name == "cpu") {
    return ExecutionProvider::kCpu;
  }
  if (name == "cuda") {
    return ExecutionProvider::kCuda;
  }
  return InvalidArgument(fmt::format("inference.provider is '{}'; there are cpu and cuda", name));
}

Result<std::unique_ptr<serve::ModelRuntime>> MakeOnnxRuntime(ExecutionProvider provider) {
  ASSIGN_OR_RETURN(std::shared_ptr<Environment> environment, SharedEnvironment());
  if (provider == ExecutionProvider::kCuda) {
    RETURN_IF_ERROR(CheckBuiltWithCuda());
  }
  return std::unique_ptr<serve::ModelRuntime>(
      std::make_unique<OrtRuntime>(std::move(environment), provider));
}

}  // namespace vitrine::adapters
