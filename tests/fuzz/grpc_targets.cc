#include <string>
#include <vector>

#include "core/check.h"
#include "fuzz/targets.h"
#include "transport/grpc/tensors.h"

namespace vitrine::fuzz {

void InferenceMessage(std::string_view bytes) {
  ::inference::ModelInferRequest request;
  if (!request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return;
  }
  std::vector<Tensor> inputs;
  const Status status = rpc::ReadInputs(request, inputs);
  CHECK(status.ok() || status.code() == Code::kInvalidArgument ||
        status.code() == Code::kUnimplemented);
  if (status.ok()) {  // what was read can be written: the inputs come back as a model's outputs
    ::inference::ModelInferResponse answer;
    const Status written = rpc::WriteAnswer(request, "m", "1", inputs, answer);
    CHECK(written.ok() || written.code() == Code::kInvalidArgument);
  }
}

}  // namespace vitrine::fuzz
