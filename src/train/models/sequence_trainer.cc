#include "train/models/sequence_trainer.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <limits>
#include <random>
#include <thread>
#include <utility>

#include "core/history.h"
#include "graph/whole_file.h"
#include "train/models/sequence_losses.h"

namespace vitrine::train {
namespace {

/// A stream of its own for every epoch (SplitMix64's finaliser: Steele et al., OOPSLA 2014).
std::uint64_t EpochSeed(std::uint64_t seed, std::int64_t epoch) {
  std::uint64_t z = seed + 0x9e3779b97f4a7c15ULL * (static_cast<std::uint64_t>(epoch) + 1);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

torch::Tensor Matrix(const std::vector<std::int64_t>& values, std::int64_t rows,
                     std::int64_t columns) {
  return torch::from_blob(const_cast<std::int64_t*>(values.data()), {rows, columns}, torch::kLong)
      .clone();
}

std::vector<torch::Tensor> Copy(const std::vector<torch::Tensor>& weights) {
  std::vector<torch::Tensor> copies;
  copies.reserve(weights.size());
  for (const torch::Tensor& weight : weights) {
    copies.push_back(weight.detach().clone());
  }
  return copies;
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

/// The rows' vectors as a leaf that gathers their gradient.
torch::Tensor Leaf(const torch::Tensor& table, std::vector<std::int64_t>& rows) {
  const torch::Tensor index =
      torch::from_blob(rows.data(), {static_cast<std::int64_t>(rows.size())}, torch::kLong);
  return table.index_select(0, index + std::int64_t{kFirstItem}).requires_grad_(true);
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

/// A loss above this many times the first step's is not learning any more.
constexpr double kExploded = 20;

}  // namespace

void SetThreads(std::int64_t threads) {
  const int count = threads > 0
                        ? static_cast<int>(threads)
                        : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  torch::set_num_threads(count);
  // OpenBLAS keeps threads of its own, and LibTorch has no word for them.
  if (void* set = ::dlsym(RTLD_DEFAULT, "openblas_set_num_threads"); set != nullptr) {
    reinterpret_cast<void (*)(int)>(set)(count);
  }
}

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
  const torch::Tensor leaf = Leaf(network_->item, items.rows());
  const torch::Tensor embedded =
      torch::embedding(leaf, input_places) * Known(inputs).unsqueeze(-1).to(torch::kFloat);
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
  const torch::Tensor loss = SampledLoss(options_,
                                         {.states = states,
                                          .positives = torch::embedding(leaf, wanted_places),
                                          .negatives = torch::embedding(leaf, drawn_places),
                                          .same = drawn.unsqueeze(0).eq(wanted.unsqueeze(1)),
                                          .weights = weights},
                                         count - kFirstItem);
  loss.backward();
  const auto value = loss.item<double>();
  const bool done =
      std::isfinite(value) && optimiser_.Step({.rows = items.rows(), .values = leaf.grad()});
  return done ? value : std::numeric_limits<double>::quiet_NaN();
}

Status SequenceTrainer::Exploded(double loss, std::size_t step) const {
  const std::string kept = epoch_ > 0 && !context_.checkpoint.empty()
                               ? fmt::format("; the checkpoint of epoch {} stands", epoch_)
                               : std::string();
  const std::string what =
      std::isfinite(loss)
          ? fmt::format("the loss exploded to {:.4g} (it began at {:.4g})", loss, first_loss_)
          : std::string("the loss or its gradient is not a finite number");
  return DataLoss(
      fmt::format("{}: {} in epoch {}, step {}; lower learning_rate ({}) or clip ({}){}",
                  algorithm_, what, epoch_ + 1, step, options_.learning_rate, options_.clip, kept));
}

Result<double> SequenceTrainer::Epoch() {
  const std::uint64_t seed = EpochSeed(context_.seed, epoch_);
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
    const SequenceBatch batch = batches_.Make(windows);
    const double value = Step(batch);
    ++step;
    first_loss_ = first_loss_ == 0 ? value : first_loss_;
    if (!std::isfinite(value) || value > kExploded * first_loss_) {
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
  const Result<double> measured = validate();
  if (!measured.ok()) {
    return measured.status();
  }
  const double value = *measured;
  if (value > best_.value) {
    best_ = {epoch_, value, Copy(network_->parameters())};
  }
  optimiser_.ExchangeAverage();
  return Status::Ok();
}

bool SequenceTrainer::Finished(std::int64_t epochs) const {
  if (epoch_ >= epochs) {
    return true;
  }
  const bool judged = !best_.weights.empty();
  return judged && epoch_ - best_.epoch >= options_.patience * options_.validate_every;
}

void SequenceTrainer::Report(double loss, std::int64_t epochs) const {
  std::string detail = fmt::format("loss {:.4f}", loss);
  if (!best_.weights.empty()) {
    detail += fmt::format(", best {:.4f} at epoch {}", best_.value, best_.epoch);
  }
  context_.progress.report({.stage = "epoch",
                            .done = static_cast<double>(epoch_),
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
    loss_ = *loss;
    ++epoch_;
    if (judge && (epoch_ % options_.validate_every == 0 || epoch_ == epochs)) {
      RETURN_IF_ERROR(Validate(validate));
    }
    RETURN_IF_ERROR(SaveCheckpoint());
    Report(loss_, epochs);
  }
  return Outcome();
}

FitOutcome SequenceTrainer::Outcome() {
  network_->eval();
  const torch::NoGradGuard no_grad;
  FitOutcome outcome;
  outcome.chosen["epochs"] = static_cast<double>(epoch_);
  if (best_.weights.empty()) {
    optimiser_.ExchangeAverage();
  } else {
    auto weights = network_->parameters();
    for (std::size_t i = 0; i < weights.size(); ++i) {
      weights[i].copy_(best_.weights[i]);
    }
    outcome.chosen["epochs"] = static_cast<double>(best_.epoch);
    outcome.best = best_.value;
  }
  outcome.notes = {{"loss", loss_},
                   {"epochs", static_cast<double>(epoch_)},
                   {"targets", static_cast<double>(batches_.targets())}};
  return outcome;
}

Status SequenceTrainer::SaveCheckpoint() const {
  if (context_.checkpoint.empty()) {
    return Status::Ok();
  }
  graph::WholeFile file(context_.checkpoint);
  try {
    torch::serialize::OutputArchive archive;
    archive.write("fingerprint", c10::IValue(context_.fingerprint));
    archive.write("epoch", c10::IValue(epoch_));
    archive.write("loss", c10::IValue(loss_));
    archive.write("first_loss", c10::IValue(first_loss_));
    archive.write("best_epoch", c10::IValue(best_.epoch));
    archive.write("best_value", c10::IValue(best_.value));
    archive.write("best_weights", c10::IValue(c10::List<torch::Tensor>(best_.weights)));
    torch::serialize::OutputArchive network;
    network_->save(network);
    archive.write("network", network);
    torch::serialize::OutputArchive optimiser;
    optimiser_.Save(optimiser);
    archive.write("optimiser", optimiser);
    archive.save_to([&file](const void* bytes, std::size_t size) {
      file.Write(bytes, size);
      return size;  // LibTorch's writer throws in its destructor where it hears of a failure; Keep tells
    });
  } catch (const std::exception& e) {
    return Internal(fmt::format("{}: {}", context_.checkpoint, e.what()));
  }
  return file.Keep();
}

bool SequenceTrainer::LoadCheckpoint() {
  std::error_code error;
  if (context_.checkpoint.empty() || !std::filesystem::exists(context_.checkpoint, error)) {
    return false;
  }
  try {
    torch::serialize::InputArchive archive;
    archive.load_from(context_.checkpoint);
    const auto read = [&archive](const char* key) {
      c10::IValue value;
      archive.read(key, value);
      return value;
    };
    if (read("fingerprint").toStringRef() != context_.fingerprint) {
      return false;
    }
    torch::serialize::InputArchive network;
    archive.read("network", network);
    torch::serialize::InputArchive optimiser;
    archive.read("optimiser", optimiser);
    network_->load(network);
    optimiser_.Load(optimiser);
    best_ = {read("best_epoch").toInt(), read("best_value").toDouble(),
             read("best_weights").toTensorVector()};
    loss_ = read("loss").toDouble();
    first_loss_ = read("first_loss").toDouble();
    epoch_ = read("epoch").toInt();
    return true;
  } catch (const std::exception&) {
    // A file of another build or a torn one: the fit starts afresh, as the port says.
    return false;
  }
}

}  // namespace vitrine::train
