/// A model's folder as Triton keeps it: NAME/config.pbtxt beside NAME/1/model.onnx, NAME/2/model.onnx, …
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/artifact.h"
#include "core/status.h"

namespace vitrine::graph {

struct TritonModel {
  std::string name;           ///< the config's, else the folder's
  std::string model_path;     ///< of the highest version
  std::int64_t version = 0;   ///< the folder's number
  std::int64_t max_rows = 0;  ///< the config's max_batch_size; 0: none
  std::vector<TensorSpec>
      inputs;  ///< as the config names them, the batch's axis (-1) first where there is one
  std::vector<TensorSpec> outputs;
};

/// True for a folder that holds config.pbtxt or a numbered folder with a model file.
bool IsTritonModel(const std::string& folder);

/// Errors: kNotFound (no numbered folder with a model file), kInvalidArgument (config.pbtxt: line and column
///         of what cannot be read; another backend; a type that Vitrine does not carry).
Result<TritonModel> ReadTritonModel(const std::string& folder);

}  // namespace vitrine::graph
