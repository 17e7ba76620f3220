#include "train/models/fit_state.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <system_error>
#include <thread>

#include "graph/whole_file.h"

namespace vitrine::train {

std::uint64_t EpochSeed(std::uint64_t seed, std::int64_t epoch) {
  // SplitMix64's finaliser: Steele et al., OOPSLA 2014.
  std::uint64_t z = seed + 0x9e3779b97f4a7c15ULL * (static_cast<std::uint64_t>(epoch) + 1);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

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

std::vector<torch::Tensor> CopiesOf(const std::vector<torch::Tensor>& weights) {
  std::vector<torch::Tensor> copies;
  copies.reserve(weights.size());
  for (const torch::Tensor& weight : weights) {
    copies.push_back(weight.detach().clone());
  }
  return copies;
}

Status SaveFit(const std::string& path, const std::string& fingerprint, const FitState& state,
               const torch::nn::Module& network, const SaveParts& optimiser) {
  if (path.empty()) {
    return Status::Ok();
  }
  graph::WholeFile file(path);
  try {
    torch::serialize::OutputArchive archive;
    archive.write("fingerprint", c10::IValue(fingerprint));
    archive.write("epoch", c10::IValue(state.epoch));
    archive.write("loss", c10::IValue(state.loss));
    archive.write("first_loss", c10::IValue(state.first_loss));
    archive.write("best_epoch", c10::IValue(state.best_epoch));
    archive.write("best_value", c10::IValue(state.best_value));
    archive.write("best_weights", c10::IValue(c10::List<torch::Tensor>(state.best_weights)));
    torch::serialize::OutputArchive weights;
    network.save(weights);
    archive.write("network", weights);
    torch::serialize::OutputArchive parts;
    optimiser(parts);
    archive.write("optimiser", parts);
    archive.save_to([&file](const void* bytes, std::size_t size) {
      file.Write(bytes, size);
      return size;  // LibTorch's writer throws in its destructor where it hears of a failure; Keep tells
    });
  } catch (const std::exception& e) {
    return Internal(fmt::format("{}: {}", path, e.what()));
  }
  return file.Keep();
}

bool LoadFit(const std::string& path, const std::string& fingerprint, FitState& state,
             torch::nn::Module& network, const LoadParts& optimiser) {
  std::error_code error;
  if (path.empty() || !std::filesystem::exists(path, error)) {
    return false;
  }
  try {
    torch::serialize::InputArchive archive;
    archive.load_from(path);
    const auto read = [&archive](const char* key) {
      c10::IValue value;
      archive.read(key, value);
      return value;
    };
    if (read("fingerprint").toStringRef() != fingerprint) {
      return false;
    }
    torch::serialize::InputArchive weights;
    archive.read("network", weights);
    torch::serialize::InputArchive parts;
    archive.read("optimiser", parts);
    network.load(weights);
    optimiser(parts);
    state = {.epoch = read("epoch").toInt(),
             .loss = read("loss").toDouble(),
             .first_loss = read("first_loss").toDouble(),
             .best_epoch = read("best_epoch").toInt(),
             .best_value = read("best_value").toDouble(),
             .best_weights = read("best_weights").toTensorVector()};
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

void SaveRows(torch::serialize::OutputArchive& archive, const RowAdam& rows) {
  const auto tensor = [](const std::vector<float>& values) {
    return torch::from_blob(const_cast<float*>(values.data()),
                            {static_cast<std::int64_t>(values.size())}, torch::kFloat);
  };
  archive.write("mean", tensor(rows.mean));
  archive.write("square", tensor(rows.square));
  archive.write("steps", c10::IValue(c10::List<std::int64_t>(rows.steps)));
}

void LoadRows(torch::serialize::InputArchive& archive, RowAdam& rows) {
  const auto floats = [&archive](const char* key, std::vector<float>& values) {
    torch::Tensor tensor;
    archive.read(key, tensor);
    TORCH_CHECK(tensor.numel() == static_cast<std::int64_t>(values.size()), key,
                " has another size");
    std::memcpy(values.data(), tensor.contiguous().data_ptr<float>(),
                values.size() * sizeof(float));
  };
  floats("mean", rows.mean);
  floats("square", rows.square);
  c10::IValue value;
  archive.read("steps", value);
  rows.steps = value.toIntVector();
}

WeightAverage::WeightAverage(double decay, const std::vector<torch::Tensor>& weights)
    : decay_(decay) {
  if (decay > 0) {
    average_ = CopiesOf(weights);
  }
}

void WeightAverage::Follow(std::int64_t step, const std::vector<torch::Tensor>& weights) {
  const torch::NoGradGuard no_grad;
  const auto steps = static_cast<double>(step);
  const double keep = std::min(decay_, (1 + steps) / (10 + steps));
  for (std::size_t i = 0; i < average_.size(); ++i) {
    average_[i].lerp_(weights[i], 1 - keep);
  }
}

void WeightAverage::Exchange(std::vector<torch::Tensor> weights) {
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < average_.size(); ++i) {
    const torch::Tensor newest = weights[i].clone();
    weights[i].copy_(average_[i]);
    average_[i].copy_(newest);
  }
}

void WeightAverage::Save(torch::serialize::OutputArchive& archive) const {
  archive.write("average", c10::IValue(c10::List<torch::Tensor>(average_)));
}

void WeightAverage::Load(torch::serialize::InputArchive& archive) {
  c10::IValue value;
  archive.read("average", value);
  average_ = value.toTensorVector();
}

}  // namespace vitrine::train
