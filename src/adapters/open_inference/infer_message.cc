#include "adapters/open_inference/infer_message.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "transport/inference/tensors.h"
#include "transport/inference/types.h"

namespace vitrine::adapters {
namespace {

using nlohmann::json;

constexpr std::string_view kBinary = "binary_tensor_data";

Status NotTheProtocol(std::string_view what) {
  return DataLoss(fmt::format("the server's answer is not the inference protocol's: {}", what));
}

const json* Member(const json& object, const char* name) {
  const auto at = object.is_object() ? object.find(name) : object.end();
  return at == object.end() ? nullptr : &*at;
}

std::string TextOf(const json& object, const char* name) {
  const json* member = Member(object, name);
  return member != nullptr && member->is_string() ? member->get<std::string>() : "";
}

/// Whole numbers, none below `least`.
std::optional<Shape> ShapeOf(const json& tensor, std::int64_t least) {
  const json* list = Member(tensor, "shape");
  if (list == nullptr || !list->is_array() || list->size() > inference::kMaxRank) {
    return std::nullopt;
  }
  Shape shape;
  for (const json& size : *list) {
    if (!size.is_number_integer() || size.get<std::int64_t>() < least) {
      return std::nullopt;
    }
    shape.push_back(size.get<std::int64_t>());
  }
  return shape;
}

Result<std::vector<TensorSpec>> SpecsOf(const json& model, const char* name) {
  const json* list = Member(model, name);
  if (list == nullptr || !list->is_array() || list->empty()) {
    return NotTheProtocol(fmt::format("'{}' is no list of tensors", name));
  }
  std::vector<TensorSpec> specs;
  for (const json& tensor : *list) {
    const std::optional<DType> type = inference::ProtocolType(TextOf(tensor, "datatype"));
    std::optional<Shape> shape = ShapeOf(tensor, -1);
    if (!type || !shape || TextOf(tensor, "name").empty()) {
      return NotTheProtocol(
          fmt::format("one of '{}' has no name, or no datatype and shape that are known", name));
    }
    specs.push_back({.name = TextOf(tensor, "name"), .dtype = *type, .shape = *std::move(shape)});
  }
  return specs;
}

template <typename T>
void AppendNumbers(const Tensor& tensor, std::string& out) {
  fmt::format_to(std::back_inserter(out), "{}", fmt::join(tensor.values<T>(), ","));
}

void AppendData(const Tensor& tensor, std::string& out) {
  switch (tensor.dtype()) {
    case DType::kInt64:
      return AppendNumbers<std::int64_t>(tensor, out);
    case DType::kFloat32:
      return AppendNumbers<float>(tensor, out);
    case DType::kFloat64:
      return AppendNumbers<double>(tensor, out);
    default:
      break;
  }
  CHECK(false);
}

/// The numbers of nested or flat lists, row by row; false where something else is among them.
bool Flatten(const json& list, std::size_t depth, std::vector<double>& values) {
  if (!list.is_array() || depth > inference::kMaxRank) {
    return false;
  }
  for (const json& value : list) {
    if (value.is_number()) {
      values.push_back(value.get<double>());
    } else if (!Flatten(value, depth + 1, values)) {
      return false;
    }
  }
  return true;
}

/// Bytes that a raw output takes behind the JSON; none where its values stand in the JSON.
Result<std::optional<std::size_t>> RawSize(const json& tensor, std::size_t left) {
  const json* parameters = Member(tensor, "parameters");
  const json* size = parameters == nullptr ? nullptr : Member(*parameters, "binary_data_size");
  if (size == nullptr) {
    return std::optional<std::size_t>();
  }
  if (!size->is_number_unsigned() || size->get<std::uint64_t>() > left) {
    return NotTheProtocol("binary_data_size is no number of bytes that follow");
  }
  return std::optional(size->get<std::size_t>());
}

Status TakeValues(const json& tensor, std::optional<std::string_view> raw, Tensor& scores) {
  const std::optional<DType> type = inference::ProtocolType(TextOf(tensor, "datatype"));
  if (type != DType::kFloat32 && type != DType::kFloat64) {
    return NotTheProtocol(fmt::format("the output '{}' is {}; scores are FP32 or FP64",
                                      TextOf(tensor, "name"), TextOf(tensor, "datatype")));
  }
  const std::optional<Shape> shape = ShapeOf(tensor, 0);
  if (!shape) {
    return NotTheProtocol("an output's 'shape' is no list of sizes");
  }
  constexpr auto kCountless = std::numeric_limits<std::uint64_t>::max();  // no body holds as many
  const std::uint64_t count = inference::CountOf(*shape).value_or(kCountless);
  std::vector<double> values;
  const json* data = Member(tensor, "data");
  if (!raw && (data == nullptr || !Flatten(*data, 1, values))) {
    return NotTheProtocol("an output's 'data' are no numbers");
  }
  const std::size_t given = raw ? raw->size() / SizeOf(*type) : values.size();
  if (count != given || (raw && raw->size() % SizeOf(*type) != 0)) {
    return NotTheProtocol("an output has not as many values as its shape says");
  }
  const bool fits =
      *type == DType::kFloat64 || std::all_of(values.begin(), values.end(), [](double v) {
        return std::fabs(v) <= std::numeric_limits<float>::max();
      });
  if (!fits) {
    return NotTheProtocol("an output has a value that FP32 cannot hold");
  }
  scores.Resize(*type, *shape);
  if (raw) {
    std::copy_n(reinterpret_cast<const std::byte*>(raw->data()), raw->size(),
                scores.bytes().begin());
  } else if (*type == DType::kFloat32) {
    std::transform(values.begin(), values.end(), scores.values<float>().begin(),
                   [](double v) { return static_cast<float>(v); });
  } else {
    std::copy(values.begin(), values.end(), scores.values<double>().begin());
  }
  return Status::Ok();
}

}  // namespace

Result<OutsideModel> ParseModel(std::string_view text) {
  const json root = json::parse(text, nullptr, /*allow_exceptions=*/false);
  OutsideModel model;
  ASSIGN_OR_RETURN(model.inputs, SpecsOf(root, "inputs"));
  ASSIGN_OR_RETURN(model.outputs, SpecsOf(root, "outputs"));
  return model;
}

bool SpeaksBinary(std::string_view server_json) {
  const json root = json::parse(server_json, nullptr, /*allow_exceptions=*/false);
  const json* list = Member(root, "extensions");
  return list != nullptr && list->is_array() &&
         std::any_of(list->begin(), list->end(), [](const json& name) { return name == kBinary; });
}

std::size_t WriteInfer(std::span<const Tensor> inputs, const std::vector<TensorSpec>& wanted,
                       std::string_view output, bool binary, std::string& body) {
  std::vector<const Tensor*> sent;
  for (const TensorSpec& spec : wanted) {
    const auto found = std::find_if(inputs.begin(), inputs.end(),
                                    [&spec](const Tensor& t) { return t.name() == spec.name; });
    CHECK(found != inputs.end());
    sent.push_back(&*found);
  }
  body = R"({"inputs":[)";
  for (const Tensor* tensor : sent) {
    body += tensor == sent.front() ? "" : ",";
    fmt::format_to(std::back_inserter(body), R"({{"name":{},"datatype":"{}","shape":[{}],)",
                   json(tensor->name()).dump(), inference::ProtocolTypeName(tensor->dtype()),
                   fmt::join(tensor->shape(), ","));
    if (binary) {
      fmt::format_to(std::back_inserter(body), R"("parameters":{{"binary_data_size":{}}}}})",
                     tensor->bytes().size());
    } else {
      body += R"("data":[)";
      AppendData(*tensor, body);
      body += "]}";
    }
  }
  fmt::format_to(std::back_inserter(body), R"(],"outputs":[{{"name":{}{}}}]}})",
                 json(std::string(output)).dump(),
                 binary ? R"(,"parameters":{"binary_data":true})" : "");
  const std::size_t json_bytes = body.size();
  for (const Tensor* tensor : sent) {
    if (binary) {
      body.append(reinterpret_cast<const char*>(tensor->bytes().data()), tensor->bytes().size());
    }
  }
  return binary ? json_bytes : 0;
}

Status ReadInfer(std::string_view body, std::size_t json_bytes, std::string_view output,
                 Tensor& scores) {
  if (json_bytes > body.size()) {
    return NotTheProtocol("its JSON is said to be longer than the body");
  }
  const std::string_view text = json_bytes == 0 ? body : body.substr(0, json_bytes);
  std::string_view rest = body.substr(text.size());
  const json root = json::parse(text, nullptr, /*allow_exceptions=*/false);
  const json* outputs = Member(root, "outputs");
  if (outputs == nullptr || !outputs->is_array()) {
    return NotTheProtocol("'outputs' is no list");
  }
  for (const json& tensor : *outputs) {
    ASSIGN_OR_RETURN(const std::optional<std::size_t> size, RawSize(tensor, rest.size()));
    const std::string_view raw = rest.substr(0, size.value_or(0));
    if (TextOf(tensor, "name") == output) {
      return TakeValues(tensor, size ? std::optional(raw) : std::nullopt, scores);
    }
    rest.remove_prefix(raw.size());
  }
  return NotTheProtocol(fmt::format("it has no output '{}'", output));
}

}  // namespace vitrine::adapters
