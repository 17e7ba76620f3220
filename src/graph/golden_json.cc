#include "graph/golden_json.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "graph/json_fields.h"

namespace vitrine::graph {
namespace {

constexpr int kGoldenFormat = 1;

/// f(T{}) for the element type of a tensor. Precondition: HasNumbers(type).
template <typename F>
auto OnType(DType type, F&& f) {
  switch (type) {
    case DType::kBool:
      return f(bool{});
    case DType::kInt8:
      return f(std::int8_t{});
    case DType::kInt16:
      return f(std::int16_t{});
    case DType::kInt32:
      return f(std::int32_t{});
    case DType::kInt64:
      return f(std::int64_t{});
    case DType::kUint8:
      return f(std::uint8_t{});
    case DType::kUint16:
      return f(std::uint16_t{});
    case DType::kUint32:
      return f(std::uint32_t{});
    case DType::kUint64:
      return f(std::uint64_t{});
    case DType::kFloat32:
      return f(float{});
    case DType::kFloat64:
      return f(double{});
    case DType::kFloat16:
    case DType::kString:
      break;
  }
  CHECK(false);
}

bool HasNumbers(DType type) { return type != DType::kFloat16 && type != DType::kString; }

Result<Json> TensorJson(const Tensor& t) {
  if (!HasNumbers(t.dtype())) {
    return InvalidArgument(fmt::format("golden inputs of type {} are not kept ('{}')",
                                       DTypeName(t.dtype()), t.name()));
  }
  Json values = Json::array();
  const bool finite = OnType(t.dtype(), [&](auto type) {
    using T = decltype(type);
    for (const T v : t.values<T>()) {
      if constexpr (std::is_floating_point_v<T>) {
        if (!std::isfinite(v)) {
          return false;
        }
      }
      values.push_back(v);
    }
    return true;
  });
  if (!finite) {
    return InvalidArgument(
        fmt::format("the golden input '{}' holds a number that is not finite", t.name()));
  }
  return Json{{"name", t.name()},
              {"dtype", DTypeName(t.dtype())},
              {"shape", t.shape()},
              {"values", std::move(values)}};
}

Result<Tensor> ReadTensor(const Json& value, const std::string& field) {
  if (!value.is_object()) {
    return InvalidArgument(fmt::format("{} is not an object", field));
  }
  const Fields fields(value, field);
  std::string name;
  std::string dtype_name;
  Shape shape;
  RETURN_IF_ERROR(fields.Need("name", name));
  RETURN_IF_ERROR(fields.Need("dtype", dtype_name));
  RETURN_IF_ERROR(fields.Take("shape", shape));
  ASSIGN_OR_RETURN(const DType dtype, ParseDType(dtype_name, fields.NameOf("dtype")));
  if (!HasNumbers(dtype)) {
    return InvalidArgument(
        fmt::format("{}: golden inputs of type {} are not kept", field, dtype_name));
  }
  std::size_t wanted = 1;
  const std::size_t held = value.contains("values") ? value["values"].size() : 0;
  for (const std::int64_t dim : shape) {
    // The list holds every value, so no size can be beyond it.
    if (dim < 0 || static_cast<std::size_t>(dim) > held) {
      return InvalidArgument(fmt::format("{}.shape does not fit its values", field));
    }
    wanted *= static_cast<std::size_t>(dim);
    if (wanted > held) {
      break;
    }
  }
  if (wanted != held) {
    return InvalidArgument(fmt::format("{}.shape does not fit its values", field));
  }
  Tensor tensor(std::move(name), dtype, std::move(shape));
  std::size_t n = 0;
  RETURN_IF_ERROR(fields.ForEach("values", [&](const Json& v, const std::string& at) {
    return OnType(dtype, [&](auto type) {
      using T = decltype(type);
      ASSIGN_OR_RETURN(const T number, ReadValue<T>(v, at));
      tensor.values<T>()[n++] = number;
      return Status::Ok();
    });
  }));
  return tensor;
}

Result<GoldenRow> ReadRow(const Json& value, const std::string& field) {
  if (!value.is_object()) {
    return InvalidArgument(fmt::format("{} is not an object", field));
  }
  const Fields fields(value, field);
  GoldenRow row;
  RETURN_IF_ERROR(fields.Take("items", row.items));
  RETURN_IF_ERROR(fields.Take("scores", row.scores));
  if (row.items.size() != row.scores.size()) {
    return InvalidArgument(
        fmt::format("{} has {} items and {} scores", field, row.items.size(), row.scores.size()));
  }
  return row;
}

}  // namespace

GoldenRow TopOf(std::span<const double> scores) {
  std::vector<ItemIndex> order;
  if (scores.size() > kFirstItem) {
    order.resize(scores.size() - kFirstItem);
    std::iota(order.begin(), order.end(), kFirstItem);
  }
  const std::size_t n = std::min(kGoldenItems, order.size());
  const auto better = [&](ItemIndex a, ItemIndex b) {
    return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
  };
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n), order.end(),
                    better);
  order.resize(n);
  GoldenRow row;
  for (const ItemIndex item : order) {
    row.scores.push_back(scores[item]);
  }
  row.items = std::move(order);
  return row;
}

Result<std::string> GoldenToJson(const Golden& golden) {
  Json inputs = Json::array();
  for (const Tensor& t : golden.inputs) {
    ASSIGN_OR_RETURN(Json tensor, TensorJson(t));
    inputs.push_back(std::move(tensor));
  }
  Json rows = Json::array();
  for (const GoldenRow& row : golden.rows) {
    for (const double s : row.scores) {
      if (!std::isfinite(s)) {
        return InvalidArgument(
            fmt::format("golden row {} holds a score that is not finite", rows.size()));
      }
    }
    rows.push_back({{"items", row.items}, {"scores", row.scores}});
  }
  const Json json = {{"format", kGoldenFormat},
                     {"inputs", std::move(inputs)},
                     {"output", golden.output},
                     {"rows", std::move(rows)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Golden> ParseGolden(std::string_view text) {
  ASSIGN_OR_RETURN(const Json json, ParseObject(text, "golden.json"));
  RETURN_IF_ERROR(CheckFormat(json, kGoldenFormat, "golden.json"));
  const Fields fields(json, "");
  Golden golden;
  RETURN_IF_ERROR(fields.Need("output", golden.output).WithContext("golden.json"));
  const auto input = [&](const Json& value, const std::string& field) {
    ASSIGN_OR_RETURN(Tensor tensor, ReadTensor(value, field));
    golden.inputs.push_back(std::move(tensor));
    return Status::Ok();
  };
  const auto row = [&](const Json& value, const std::string& field) {
    ASSIGN_OR_RETURN(GoldenRow read, ReadRow(value, field));
    golden.rows.push_back(std::move(read));
    return Status::Ok();
  };
  RETURN_IF_ERROR(fields.ForEach("inputs", input).WithContext("golden.json"));
  RETURN_IF_ERROR(fields.ForEach("rows", row).WithContext("golden.json"));
  return golden;
}

}  // namespace vitrine::graph
