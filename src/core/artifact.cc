#include "core/artifact.h"

namespace vitrine {

std::string_view ModelKindName(ModelKind kind) {
  switch (kind) {
    case ModelKind::kRetriever:
      return "retriever";
    case ModelKind::kRanker:
      return "ranker";
    case ModelKind::kEncoder:
      return "encoder";
    case ModelKind::kIndex:
      return "index";
    case ModelKind::kGraph:
      return "graph";
  }
  CHECK(false);
}

}  // namespace vitrine
