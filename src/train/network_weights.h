/// network.f32: the weights of a network beside its item vectors, from which a later fit may start. A line of JSON
/// that names them with their shapes, then their float32 values, little-endian, in that order.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/tensor.h"

namespace vitrine::train {

inline constexpr std::string_view kNetworkWeightsFile = "network.f32";

struct NetworkWeight {
  std::string name;
  Shape shape;
  std::vector<float> values;
};

std::string NetworkWeightsToBytes(const std::vector<NetworkWeight>& weights);
/// Errors: kInvalidArgument (another file, not as long as its first line says, a value that is no number).
Result<std::vector<NetworkWeight>> ParseNetworkWeights(std::string_view bytes);

}  // namespace vitrine::train
