/// What a load on the Open Inference Protocol v2 needs: bodies with made-up inputs, and the server's
/// own account of where the time went.
/// Threads: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "core/tensor.h"
#include "transport/http/client.h"

namespace vitrine::http {

struct InferenceLoad {
  std::map<std::string, Shape> shapes;  ///< by input; free axes of others become 1
  bool binary = false;                  ///< raw tensors, both ways, instead of JSON
  double low = 0;                       ///< values are drawn from [low, high]; whole ones for
  double high = 1;                      ///< integers, and their digits for strings
  std::uint64_t seed = 1;
  std::size_t bodies = 64;  ///< different ones
};

struct InferenceRequest {
  std::string body;
  HeaderList headers;
};

/// `metadata` is the answer of GET /v2/models/NAME. Equal on every machine for one seed.
/// Errors: kInvalidArgument (a shape for an input that is not there, or that does not fit; no range),
///         kDataLoss (not such an answer), kUnimplemented (a datatype that we do not know)
Result<std::vector<InferenceRequest>> MakeInferenceRequests(std::string_view metadata,
                                                            const InferenceLoad& load);

/// Sums since the server's start.
struct InferenceSplit {
  std::uint64_t requests = 0;  ///< that succeeded
  std::uint64_t failed = 0;
  std::uint64_t total = 0;  ///< nanoseconds, as the following
  std::uint64_t queue = 0;
  std::uint64_t input = 0;
  std::uint64_t infer = 0;
  std::uint64_t output = 0;

  /// What came between `before` and this.
  [[nodiscard]] InferenceSplit Since(const InferenceSplit& before) const;
};

/// `stats` is the answer of GET /v2/models/NAME/stats; several versions are added up.
/// Errors: kDataLoss
Result<InferenceSplit> ReadInferenceSplit(std::string_view stats);

}  // namespace vitrine::http
