#include "train/models/sequence_trainer.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <random>
#include <utility>

#include "core/history.h"
#include "train/models/sequence_losses.h"

namespace vitrine::train {
namespace {

torch::Tensor Matrix(const std::vector<std::int64_t>& values, std::int64_t rows,
                     std::int64_t columns) {
  return torch::from_blob(const_cast<std::int64_t*>(values.data()), {rows, columns}, torch::kLong)
      .clone();
}

/// The items of one step, each once, and where each stands among them.
class StepItems {
 public:
  explicit StepItems(std::vector<std::int64_t>& slots) : slots_(slots) {}
  ~StepItems() {
    for (const std::int64_t row : rows_) {
      slots_[static_cast<std::size_t>(row)] = -1;
    }
  }
  StepItems(const StepItems&) = delete;
  StepItems& operator=(const StepItems&) = delete;

  /// Places among rows(), as a tensor of the shape of `items`; padding stands at 0.
  torch::Tensor Places(const torch::Tensor& items) {
    torch::Tensor places = torch::empty_like(items);
    const auto* from = items.data_ptr<std::int64_t>();
    auto* to = places.data_ptr<std::int64_t>();
    for (std::int64_t i = 0; i < items.numel(); ++i) {
      to[i] = from[i] < kFirstItem ? 0 : Slot(from[i] - kFirstItem);
    }
    return places;
  }
  /// Padding stands at 0 where everything is padding or hidden, too: an item whose gradient will be zero.
  void AtLeastOne() {
    if (rows_.empty()) {
      Slot(0);
    }
  }
  /// item - kFirstItem, in the order in which they came.
  std::vector<std::int64_t>& rows() { return rows_; }

