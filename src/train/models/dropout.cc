#include "train/models/torch_headers.h"

#include "train/models/dropout.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cstddef>
#include <cstdint>
#include <mutex>

#include "train/models/row_kernels.h"

namespace vitrine::train {
namespace {

std::uint64_t NextNumber() {
  at::Generator generator = at::detail::getDefaultCPUGenerator();
  const std::lock_guard<std::mutex> lock(generator.mutex());
  return at::check_generator<at::CPUGeneratorImpl>(generator)->random64();
}

}  // namespace

torch::Tensor DropoutImpl::forward(const torch::Tensor& x) {
  if (!is_training() || rate_ == 0) {
    return x;
  }
  const torch::Tensor mask = torch::empty(x.sizes());
  DrawMask(NextNumber(), 1 - rate_, static_cast<float>(1 / (1 - rate_)), mask.data_ptr<float>(),
           static_cast<std::size_t>(mask.numel()));
  return x * mask;
}

}  // namespace vitrine::train
