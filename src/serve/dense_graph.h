/// A retriever whose graph answers a query vector: the scores are its inner products with the item
/// vectors of the artifact. As a LoadedGraph it gives every score, so that evaluating, probing, explaining
/// and asking by tensors need not know; requests take the query and search.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/guarded.h"
#include "core/status.h"
#include "core/tensor.h"
#include "graph/artifact_files.h"
#include "graph/item_vectors.h"
#include "search/nearest_items.h"
#include "serve/model_runtime.h"
#include "serve/retrieval.h"

namespace vitrine::serve {

/// Threads: any, once it is shared.
class DenseGraph final : public LoadedGraph {
 public:
  /// Errors: kInvalidArgument (the encoder's first output is not [rows, query_width] of float32; vectors
  ///         that cannot be searched: names the row).
  static Result<std::unique_ptr<DenseGraph>> Make(std::unique_ptr<LoadedGraph> encoder,
                                                  const graph::ItemVectors& vectors);

  /// The encoder's.
  [[nodiscard]] const std::vector<TensorSpec>& inputs() const override {
    return encoder_->inputs();
  }
  /// `scores` [rows, width] float32.
  [[nodiscard]] const std::vector<TensorSpec>& outputs() const override { return outputs_; }
  /// The scores that a search gives, bit for bit.
  /// Errors: also kInternal (the encoder's answer is no query vector: says what it is).
  Status Run(std::span<const Tensor> inputs, std::vector<Tensor>& outputs) const override;

  /// Runs the encoder. `encoded` takes its outputs, `queries` one vector a row of the inputs, [B,
  /// items().matrix().width()]: with the 1 that a bias is multiplied by, each accepted by CheckQuery.
  /// Errors: as Run. Allocates nothing of its own once both have room.
  Status Encode(std::span<const Tensor> inputs, std::vector<Tensor>& encoded,
                std::vector<float>& queries) const;

  [[nodiscard]] const search::NearestItems& items() const { return items_; }
  /// An item's vector without its bias. Precondition: row < items().matrix().rows().
  [[nodiscard]] std::span<const float> VectorOf(std::size_t row) const {
    const search::ItemMatrix& matrix = items_.matrix();
    return {matrix.values() + row * matrix.stride(), matrix.width() - (bias_ ? 1U : 0U)};
  }

  /// How items are found for requests: exactly, until something else is set. Threads: any.
  void set_retrieval(Retrieval retrieval) {
    retrieval_.Publish(std::make_shared<const Retrieval>(std::move(retrieval)));
  }
  /// Null: nothing was measured.
  [[nodiscard]] std::shared_ptr<const Retrieval> retrieval() const { return retrieval_.Get(); }

 private:
  DenseGraph(std::unique_ptr<LoadedGraph> encoder, search::ItemMatrix matrix, bool bias);

  std::unique_ptr<LoadedGraph> encoder_;
  search::NearestItems items_;
  std::vector<TensorSpec> outputs_;
  Published<Retrieval> retrieval_;
  bool bias_;
};

/// The graph of an artifact as what scores: the model file, with its item vectors where it has some.
/// `width`: the vocabulary's.
/// Errors: those of ModelRuntime::Load, ParseItemVectors and DenseGraph::Make; kDataLoss (a file's hash
///         differs, or its vectors are of another vocabulary).
Result<std::unique_ptr<LoadedGraph>> LoadScoringGraph(const graph::Artifact& artifact,
                                                      std::size_t width, ModelRuntime& runtime,
                                                      const RuntimeOptions& options = {});

}  // namespace vitrine::serve
