#include "train/models/sasrec_trainer.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <thread>
#include <utility>

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

SasrecTrainer::SasrecTrainer(const SasrecOptions& options, SasrecNetwork network,
                             SequenceBatches batches, const FitContext& context)
    : options_(options),
      network_(std::move(network)),
      batches_(std::move(batches)),
      context_(context),
      adam_(network_->parameters(),
            torch::optim::AdamOptions(options.learning_rate).betas({0.9, 0.98})) {}

torch::Tensor SasrecTrainer::Loss(const SequenceBatch& batch) {
  const torch::Tensor inputs = Matrix(batch.inputs, batch.rows, batch.length);
  const torch::Tensor targets = Matrix(batch.targets, batch.rows, batch.length).view(-1);
  const torch::Tensor learn = targets.gt(0).nonzero().squeeze(1);
  const torch::Tensor states =
      network_->forward(inputs).view({-1, options_.width}).index_select(0, learn);
  const torch::Tensor wanted = targets.index_select(0, learn);
  const std::int64_t items = network_->item->weight.size(0);
  const torch::Tensor drawn = torch::randint(kFirstItem, items, {options_.negatives}, torch::kLong);
  const torch::Tensor positive =
      (states * network_->item->forward(wanted)).sum(-1, /*keepdim=*/true);
  // A drawn item stands for items / negatives others: the sum over the draw estimates the sum over
  // the vocabulary.
  const double correction =
      std::log(static_cast<double>(items - kFirstItem) / static_cast<double>(options_.negatives));
  const torch::Tensor negative =
      (states.matmul(network_->item->forward(drawn).t()) + correction)
          .masked_fill(drawn.unsqueeze(0).eq(wanted.unsqueeze(1)), kUnseen);
  return (torch::logsumexp(torch::cat({positive, negative}, 1), 1) - positive.squeeze(1)).mean();
}

Result<double> SasrecTrainer::Epoch() {
  const std::uint64_t seed = EpochSeed(context_.seed, epoch_);
  torch::manual_seed(seed);
  std::mt19937_64 random(seed);
  network_->train();
  std::vector<torch::Tensor> weights = network_->parameters();
  double sum = 0;
  double rows = 0;
  for (const auto& windows : batches_.Shuffle(random)) {
    if (context_.progress.cancelled()) {
      return Cancelled("training was cancelled; the same command goes on from its checkpoint");
    }
    const SequenceBatch batch = batches_.Make(windows);
    for (torch::Tensor& weight : weights) {
      weight.mutable_grad().reset();  // none is cheaper than zeroes: backward then writes, not adds
    }
    torch::Tensor loss = Loss(batch);
    loss.backward();
    torch::nn::utils::clip_grad_norm_(weights, 5.0);
    adam_.step();
    const double value = loss.item<double>();
    if (!std::isfinite(value)) {
      return DataLoss(fmt::format("the loss of epoch {} is not finite; lower learning_rate ({})",
                                  epoch_ + 1, options_.learning_rate));
    }
    sum += value * static_cast<double>(batch.rows);
    rows += static_cast<double>(batch.rows);
  }
  network_->eval();
  return sum / rows;
}

Status SasrecTrainer::Validate(const std::function<Result<double>()>& validate) {
  ASSIGN_OR_RETURN(const double value, validate());
  if (value > best_.value) {
    best_ = {epoch_, value, Copy(network_->parameters())};
  }
  return Status::Ok();
}

bool SasrecTrainer::Finished(std::int64_t epochs) const {
  if (epoch_ >= epochs) {
    return true;
  }
  const bool judged = !best_.weights.empty();
  return judged && epoch_ - best_.epoch >= options_.patience * options_.validate_every;
}

void SasrecTrainer::Report(double loss, std::int64_t epochs) const {
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

Result<FitOutcome> SasrecTrainer::Run(const std::function<Result<double>()>& validate) {
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
  network_->eval();
  const torch::NoGradGuard no_grad;
  FitOutcome outcome;
  outcome.chosen["epochs"] = static_cast<double>(epoch_);
  if (!best_.weights.empty()) {
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

Status SasrecTrainer::SaveCheckpoint() const {
  if (context_.checkpoint.empty()) {
    return Status::Ok();
  }
  try {
    torch::serialize::OutputArchive archive;
    archive.write("fingerprint", c10::IValue(context_.fingerprint));
    archive.write("epoch", c10::IValue(epoch_));
    archive.write("loss", c10::IValue(loss_));
    archive.write("best_epoch", c10::IValue(best_.epoch));
    archive.write("best_value", c10::IValue(best_.value));
    archive.write("best_weights", c10::IValue(c10::List<torch::Tensor>(best_.weights)));
    torch::serialize::OutputArchive network;
    network_->save(network);
    archive.write("network", network);
    torch::serialize::OutputArchive adam;
    adam_.save(adam);
    archive.write("adam", adam);
    const std::string part = context_.checkpoint + ".part";
    archive.save_to(part);
    std::filesystem::rename(part, context_.checkpoint);
  } catch (const std::exception& e) {
    return Unavailable(
        fmt::format("{}: cannot write the checkpoint: {}; free space on this disk, "
                    "then run the same command again",
                    context_.checkpoint, e.what()));
  }
  return Status::Ok();
}

bool SasrecTrainer::LoadCheckpoint() {
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
    torch::serialize::InputArchive adam;
    archive.read("adam", adam);
    network_->load(network);
    adam_.load(adam);
    best_ = {read("best_epoch").toInt(), read("best_value").toDouble(),
             read("best_weights").toTensorVector()};
    loss_ = read("loss").toDouble();
    epoch_ = read("epoch").toInt();
    return true;
  } catch (const std::exception&) {
    // A file of another build or a torn one: the fit starts afresh, as the port says.
    return false;
  }
}

}  // namespace vitrine::train
