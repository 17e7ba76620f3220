#include "transport/inference/tensors.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include <fmt/format.h>

namespace vitrine::inference {

std::optional<std::uint64_t> CountOf(std::span<const std::int64_t> shape) {
  std::uint64_t count = 1;
  for (const std::int64_t size : shape) {
    if (size < 0 || (size > 0 && count > std::uint64_t{std::numeric_limits<std::int64_t>::max()} /
                                             static_cast<std::uint64_t>(size))) {
      return std::nullopt;
    }
    count *= static_cast<std::uint64_t>(size);
  }
  return count;
}

Status WrongInput(const Tensor& tensor, std::string_view why) {
  return InvalidArgument(fmt::format("the input '{}' {}", tensor.name(), why));
}

Status PrepareInput(std::string_view name, DType type, std::span<const std::int64_t> shape,
                    std::uint64_t most, Tensor& tensor) {
  const std::optional<std::uint64_t> count = CountOf(shape);
  if (!count || *count > most) {
    return InvalidArgument(fmt::format("the input '{}' has shape [{}], which its data cannot fill",
                                       name, fmt::join(shape, ", ")));
  }
  tensor.set_name(std::string(name));
  tensor.Resize(type, shape);
  return Status::Ok();
}

Status ReadRawValues(std::string_view bytes, Tensor& tensor) {
  if (tensor.dtype() == DType::kString) {
    std::vector<std::string_view> elements;
    for (std::int64_t left = tensor.size(); left > 0; --left) {
      std::uint32_t length = 0;
      if (bytes.size() < sizeof(length)) {
        return WrongInput(tensor, "has fewer strings than its shape wants");
      }
      std::memcpy(&length, bytes.data(), sizeof(length));
      bytes.remove_prefix(sizeof(length));
      if (length > bytes.size()) {
        return WrongInput(tensor, "has a string that is longer than its bytes");
      }
      elements.push_back(bytes.substr(0, length));
      bytes.remove_prefix(length);
    }
    if (!bytes.empty()) {
      return WrongInput(tensor, fmt::format("has {} bytes behind its last string", bytes.size()));
    }
    const Shape shape = tensor.shape();
    tensor.SetStrings(shape, elements);
    return Status::Ok();
  }
  if (bytes.size() != tensor.bytes().size()) {
    return WrongInput(tensor, fmt::format("came with {} bytes, its type and shape want {}",
                                          bytes.size(), tensor.bytes().size()));
  }
  if (!bytes.empty()) {
    std::memcpy(tensor.bytes().data(), bytes.data(), bytes.size());
  }
  if (tensor.dtype() == DType::kBool) {
    for (std::byte& value : tensor.bytes()) {
      value = value == std::byte{0} ? std::byte{0} : std::byte{1};  // a bool is nothing else
    }
  }
  return Status::Ok();
}

Result<const Tensor*> OutputOf(const std::vector<Tensor>& outputs, std::string_view name) {
  const auto found = std::find_if(outputs.begin(), outputs.end(),
                                  [name](const Tensor& tensor) { return tensor.name() == name; });
  if (found == outputs.end()) {
    return InvalidArgument(fmt::format("the model has no output '{}'", name));
  }
  return &*found;
}

}  // namespace vitrine::inference
