#include "train/models/hybrid_members.h"

#include <algorithm>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "evaluate/ranking_metrics.h"
#include "train/model_scorer.h"
#include "train/validation.h"

namespace vitrine::train {
namespace {

constexpr std::size_t kJudged = 2000;
constexpr std::size_t kBatch = 64;
constexpr int kPlaces = 10;

/// The member's inputs as it names them itself.
std::vector<Tensor> Renamed(const HybridMember& member, std::span<const Tensor> inputs) {
  const std::vector<data::FeatureDef> features = member.model->Features();
  std::vector<Tensor> own(inputs.begin(), inputs.end());
  for (std::size_t i = 0; i < own.size(); ++i) {
    own[i].set_name(features[i].name);
  }
  return own;
}

Status ScoreMember(const HybridMember& member, std::span<const Tensor> inputs, std::size_t width,
                   Tensor& scores) {
  RETURN_IF_ERROR(member.model->Score(Renamed(member, inputs), scores).WithContext(member.name));
  const Shape wanted = {inputs.empty() ? 0 : inputs[0].shape()[0],
                        static_cast<std::int64_t>(width)};
  if (scores.shape() != wanted ||
      (scores.dtype() != DType::kFloat32 && scores.dtype() != DType::kFloat64)) {
    return Internal(fmt::format("member '{}' gives scores that are not [{}, {}] numbers",
                                member.name, wanted[0], wanted[1]));
  }
  return Status::Ok();
}

/// Users to judge a member on, at most kJudged, drawn by the seed.
std::vector<std::size_t> Judged(const HeldOut& held, std::uint64_t seed) {
  std::vector<std::size_t> users;
  for (std::size_t u = 0; u < held.targets.size(); ++u) {
    if (!held.targets[u].empty()) {
      users.push_back(u);
    }
  }
  std::mt19937_64 random(seed);
  const std::size_t count = std::min(kJudged, users.size());
  for (std::size_t i = 0; i < count; ++i) {
    std::swap(users[i], users[i + random() % (users.size() - i)]);
  }
  users.resize(count);
  std::sort(users.begin(), users.end());
  return users;
}

struct Judge {
  const HeldOut& held;
  const FitContext& context;
  std::size_t first;  ///< of the member's features among all
  std::size_t count;
  std::vector<std::size_t> users;

  Result<double> Ndcg(const TrainableModel& model) const {
    std::vector<Tensor> features;
    Tensor scores;
    double sum = 0;
    for (std::size_t begin = 0; begin < users.size(); begin += kBatch) {
      if (context.progress.cancelled()) {
        return Cancelled("cancelled while a member was judged");
      }
      std::vector<History> histories;
      for (std::size_t i = begin; i < std::min(begin + kBatch, users.size()); ++i) {
        histories.push_back(held.rest.users[users[i]]);
      }
      RETURN_IF_ERROR(ApplyFeatures(*context.features, histories, features));
      std::vector<Tensor> own(features.begin() + static_cast<std::ptrdiff_t>(first),
                              features.begin() + static_cast<std::ptrdiff_t>(first + count));
      const std::vector<data::FeatureDef> defs = model.Features();
      for (std::size_t i = 0; i < own.size(); ++i) {
        own[i].set_name(defs[i].name);
      }
      RETURN_IF_ERROR(model.Score(own, scores));
      for (std::size_t i = 0; i < histories.size(); ++i) {
        sum += NdcgOf(scores, i, users[begin + i]);
      }
    }
    return users.empty() ? 0 : sum / static_cast<double>(users.size());
  }

