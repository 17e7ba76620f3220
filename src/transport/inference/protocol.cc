#include "transport/inference/protocol.h"

#include "transport/inference/types.h"

namespace vitrine::inference {

serve::Priority PriorityOf(std::uint64_t number) {
  switch (number) {
    case 0:
    case 2:
      return serve::Priority::kNormal;
    case 1:
      return serve::Priority::kHigh;
    default:
      return serve::Priority::kLow;
  }
}

std::string ConfigTypeName(DType type) {
  return type == DType::kString ? "TYPE_STRING" : "TYPE_" + std::string(ProtocolTypeName(type));
}

std::span<const std::int64_t> ConfigDims(const Manifest& manifest, const TensorSpec& tensor) {
  const std::span<const std::int64_t> shape(tensor.shape);
  return shape.subspan(manifest.max_rows > 0 && !shape.empty() ? 1 : 0);
}

std::string_view IndexState(serve::VersionState state) {
  switch (state) {
    case serve::VersionState::kWarm:
    case serve::VersionState::kServing:
      return "READY";
    case serve::VersionState::kNew:
    case serve::VersionState::kLoading:
      return "LOADING";
    case serve::VersionState::kRetired:
    case serve::VersionState::kFailed:
      break;
  }
  return "UNAVAILABLE";
}

Status NoSequences() {
  return Unimplemented("this server keeps no sequences; send each request whole");
}

Status NoClassification() {
  return Unimplemented("this server does not classify; take the values of the output");
}

Status NoSharedInputs() {
  return Unimplemented("this server takes no tensors from shared memory; send them");
}

Status NoSharedOutputs() { return Unimplemented("this server puts no tensors into shared memory"); }

}  // namespace vitrine::inference
