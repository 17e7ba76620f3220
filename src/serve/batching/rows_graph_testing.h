/// A graph for tests of queues and batches: y = 2 x + 1, row by row, at a cost and with failures that the test
/// decides.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "serve/batching/inference_task.h"
#include "serve/servable.h"

namespace vitrine::serve {

/// What the test and the graph share.
struct RowsGraphControl {
  std::atomic<int> runs{0};
  std::atomic<std::int64_t> most_rows{0};           ///< of one run so far
  std::function<Status(std::int64_t rows)> before;  ///< called in each run; its error fails the run
};

class RowsGraph final : public LoadedGraph {
 public:
  explicit RowsGraph(std::shared_ptr<RowsGraphControl> control) : control_(std::move(control)) {}
  [[nodiscard]] const std::vector<TensorSpec>& inputs() const override { return inputs_; }
  [[nodiscard]] const std::vector<TensorSpec>& outputs() const override { return outputs_; }
  Status Run(std::span<const Tensor> inputs, std::vector<Tensor>& outputs) const override {
    const Tensor& x = inputs.front();
    const std::int64_t rows = x.shape().front();
    ++control_->runs;
    control_->most_rows = std::max(control_->most_rows.load(), rows);
    if (control_->before) {
      RETURN_IF_ERROR(control_->before(rows));
    }
    outputs.resize(1);
    outputs[0].set_name("y");
    outputs[0].Resize(DType::kFloat32, x.shape());
    std::transform(x.values<float>().begin(), x.values<float>().end(),
                   outputs[0].values<float>().begin(), [](float v) { return 2 * v + 1; });
    return Status::Ok();
  }

 private:
  std::shared_ptr<RowsGraphControl> control_;
  std::vector<TensorSpec> inputs_ = {{.name = "x", .dtype = DType::kFloat32, .shape = {-1, -1}}};
  std::vector<TensorSpec> outputs_ = {{.name = "y", .dtype = DType::kFloat32, .shape = {-1, -1}}};
};

/// A model of this graph that joins `batch_rows`.
class RowsModel final : public Servable {
 public:
  RowsModel(const std::string& version, std::int64_t batch_rows,
            std::shared_ptr<RowsGraphControl> control, double seconds = 0.0001)
      : Servable(version, ManifestOf(version), std::make_unique<RowsGraph>(std::move(control))) {
    set_batch({.rows = batch_rows, .seconds = seconds});
  }

 private:
  static Manifest ManifestOf(const std::string& version) {
    Manifest manifest;
    manifest.name = version.substr(0, version.rfind(':'));
    manifest.max_rows = 1024;
    return manifest;
  }
};

class RowsTask final : public InferenceTask {
 public:
  RowsTask(std::shared_ptr<const Servable> of, std::int64_t rows, std::int64_t length,
           float value) {
    model = std::move(of);
    const std::vector<float> values(static_cast<std::size_t>(rows * length), value);
    inputs.push_back(Tensor::Of<float>("x", {rows, length}, values));
    queued = std::chrono::steady_clock::now();
  }
  void Done() override {
    const std::function<void()> next = std::move(then);  // once it is counted, it may be gone
    ++done;
    if (next) {
      next();
    }
  }
  /// Whether its answer is its own.
  [[nodiscard]] bool Right() const {
    if (!status.ok() || outputs.size() != 1 || outputs[0].shape() != inputs[0].shape()) {
      return false;
    }
    const float want = 2 * inputs[0].values<float>().front() + 1;
    const auto got = outputs[0].values<float>();
    return std::all_of(got.begin(), got.end(), [want](float v) { return v == want; });
  }

  std::atomic<int> done{0};
  std::function<void()> then;
};

}  // namespace vitrine::serve
