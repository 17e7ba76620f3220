#include "core/check.h"
#include "fuzz/targets.h"
#include "graph/check.h"
#include "graph/item_vectors.h"
#include "graph/npy.h"
#include "graph/text_fields.h"

namespace vitrine::fuzz {

void OnnxModel(std::string_view bytes) {
  const auto summary = graph::CheckModel(bytes);
  CHECK(summary.ok() || summary.status().code() == Code::kInvalidArgument ||
        summary.status().code() == Code::kDataLoss ||
        summary.status().code() == Code::kResourceExhausted);
  if (summary.ok()) {
    CHECK(!summary->outputs.empty());
  }
}

void ItemVectors(std::string_view bytes) {
  const auto vectors = graph::ParseItemVectors(bytes);
  if (vectors.ok()) {
    CHECK(*graph::ItemVectorsToBytes(*vectors) == bytes);
  }
}

void NpyMatrix(std::string_view bytes) {
  const auto matrix = graph::ParseNpyMatrix(bytes);
  CHECK(!matrix.ok() || (matrix->values.size() * sizeof(float) < bytes.size() &&
                         matrix->values.size() == matrix->rows * matrix->columns));
}

void TextFields(std::string_view bytes) {
  const auto fields = graph::ReadTextFields(bytes);
  CHECK(fields.ok() || !fields.status().message().empty());
}

}  // namespace vitrine::fuzz
