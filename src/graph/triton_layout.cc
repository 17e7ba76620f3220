#include "graph/triton_layout.h"

#include <fmt/format.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>

#include "graph/artifact_files.h"
#include "vitrine_onnx/triton_config.pb.h"

namespace vitrine::graph {
namespace {

namespace fs = std::filesystem;
namespace triton = vitrine_triton;

constexpr std::string_view kConfigFile = "config.pbtxt";
constexpr std::size_t kMaxConfigBytes = 1 << 20;

/// Keeps the first error; protobuf would print it.
class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, int column, const std::string& message) override {
    if (text_.empty()) {
      text_ = fmt::format("line {}, column {}: {}", line + 1, column + 1, message);
    }
  }
  void AddWarning(int /*line*/, int /*column*/, const std::string& /*message*/) override {
    // A field that is not ours.
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

Result<triton::ModelConfig> ReadConfig(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in || text.size() > kMaxConfigBytes) {
    return InvalidArgument(fmt::format("{} cannot be read, or is larger than {} KB", path,
                                       kMaxConfigBytes >> 10));
  }
  triton::ModelConfig config;
  FirstError error;
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  parser.AllowUnknownField(true);
  parser.SetRecursionLimit(16);
  google::protobuf::io::ArrayInputStream stream(text.data(), static_cast<int>(text.size()));
  if (!parser.Parse(&stream, &config)) {
    return InvalidArgument(fmt::format("{}: {}", path, error.text()));
  }
  return config;
}

std::optional<DType> DTypeOf(triton::DataType type) {
  switch (type) {
    case triton::TYPE_BOOL:
      return DType::kBool;
    case triton::TYPE_UINT8:
      return DType::kUint8;
    case triton::TYPE_UINT16:
      return DType::kUint16;
    case triton::TYPE_UINT32:
      return DType::kUint32;
    case triton::TYPE_UINT64:
      return DType::kUint64;
    case triton::TYPE_INT8:
      return DType::kInt8;
    case triton::TYPE_INT16:
      return DType::kInt16;
    case triton::TYPE_INT32:
      return DType::kInt32;
    case triton::TYPE_INT64:
      return DType::kInt64;
    case triton::TYPE_FP16:
      return DType::kFloat16;
    case triton::TYPE_FP32:
      return DType::kFloat32;
    case triton::TYPE_FP64:
      return DType::kFloat64;
    case triton::TYPE_STRING:
      return DType::kString;
    default:
      return std::nullopt;
  }
}

/// A batched model's config leaves the batch's axis out.
Result<TensorSpec> SpecOf(const triton::TensorConfig& tensor, bool batched) {
  const std::optional<DType> type = DTypeOf(tensor.data_type());
  if (!type) {
    return InvalidArgument(fmt::format("config.pbtxt: '{}' is of type {}, which is not served",
                                       tensor.name(), triton::DataType_Name(tensor.data_type())));
  }
  TensorSpec spec{.name = tensor.name(), .dtype = *type, .shape = {}};
  if (batched) {
    spec.shape.push_back(-1);
  }
  spec.shape.insert(spec.shape.end(), tensor.dims().begin(), tensor.dims().end());
  return spec;
}

Status CheckBackend(const triton::ModelConfig& config) {
  const bool onnx = (config.platform().empty() || config.platform() == "onnxruntime_onnx") &&
                    (config.backend().empty() || config.backend() == "onnxruntime");
  return onnx ? Status::Ok()
              : InvalidArgument(fmt::format(
                    "config.pbtxt asks for '{}'; only ONNX models are served: export it to ONNX",
                    config.backend().empty() ? config.platform() : config.backend()));
}

struct Newest {
  std::int64_t version = 0;
  std::string path;
};

/// The numbered folder with the highest number that holds `file`.
std::optional<Newest> FindNewest(const std::string& folder, const std::string& file) {
  std::optional<Newest> newest;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    std::int64_t number = 0;
    const auto [end, bad] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (bad != std::errc() || end != name.data() + name.size() || number < 1 ||
        (newest && newest->version > number)) {
      continue;
    }
    const fs::path model = entry.path() / file;
    std::error_code missing;
    if (fs::is_regular_file(model, missing)) {
      newest = {number, model.string()};
    }
  }
  return newest;
}

/// The last part of a path, with or without a slash behind it.
std::string NameOf(const std::string& folder) {
  const fs::path path = fs::absolute(folder).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

}  // namespace

bool IsTritonModel(const std::string& folder) {
  std::error_code error;
  return fs::exists(fs::path(folder) / kConfigFile, error) ||
         FindNewest(folder, std::string(kModelFile));
}

Result<TritonModel> ReadTritonModel(const std::string& folder) {
  triton::ModelConfig config;
  const std::string config_path = (fs::path(folder) / kConfigFile).string();
  std::error_code error;
  if (fs::exists(config_path, error)) {
    ASSIGN_OR_RETURN(config, ReadConfig(config_path));
  }
  RETURN_IF_ERROR(CheckBackend(config));
  const std::string file = config.default_model_filename().empty()
                               ? std::string(kModelFile)
                               : config.default_model_filename();
  if (file.find('/') != std::string::npos) {
    return InvalidArgument("config.pbtxt: default_model_filename names a folder");
  }
  const auto newest = FindNewest(folder, file);
  if (!newest) {
    return NotFound(fmt::format("{} holds no numbered folder with a {}, such as 1/{}", folder, file,
                                file));
  }
  TritonModel model;
  model.name = config.name().empty() ? NameOf(folder) : config.name();
  model.model_path = newest->path;
  model.version = newest->version;
  if (config.max_batch_size() < 0) {
    return InvalidArgument("config.pbtxt: max_batch_size is below 0");
  }
  model.max_rows = config.max_batch_size();
  for (const auto& tensor : config.input()) {
    ASSIGN_OR_RETURN(TensorSpec spec, SpecOf(tensor, model.max_rows > 0));
    model.inputs.push_back(std::move(spec));
  }
  for (const auto& tensor : config.output()) {
    ASSIGN_OR_RETURN(TensorSpec spec, SpecOf(tensor, model.max_rows > 0));
    model.outputs.push_back(std::move(spec));
  }
  return model;
}

}  // namespace vitrine::graph
