#include "graph/promised_tensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace vitrine::graph {
namespace {

bool Agree(const TensorSpec& a, const TensorSpec& b) {
  return a.dtype == b.dtype &&
         std::equal(a.shape.begin(), a.shape.end(), b.shape.begin(), b.shape.end(),
                    [](std::int64_t x, std::int64_t y) { return x < 0 || y < 0 || x == y; });
}

}  // namespace

Status CheckPromised(const std::vector<TensorSpec>& promised, const std::vector<TensorSpec>& real,
                     std::string_view what, std::string_view by) {
  for (const TensorSpec& want : promised) {
    const auto found = std::find_if(real.begin(), real.end(),
                                    [&](const TensorSpec& s) { return s.name == want.name; });
    if (found == real.end()) {
      return InvalidArgument(
          fmt::format("{} names the {} '{}', the model has none", by, what, want.name));
    }
    if (!Agree(*found, want)) {
      return InvalidArgument(fmt::format("the {} '{}' is {} [{}] in {} and {} [{}] in the model",
                                         what, want.name, DTypeName(want.dtype),
                                         fmt::join(want.shape, ", "), by, DTypeName(found->dtype),
                                         fmt::join(found->shape, ", ")));
    }
  }
  return Status::Ok();
}

}  // namespace vitrine::graph
