#include "train/network_weights.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace vitrine::train {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::int64_t kMostValues = std::int64_t{1} << 31;

Status Wrong(std::string_view what) {
  return InvalidArgument(fmt::format("{}: {}", kNetworkWeightsFile, what));
}

/// Values of a shape; none where it cannot be one.
Result<std::size_t> ValuesOf(const Json& shape) {
  std::int64_t values = 1;
  if (!shape.is_array()) {
    return Wrong("a weight has no shape");
  }
  for (const Json& size : shape) {
    if (!size.is_number_integer() || size.get<std::int64_t>() < 0 ||
        size.get<std::int64_t>() > kMostValues) {
      return Wrong("a weight's shape cannot be");
    }
    values *= size.get<std::int64_t>();
    if (values > kMostValues) {
      return Wrong("a weight's shape cannot be");
    }
  }
  return static_cast<std::size_t>(values);
}

}  // namespace

std::string NetworkWeightsToBytes(const std::vector<NetworkWeight>& weights) {
  Json list = Json::array();
  for (const NetworkWeight& weight : weights) {
    list.push_back({{"name", weight.name}, {"shape", weight.shape}});
  }
  std::string bytes = Json{{"format", 1}, {"weights", std::move(list)}}.dump() + "\n";
  for (const NetworkWeight& weight : weights) {
    const std::size_t at = bytes.size();
    bytes.resize(at + weight.values.size() * sizeof(float));
    std::memcpy(bytes.data() + at, weight.values.data(), weight.values.size() * sizeof(float));
  }
  return bytes;
}

Result<std::vector<NetworkWeight>> ParseNetworkWeights(std::string_view bytes) {
  const std::size_t end = bytes.find('\n');
  const Json head = Json::parse(bytes.substr(0, end), nullptr, /*allow_exceptions=*/false);
  if (end == std::string_view::npos || !head.is_object() || head.value("format", Json()) != 1 ||
      !head.contains("weights") || !head["weights"].is_array()) {
    return Wrong("its first line does not name its weights");
  }
  std::vector<NetworkWeight> weights;
  std::string_view rest = bytes.substr(end + 1);
  for (const Json& entry : head["weights"]) {
    if (!entry.is_object() || !entry.value("name", Json()).is_string()) {
      return Wrong("a weight has no name");
    }
    ASSIGN_OR_RETURN(const std::size_t values, ValuesOf(entry.value("shape", Json())));
    if (rest.size() / sizeof(float) < values) {
      return Wrong("it is cut off");
    }
    NetworkWeight& weight = weights.emplace_back();
    weight.name = entry["name"].get<std::string>();
    weight.shape = entry["shape"].get<Shape>();
    weight.values.resize(values);
    std::memcpy(weight.values.data(), rest.data(), values * sizeof(float));
    rest.remove_prefix(values * sizeof(float));
    for (const float value : weight.values) {
      if (!std::isfinite(value)) {
        return Wrong(fmt::format("{} holds a value that is no number", weight.name));
      }
    }
  }
  return rest.empty() ? Result<std::vector<NetworkWeight>>(std::move(weights))
                      : Wrong("it is longer than its first line says");
}

}  // namespace vitrine::train