 private:
  std::int64_t Slot(std::int64_t row) {
    std::int64_t& slot = slots_[static_cast<std::size_t>(row)];
    if (slot < 0) {
      slot = static_cast<std::int64_t>(rows_.size());
      rows_.push_back(row);
    }
    return slot;
  }
  std::vector<std::int64_t>& slots_;
  std::vector<std::int64_t> rows_;
};

torch::Tensor RowsOf(std::vector<std::int64_t>& rows) {
  return torch::from_blob(rows.data(), {static_cast<std::int64_t>(rows.size())}, torch::kLong);
}

/// The rows' vectors as a leaf that gathers their gradient.
torch::Tensor Leaf(const torch::Tensor& table, std::vector<std::int64_t>& rows) {
  return table.index_select(0, RowsOf(rows) + std::int64_t{kFirstItem}).requires_grad_(true);
}

/// Adds row i of `part` to row rows[i] of `all`.
void AddRows(const torch::Tensor& part, const std::vector<std::int64_t>& rows, torch::Tensor& all) {
  const std::int64_t width = all.size(1);
  const auto* from = part.data_ptr<float>();
  auto* to = all.data_ptr<float>();
  for (const std::int64_t row : rows) {
    for (std::int64_t i = 0; i < width; ++i) {
      to[row * width + i] += *from++;
    }
  }
}

/// The loss; its gradients are left in what `sampled` was made of.
double BackwardOfSampled(const SequenceOptions& options, const Sampled& sampled,
                         std::int64_t items) {
  if (options.loss != Loss::kSampledSoftmax) {
    const torch::Tensor loss = SampledLoss(options, sampled, items);
    loss.backward();
    return loss.item<double>();
  }
  const SampledGradients made = SampledSoftmax(sampled, items);
  torch::autograd::backward({sampled.states, sampled.positives, sampled.negatives},
                            {made.states, made.positives, made.negatives});
  return made.loss;
}

/// A loss above this many times the first step's is not learning any more.
constexpr double kExploded = 20;

}  // namespace

SequenceTrainer::SequenceTrainer(std::string algorithm, const SequenceOptions& options,
                                 std::shared_ptr<SequenceNetwork> network, SequenceBatches batches,
                                 const FitContext& context)
    : algorithm_(std::move(algorithm)),
      options_(options),
      network_(std::move(network)),
      batches_(std::move(batches)),
      context_(context),
      optimiser_(options, *network_, batches_.steps()),
      slots_(static_cast<std::size_t>(network_->item.size(0) - kFirstItem), -1) {}

double SequenceTrainer::Step(const SequenceBatch& batch) {
  const torch::Tensor inputs = Matrix(batch.inputs, batch.rows, batch.length);
  const torch::Tensor targets = Matrix(batch.targets, batch.rows, batch.length).view(-1);
  const torch::Tensor learn = targets.gt(0).nonzero().squeeze(1);
  const torch::Tensor wanted = targets.index_select(0, learn);
  torch::Tensor weights;
  if (!batch.weights.empty()) {
    weights = torch::tensor(batch.weights).index_select(0, learn);
  }
  const bool all = options_.loss == Loss::kSoftmax;
  const std::int64_t count = network_->item.size(0);
  torch::Tensor drawn;
  StepItems items(slots_);
  const torch::Tensor input_places = items.Places(inputs);
  torch::Tensor wanted_places;
  torch::Tensor drawn_places;
  if (!all) {
    drawn = torch::randint(kFirstItem, count, {options_.negatives}, torch::kLong);
    wanted_places = items.Places(wanted);
    drawn_places = items.Places(drawn);
  }
  items.AtLeastOne();
  const torch::Tensor leaf = Leaf(network_->item, items.rows());
  const torch::Tensor vectors =
      network_->Vectors(RowsOf(items.rows()) + std::int64_t{kFirstItem}, leaf);
  const torch::Tensor embedded =
      torch::embedding(vectors, input_places) * Known(inputs).unsqueeze(-1).to(torch::kFloat);
  const torch::Tensor states = network_->forward(inputs, embedded)
                                   .reshape({-1, network_->item.size(1)})
                                   .index_select(0, learn);
  optimiser_.Clear();
  if (all) {
    LossGradients made =
        SoftmaxOverAll(states.detach(), wanted - std::int64_t{kFirstItem},
                       network_->item.slice(0, kFirstItem), options_.label_smoothing, weights);
    states.backward(made.states);
    AddRows(leaf.grad().contiguous(), items.rows(), made.items);
    const bool done =
        std::isfinite(made.loss) && optimiser_.Step({.rows = {}, .values = made.items});
    return done ? made.loss : std::numeric_limits<double>::quiet_NaN();
  }
  const double value = BackwardOfSampled(
      options_,
      {.states = states,
       .positives = torch::embedding(vectors, wanted_places),
       .negatives = torch::embedding(vectors, drawn_places),
       .same = drawn.to(torch::kInt).unsqueeze(0).eq(wanted.to(torch::kInt).unsqueeze(1)),
       .weights = weights},
      count - kFirstItem);
  const bool done =
      std::isfinite(value) && optimiser_.Step({.rows = items.rows(), .values = leaf.grad()});
  return done ? value : std::numeric_limits<double>::quiet_NaN();
}

Status SequenceTrainer::Exploded(double loss, std::size_t step) const {
  const std::string kept = state_.epoch > 0 && !context_.checkpoint.empty()
                               ? fmt::format("; the checkpoint of epoch {} stands", state_.epoch)
                               : std::string();
  const std::string what =
      std::isfinite(loss)
          ? fmt::format("the loss exploded to {:.4g} (it began at {:.4g})", loss, state_.first_loss)
          : std::string("the loss or its gradient is not a finite number");
  return DataLoss(fmt::format(
      "{}: {} in epoch {}, step {}; lower learning_rate ({}) or clip ({}){}", algorithm_, what,
      state_.epoch + 1, step, options_.learning_rate, options_.clip, kept));
}

Result<double> SequenceTrainer::Epoch() {
  const std::uint64_t seed = EpochSeed(context_.seed, state_.epoch);
  torch::manual_seed(seed);
  std::mt19937_64 random(seed);
  network_->train();
  double sum = 0;
  double rows = 0;
  std::size_t step = 0;
  for (const auto& windows : batches_.Shuffle(random)) {
    if (context_.progress.cancelled()) {
      return Cancelled("training was cancelled; the same command goes on from its checkpoint");
    }
    const SequenceBatch batch =
        options_.learn == Learn::kMasked
            ? batches_.MakeMasked(windows, options_.mask, options_.mask_newest, random)
            : batches_.Make(windows);
    const double value = Step(batch);
    ++step;
    state_.first_loss = state_.first_loss == 0 ? value : state_.first_loss;
    if (!std::isfinite(value) || value > kExploded * state_.first_loss) {
      return Exploded(value, step);
    }
    sum += value * static_cast<double>(batch.rows);
    rows += static_cast<double>(batch.rows);
  }
  network_->eval();
  return sum / rows;
}

Status SequenceTrainer::Validate(const std::function<Result<double>()>& validate) {
  optimiser_.ExchangeAverage();
  network_->Refresh();
  const Result<double> measured = validate();
  if (!measured.ok()) {
    return measured.status();
  }
  const double value = *measured;
  if (state_.best_weights.empty() || value > state_.best_value) {
    state_.best_epoch = state_.epoch;
    state_.best_value = value;
    state_.best_weights = CopiesOf(network_->parameters());
  }
  optimiser_.ExchangeAverage();
  return Status::Ok();
}

bool SequenceTrainer::Finished(std::int64_t epochs) const {
  if (state_.epoch >= epochs) {
    return true;
  }
  const bool judged = !state_.best_weights.empty();
  return judged && state_.epoch - state_.best_epoch >= options_.patience * options_.validate_every;
}

void SequenceTrainer::Report(double loss, std::int64_t epochs) const {
  std::string detail = fmt::format("loss {:.4f}", loss);
  if (!state_.best_weights.empty()) {
    detail += fmt::format(", best {:.4f} at epoch {}", state_.best_value, state_.best_epoch);
  }
  context_.progress.report({.stage = "epoch",
                            .done = static_cast<double>(state_.epoch),
                            .total = static_cast<double>(epochs),
                            .unit = "epochs",
                            .detail = std::move(detail)});
}

Result<FitOutcome> SequenceTrainer::Run(const std::function<Result<double>()>& validate) {
  const auto chosen = context_.chosen.find("epochs");
  const bool judge = validate != nullptr && chosen == context_.chosen.end();
  const std::int64_t epochs =
      chosen == context_.chosen.end() ? options_.epochs : static_cast<std::int64_t>(chosen->second);
  LoadCheckpoint();
  while (!Finished(epochs)) {
    Result<double> loss = Epoch();
    if (!loss.ok()) {
      return loss.status();  // the checkpoint of the last whole epoch stands
    }
    state_.loss = *loss;
    ++state_.epoch;
    if (judge && (state_.epoch % options_.validate_every == 0 || state_.epoch == epochs)) {
      RETURN_IF_ERROR(Validate(validate));
    }
    RETURN_IF_ERROR(SaveCheckpoint());
    Report(state_.loss, epochs);
  }
  return Outcome();
}

FitOutcome SequenceTrainer::Outcome() {
  network_->eval();
  const torch::NoGradGuard no_grad;
  FitOutcome outcome;
  outcome.chosen["epochs"] = static_cast<double>(state_.epoch);
  if (state_.best_weights.empty()) {
    optimiser_.ExchangeAverage();
  } else {
    auto weights = network_->parameters();
    for (std::size_t i = 0; i < weights.size(); ++i) {
      weights[i].copy_(state_.best_weights[i]);
    }
    outcome.chosen["epochs"] = static_cast<double>(state_.best_epoch);
    outcome.best = state_.best_value;
  }
  network_->Refresh();
  outcome.notes = {{"loss", state_.loss},
                   {"epochs", static_cast<double>(state_.epoch)},
                   {"targets", static_cast<double>(batches_.targets())}};
  return outcome;
}

Status SequenceTrainer::SaveCheckpoint() const {
  return SaveFit(context_.checkpoint, context_.fingerprint, state_, *network_,
                 [this](torch::serialize::OutputArchive& archive) { optimiser_.Save(archive); });
}

void SequenceTrainer::LoadCheckpoint() {
  LoadFit(context_.checkpoint, context_.fingerprint, state_, *network_,
          [this](torch::serialize::InputArchive& archive) { optimiser_.Load(archive); });
}

}  // namespace vitrine::train
