#include "train/models/sequence_start.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cstring>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>

namespace vitrine::train {
namespace {

constexpr std::string_view kItemWeight = "item";

/// What an item is like, the most telling first; empty where the catalogue says nothing.
std::array<std::string, 3> KindsOf(const Item* item) {
  if (item == nullptr) {
    return {};
  }
  const std::string category = item->categories.empty() ? std::string() : item->categories.back();
  const auto key = [](char kind, const std::string& a, const std::string& b) {
    return a.empty() ? std::string() : kind + a + '\n' + b;
  };
  return {item->brand.empty() ? std::string() : key('b', category, item->brand),
          key('c', category, ""), key('m', item->brand, "")};
}

/// Means of vectors by what their items are like.
class Kinds {
 public:
  explicit Kinds(std::size_t width) : all_(width) {}

  void Add(const Item* item, const float* vector) {
    all_.Add(vector);
    for (const std::string& kind : KindsOf(item)) {
      if (!kind.empty()) {
        by_kind_.try_emplace(kind, all_.sum.size()).first->second.Add(vector);
      }
    }
  }

  void Mean(const Item* item, float* to) const {
    for (const std::string& kind : KindsOf(item)) {
      if (const auto found = by_kind_.find(kind); found != by_kind_.end()) {
        return found->second.Mean(to);
      }
    }
    all_.Mean(to);
  }

 private:
  struct Sum {
    explicit Sum(std::size_t width) : sum(width, 0) {}
    void Add(const float* vector) {
      for (std::size_t k = 0; k < sum.size(); ++k) {
        sum[k] += vector[k];
      }
      ++count;
    }
    void Mean(float* to) const {
      for (std::size_t k = 0; k < sum.size(); ++k) {
        to[k] = count > 0 ? static_cast<float>(sum[k] / count) : 0;
      }
    }
    std::vector<double> sum;
    double count = 0;
  };
  Sum all_;
  std::unordered_map<std::string, Sum> by_kind_;
};

Status Differs(const WarmStart& warm, const std::string& name, const std::string& there,
               const std::string& here) {
  return InvalidArgument(
      fmt::format("warm start from {}: '{}' is {} there and {} by this train spec; keep the "
                  "parameters that shape the network, or train without a warm start",
                  warm.from.dir, name, there, here));
}

std::string Text(const Shape& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

/// The network's tensors by name, each of the shape that the predecessor has.
Result<std::vector<std::pair<torch::Tensor, const NetworkWeight*>>> Match(
    const WarmStart& warm, const SequenceNetwork& network) {
  std::map<std::string, const NetworkWeight*> there;
  for (const NetworkWeight& weight : warm.from.weights) {
    there[weight.name] = &weight;
  }
  std::vector<std::pair<torch::Tensor, const NetworkWeight*>> pairs;
  for (const auto& entry : network.named_parameters()) {
    const Shape shape = entry.value().sizes().vec();
    if (entry.key() == kItemWeight) {
      if (shape[1] != static_cast<std::int64_t>(warm.from.items.width) || warm.from.items.bias) {
        return Differs(warm, entry.key(), fmt::format("{} wide", warm.from.items.width),
                       std::to_string(shape[1]));
      }
      continue;
    }
    const auto found = there.find(entry.key());
    if (found == there.end()) {
      return Differs(warm, entry.key(), "not", Text(shape));
    }
    if (found->second->shape != shape) {
      return Differs(warm, entry.key(), Text(found->second->shape), Text(shape));
    }
    pairs.emplace_back(entry.value(), found->second);
    there.erase(found);
  }
  if (!there.empty()) {
    return Differs(warm, there.begin()->first, Text(there.begin()->second->shape), "not");
  }
  return pairs;
}

void StartItems(const WarmStart& warm, const TrainingSequences& sequences, torch::Tensor& table) {
  const std::size_t width = warm.from.items.width;
  const float* then = warm.from.items.values.data();
  auto* now = table.data_ptr<float>();
  const auto item = [&sequences](std::size_t i) {
    return i < sequences.items.size() ? sequences.items[i] : nullptr;
  };
  Kinds kinds(width);
  for (std::size_t i = kFirstItem; i < warm.row.size(); ++i) {
    if (warm.row[i] != kPaddingItem) {
      const float* vector = then + warm.row[i] * width;
      std::memcpy(now + i * width, vector, width * sizeof(float));
      kinds.Add(item(i), vector);
    }
  }
  for (std::size_t i = kFirstItem; i < warm.row.size(); ++i) {
    if (warm.row[i] == kPaddingItem && warm.kept > 0) {
      kinds.Mean(item(i), now + i * width);
    }
  }
}

}  // namespace

std::vector<NetworkWeight> WeightsOf(const SequenceNetwork& network) {
  std::vector<NetworkWeight> weights;
  for (const auto& entry : network.named_parameters()) {
    if (entry.key() != kItemWeight) {
      const torch::Tensor flat = entry.value().detach().to(torch::kFloat).contiguous();
      const auto* values = flat.data_ptr<float>();
      weights.push_back({entry.key(), flat.sizes().vec(), {values, values + flat.numel()}});
    }
  }
  return weights;
}

Status StartFrom(const WarmStart& warm, const TrainingSequences& sequences,
                 SequenceNetwork& network) {
  ASSIGN_OR_RETURN(const auto pairs, Match(warm, network));
  const torch::NoGradGuard no_grad;
  for (const auto& [tensor, weight] : pairs) {
    tensor.copy_(
        torch::from_blob(const_cast<float*>(weight->values.data()), tensor.sizes(), torch::kFloat));
  }
  StartItems(warm, sequences, network.item);
  return Status::Ok();
}

}  // namespace vitrine::train
