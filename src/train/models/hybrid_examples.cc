#include "train/models/hybrid_examples.h"

#include <algorithm>
#include <numeric>
#include <random>

#include <fmt/format.h>

#include "train/model_scorer.h"

namespace vitrine::train {
namespace {

constexpr std::size_t kBatch = 64;

std::vector<std::size_t> Shuffled(const HeldOut& held, std::uint64_t seed) {
  std::vector<std::size_t> users;
  for (std::size_t u = 0; u < held.targets.size(); ++u) {
    if (!held.targets[u].empty()) {
      users.push_back(u);
    }
  }
  std::mt19937_64 random(seed);
  for (std::size_t i = 0; i < users.size(); ++i) {
    std::swap(users[i], users[i + random() % (users.size() - i)]);
  }
  return users;
}

/// Appends row `row` of `found` where it holds one of `targets`, which are rising. How many it holds.
std::size_t Append(const CandidateBatch& found, std::size_t row,
                   const std::vector<ItemIndex>& targets, std::size_t user,
                   RankExamples& examples) {
  const std::size_t begin = found.begin[row];
  const std::size_t end = found.begin[row + 1];
  std::vector<float> relevance;
  for (std::size_t c = begin; c < end; ++c) {
    relevance.push_back(std::binary_search(targets.begin(), targets.end(), found.item[c]) ? 1.0F
                                                                                          : 0.0F);
  }
  const auto held = static_cast<std::size_t>(std::count(relevance.begin(), relevance.end(), 1.0F));
  if (held > 0) {
    examples.relevance.insert(examples.relevance.end(), relevance.begin(), relevance.end());
    examples.sizes.push_back(static_cast<std::uint32_t>(end - begin));
    examples.user.push_back(static_cast<std::uint32_t>(user));
    const auto at = [&](std::size_t c) {
      return found.features.begin() + static_cast<std::ptrdiff_t>(c * examples.columns);
    };
    examples.features.insert(examples.features.end(), at(begin), at(end));
  }
  return held;
}

Status AddBatch(const ExampleSource& source, std::span<const std::size_t> users,
                ExamplesFound& collected) {
  std::vector<History> histories;
  for (const std::size_t user : users) {
    histories.push_back(source.held.rest.users[user]);
  }
  std::vector<Tensor> inputs;
  RETURN_IF_ERROR(ApplyFeatures(source.features, histories, inputs));
  std::vector<Tensor> scores;
  RETURN_IF_ERROR(ScoreMembers(source.members,
                               std::span<const Tensor>(inputs).subspan(kOwnFeatures),
                               source.layout.width, scores));
  ASSIGN_OR_RETURN(const HistoryBatch past, ReadHistories(inputs, true, source.layout.width));
  CandidateBatch found;
  RETURN_IF_ERROR(FindCandidates(source.layout, source.facts, scores, past, found));
  for (std::size_t row = 0; row < users.size(); ++row) {
    const std::vector<ItemIndex>& targets = source.held.targets[users[row]];
    const std::size_t held = Append(found, row, targets, users[row], collected.examples);
    collected.found += static_cast<double>(held) / static_cast<double>(targets.size());
    collected.candidates += found.begin[row + 1] - found.begin[row];
  }
  collected.asked += users.size();
  return Status::Ok();
}

}  // namespace

std::vector<data::FeatureDef> OwnFeatures(std::size_t length) {
  return HistoryFeatures({.length = length, .age_unit = "basket", .distinct = true});
}

Status CollectExamples(const ExampleSource& source, std::size_t most, std::uint64_t seed,
                       const Progress& progress, ExamplesFound& collected) {
  const std::vector<std::size_t> users = Shuffled(source.held, seed);
  collected.examples.columns = source.layout.columns();
  const std::size_t before = collected.examples.sizes.size();
  for (std::size_t begin = 0; begin < users.size(); begin += kBatch) {
    const std::size_t lists = collected.examples.sizes.size() - before;
    if (progress.cancelled()) {
      return Cancelled("cancelled while candidates were collected");
    }
    if (lists >= most) {
      break;
    }
    const std::size_t count = std::min(kBatch, users.size() - begin);
    RETURN_IF_ERROR(AddBatch(source, std::span(users).subspan(begin, count), collected));
    progress.report({.stage = "candidates",
                     .done = static_cast<double>(begin + count),
                     .total = static_cast<double>(users.size()),
                     .unit = "users",
                     .detail = fmt::format("{} lists hold what was taken", lists)});
  }
  return Status::Ok();
}

std::pair<RankExamples, RankExamples> SplitExamples(const RankExamples& examples,
                                                    std::size_t every) {
  std::pair<RankExamples, RankExamples> parts;
  parts.first.columns = parts.second.columns = examples.columns;
  std::size_t row = 0;
  for (std::size_t list = 0; list < examples.sizes.size(); ++list) {
    RankExamples& part = examples.user[list] % every == 0 ? parts.second : parts.first;
    const std::size_t end = row + examples.sizes[list];
    const auto floats = [&](std::size_t r) {
      return examples.features.begin() + static_cast<std::ptrdiff_t>(r * examples.columns);
    };
    const auto labels = [&](std::size_t r) {
      return examples.relevance.begin() + static_cast<std::ptrdiff_t>(r);
    };
    part.features.insert(part.features.end(), floats(row), floats(end));
    part.relevance.insert(part.relevance.end(), labels(row), labels(end));
    part.sizes.push_back(examples.sizes[list]);
    part.user.push_back(examples.user[list]);
    row = end;
  }
  return parts;
}

}  // namespace vitrine::train