 private:
  [[nodiscard]] double NdcgOf(const Tensor& scores, std::size_t row, std::size_t user) const {
    const std::size_t width = held.rest.width;
    std::vector<double> values(width);
    for (std::size_t i = 0; i < width; ++i) {
      values[i] = scores.dtype() == DType::kFloat32
                      ? double{scores.values<float>()[row * width + i]}
                      : scores.values<double>()[row * width + i];
    }
    // What the user had stays out, but for targets: where shoppers buy again they are among it.
    std::vector<char> blocked(width, 0);
    for (const HistoryEvent& event : held.rest.users[user]) {
      blocked[event.item] = 1;
    }
    for (const ItemIndex target : held.targets[user]) {
      blocked[target] = 0;
    }
    const std::vector<std::uint32_t> ranks = RanksOf(values, blocked, held.targets[user]);
    return evaluate::RankMetricsAt(ranks, held.targets[user].size(),
                                   kPlaces)[static_cast<std::size_t>(evaluate::RankMetric::kNdcg)];
  }
};

/// The part of `chosen` that stands under the member's name.
Chosen ChosenOfMember(const Chosen& chosen, const std::string& name) {
  Chosen own;
  const std::string prefix = name + ".";
  for (const auto& [key, value] : chosen) {
    if (key.starts_with(prefix)) {
      own[key.substr(prefix.size())] = value;
    }
  }
  return own;
}

}  // namespace

std::vector<data::FeatureDef> FeaturesOfMember(const HybridMember& member) {
  std::vector<data::FeatureDef> features = member.model->Features();
  for (data::FeatureDef& def : features) {
    def.name = fmt::format("{}.{}", member.name, def.name);
    if (def.op.starts_with("history_")) {
      // Sequences of one name must be alike, and each member cuts its own.
      std::string& sequence = def.options["sequence"];
      sequence = sequence.empty() ? member.name : fmt::format("{}.{}", member.name, sequence);
    }
  }
  return features;
}

Status ScoreMembers(const std::vector<HybridMember>& members, std::span<const Tensor> inputs,
                    std::size_t width, std::vector<Tensor>& scores) {
  scores.resize(members.size());
  std::size_t begin = 0;
  for (std::size_t m = 0; m < members.size(); ++m) {
    const std::size_t count = members[m].model->Features().size();
    if (begin + count > inputs.size()) {
      return InvalidArgument(fmt::format("the inputs of member '{}' are missing", members[m].name));
    }
    RETURN_IF_ERROR(ScoreMember(members[m], inputs.subspan(begin, count), width, scores[m]));
    begin += count;
  }
  return Status::Ok();
}

Status FitMembers(const std::vector<HybridMember>& members, const TrainingSequences& sequences,
                  const HeldOut* held, const MembersFit& fit, Chosen& chosen,
                  std::map<std::string, double>& notes) {
  std::size_t first = fit.own_features;
  for (const HybridMember& member : members) {
    FitContext context = fit.context;
    context.validate = nullptr;
    context.chosen = ChosenOfMember(chosen, member.name);
    const std::string stage = fmt::format("{} ({})", member.name, fit.phase);
    if (!context.checkpoint.empty()) {
      context.checkpoint += fmt::format(".{}.{}", member.name, held != nullptr ? "held" : "all");
    }
    context.fingerprint += stage;
    context.progress.report = [&fit, stage](const ProgressReport& report) {
      ProgressReport named = report;
      named.stage = fmt::format("{}: {}", stage, report.stage);
      fit.context.progress.report(named);
    };
    fit.context.progress.report({.stage = stage, .done = 0, .total = 0, .unit = "", .detail = ""});
    const std::size_t count = member.model->Features().size();
    if (held != nullptr && context.chosen.empty()) {
      const auto judge = std::make_shared<Judge>(
          Judge{*held, fit.context, first, count, Judged(*held, fit.context.seed)});
      context.validate = [judge](const TrainableModel& model) { return judge->Ndcg(model); };
    }
    first += count;
    Result<FitOutcome> outcome = member.model->Fit(sequences, context);
    if (!outcome.ok()) {
      return outcome.status().WithContext(fmt::format("member '{}'", member.name));
    }
    for (const auto& [key, value] : outcome->chosen) {
      chosen[fmt::format("{}.{}", member.name, key)] = value;
    }
    for (const auto& [key, value] : outcome->notes) {
      notes[fmt::format("{}.{}", member.name, key)] = value;
    }
  }
  return Status::Ok();
}

}  // namespace vitrine::train
