#include "apps/trainer/algorithms.h"

#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "core/nearest_name.h"
#include "train/models/als.h"
#include "train/models/bert4rec.h"
#include "train/models/bpr.h"
#include "train/models/bsarec.h"
#include "train/models/caser.h"
#include "train/models/content.h"
#include "train/models/dcn_v2.h"
#include "train/models/deepfm.h"
#include "train/models/din.h"
#include "train/models/ease.h"
#include "train/models/fm.h"
#include "train/models/gbdt.h"
#include "train/models/gru4rec.h"
#include "train/models/hybrid.h"
#include "train/models/item_knn.h"
#include "train/models/lr.h"
#include "train/models/markov.h"
#include "train/models/mlp.h"
#include "train/models/nextitnet.h"
#include "train/models/personal.h"
#include "train/models/popularity.h"
#include "train/models/sasrec.h"
#include "train/models/session_knn.h"
#include "train/models/transitions.h"
#include "train/models/two_tower.h"

namespace vitrine::apps {
namespace {
using Json = nlohmann::ordered_json;

std::string Bounds(const train::ParameterDef& def) {
  if (!def.choices.empty()) {
    return fmt::format(" ({})", fmt::join(def.choices, "|"));
  }
  if (!def.min && !def.max) {
    return {};
  }
  return fmt::format(" ({}..{})", def.min ? fmt::format("{}", *def.min) : "",
                     def.max ? fmt::format("{}", *def.max) : "");
}
bool WeighsExamples(const train::ModelFactory& factory) { return factory.weighs_examples; }
/// Every ranker weighs its rows.
bool WeighsExamples(const train::RankerFactory& /*factory*/) { return true; }

/// A paragraph of what a factory says of itself.
template <typename Factory>
std::string Described(const Factory& factory) {
  std::string text = fmt::format("{}\n  {}{}\n", factory.algorithm, factory.summary,
                                 WeighsExamples(factory) ? " Weighs examples." : "");
  for (const train::ParameterDef& def : factory.parameters) {
    text += fmt::format("  {:<16} = {:<10} {}{}\n", def.name, train::ToText(def.standard), def.help,
                        Bounds(def));
  }
  return text + '\n';
}

template <typename Factory>
Json JsonOf(const Factory& factory, std::string_view makes) {
  Json parameters = Json::array();
  for (const train::ParameterDef& def : factory.parameters) {
    Json parameter = {{"name", def.name},
                      {"default", std::visit([](const auto& v) { return Json(v); }, def.standard)},
                      {"help", def.help}};
    if (def.min) parameter["min"] = *def.min;
    if (def.max) parameter["max"] = *def.max;
    if (!def.choices.empty()) parameter["choices"] = def.choices;
    parameters.push_back(std::move(parameter));
  }
  return {{"algorithm", factory.algorithm},
          {"kind", makes},
          {"summary", factory.summary},
          {"weighs_examples", WeighsExamples(factory)},
          {"parameters", std::move(parameters)}};
}
}  // namespace

std::span<const train::ModelFactory> Algorithms() {
  static const std::vector<train::ModelFactory> algorithms = {
      train::PopularityFactory(), train::ItemKnnFactory(),     train::MarkovFactory(),
      train::PersonalFactory(),   train::TransitionsFactory(), train::ContentFactory(),
      train::SessionKnnFactory(), train::EaseFactory(),        train::AlsFactory(),
      train::BprFactory(),        train::SasrecFactory(),      train::Bert4recFactory(),
      train::BsarecFactory(),     train::Gru4recFactory(),     train::NextitnetFactory(),
      train::CaserFactory(),      train::TwoTowerFactory(),    train::HybridFactory(FindAlgorithm)};
  return algorithms;
}

std::span<const train::RankerFactory> Rankers() {
  static const std::vector<train::RankerFactory> rankers = {
      train::LrFactory(),     train::GbdtFactory(),  train::MlpFactory(), train::FmFactory(),
      train::DeepFmFactory(), train::DcnV2Factory(), train::DinFactory()};
  return rankers;
}

const train::RankerFactory* FindRanker(std::string_view name) {
  for (const train::RankerFactory& factory : Rankers()) {
    if (factory.algorithm == name) {
      return &factory;
    }
  }
  return nullptr;
}

Result<const train::ModelFactory*> FindAlgorithm(std::string_view name) {
  if (FindRanker(name) != nullptr) {
    return InvalidArgument(
        fmt::format("'{}' learns from labelled rows and scores given candidates; it orders no "
                    "vocabulary and is no member of a model that does",
                    name));
  }
  std::vector<std::string> known;
  for (const train::ModelFactory& factory : Algorithms()) {
    if (factory.algorithm == name) {
      return &factory;
    }
    known.push_back(factory.algorithm);
  }
  for (const train::RankerFactory& factory : Rankers()) {
    known.push_back(factory.algorithm);
  }
  const std::string hint = DidYouMean(name, known);
  return InvalidArgument(
      fmt::format("there is no algorithm '{}'{}", name,
                  hint.empty() ? fmt::format("; there are {}", fmt::join(known, ", ")) : hint));
}

std::string DescribeAlgorithms() {
  std::string text;
  for (const train::ModelFactory& factory : Algorithms()) {
    text += Described(factory);
  }
  text += "Rankers, of labelled rows:\n\n";
  for (const train::RankerFactory& factory : Rankers()) {
    text += Described(factory);
  }
  return text;
}

std::string AlgorithmsToJson() {
  Json list = Json::array();
  for (const train::ModelFactory& factory : Algorithms()) {
    list.push_back(JsonOf(factory, "retriever"));
  }
  for (const train::RankerFactory& factory : Rankers()) {
    list.push_back(JsonOf(factory, "ranker"));
  }
  return list.dump();
}

}  // namespace vitrine::apps
