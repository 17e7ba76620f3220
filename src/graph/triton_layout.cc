#include "graph/triton_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "graph/artifact_files.h"
#include "graph/text_fields.h"

namespace vitrine::graph {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kConfigFile = "config.pbtxt";
constexpr std::size_t kMaxConfigBytes = 1 << 20;

constexpr auto kTypes = std::to_array<std::pair<std::string_view, DType>>({
    {"TYPE_BOOL", DType::kBool},
    {"TYPE_UINT8", DType::kUint8},
    {"TYPE_UINT16", DType::kUint16},
    {"TYPE_UINT32", DType::kUint32},
    {"TYPE_UINT64", DType::kUint64},
    {"TYPE_INT8", DType::kInt8},
    {"TYPE_INT16", DType::kInt16},
    {"TYPE_INT32", DType::kInt32},
    {"TYPE_INT64", DType::kInt64},
    {"TYPE_FP16", DType::kFloat16},
    {"TYPE_FP32", DType::kFloat32},
    {"TYPE_FP64", DType::kFloat64},
    {"TYPE_STRING", DType::kString},
});

Status ReadInteger(const TextField& field, std::int64_t& number) {
  const char* end = field.text.data() + field.text.size();
  const auto [stop, error] = std::from_chars(field.text.data(), end, number);
  return error == std::errc() && stop == end
             ? Status::Ok()
             : InvalidArgument(fmt::format("{} is '{}', not a number", field.name, field.text));
}

/// One entry of `input` or `output`; its shape is without the batch's axis.
Result<TensorSpec> ReadTensor(const TextField& tensor) {
  TensorSpec spec;
  bool typed = false;
  for (const TextField& field : tensor.fields) {
    if (field.name == "name") {
      spec.name = field.text;
    } else if (field.name == "data_type") {
      const auto* found = std::find_if(kTypes.begin(), kTypes.end(),
                                       [&](const auto& type) { return type.first == field.text; });
      if (found == kTypes.end()) {
        return InvalidArgument(
            fmt::format("'{}' is of type {}, which is not served", spec.name, field.text));
      }
      spec.dtype = found->second;
      typed = true;
    } else if (field.name == "dims") {
      RETURN_IF_ERROR(ReadInteger(field, spec.shape.emplace_back()));
    }
  }
  return typed ? Result<TensorSpec>(std::move(spec))
               : InvalidArgument(fmt::format("'{}' has no data_type", spec.name));
}

/// What the config says of the model, its file's name included.
struct Config {
  TritonModel model;
  std::string file{kModelFile};
};

Status ReadConfigField(const TextField& field, Config& config) {
  const bool other_platform = field.name == "platform" && field.text != "onnxruntime_onnx";
  const bool other_backend = field.name == "backend" && field.text != "onnxruntime";
  if (!field.text.empty() && (other_platform || other_backend)) {
    return InvalidArgument(fmt::format(
        "it asks for '{}'; only ONNX models are served: export it to ONNX", field.text));
  }
  if (field.name == "name") {
    config.model.name = field.text;
  } else if (field.name == "max_batch_size") {
    RETURN_IF_ERROR(ReadInteger(field, config.model.max_rows));
  } else if (field.name == "default_model_filename" && !field.text.empty()) {
    config.file = field.text;
  } else if (field.name == "input" || field.name == "output") {
    auto& tensors = field.name == "input" ? config.model.inputs : config.model.outputs;
    ASSIGN_OR_RETURN(TensorSpec spec, ReadTensor(field));
    tensors.push_back(std::move(spec));
  }
  return Status::Ok();
}

Status ReadConfig(const std::string& path, Config& config) {
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in || text.size() > kMaxConfigBytes) {
    return InvalidArgument(
        fmt::format("it cannot be read, or is larger than {} KB", kMaxConfigBytes >> 10));
  }
  ASSIGN_OR_RETURN(const std::vector<TextField> fields, ReadTextFields(text));
  for (const TextField& field : fields) {
    RETURN_IF_ERROR(ReadConfigField(field, config));
  }
  if (config.model.max_rows < 0) {
    return InvalidArgument("max_batch_size is below 0");
  }
  if (config.file.find('/') != std::string::npos) {
    return InvalidArgument("default_model_filename names a folder");
  }
  // A batched model's config leaves the batch's axis out.
  for (auto* tensors : {&config.model.inputs, &config.model.outputs}) {
    for (TensorSpec& spec : *tensors) {
      if (config.model.max_rows > 0) {
        spec.shape.insert(spec.shape.begin(), -1);
      }
    }
  }
  return Status::Ok();
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
  Config config;
  const std::string config_path = (fs::path(folder) / kConfigFile).string();
  std::error_code error;
  if (fs::exists(config_path, error)) {
    RETURN_IF_ERROR(ReadConfig(config_path, config).WithContext(config_path));
  }
  const auto newest = FindNewest(folder, config.file);
  if (!newest) {
    return NotFound(fmt::format("{} holds no numbered folder with a {}, such as 1/{}", folder,
                                config.file, config.file));
  }
  TritonModel model = std::move(config.model);
  model.name = model.name.empty() ? NameOf(folder) : model.name;
  model.model_path = newest->path;
  model.version = newest->version;
  return model;
}

}  // namespace vitrine::graph
