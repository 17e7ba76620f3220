/// TrainSpec: what is trained and how, as a value. A TOML file (adapters/toml/train_spec.h) or one
/// of the ready ones in specs/; kept as JSON in the artifact's manifest.
/// Threads: a value.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "core/status.h"
#include "data/feature_spec.h"
#include "train/example_weights.h"
#include "train/model.h"
#include "train/parameters.h"

namespace vitrine::train {

struct TrainSpec {
  std::string name;       ///< of the model in the registry; empty: the algorithm's
  std::string algorithm;  ///< "markov", "sasrec", ... (`vitrine-trainer models` lists them)
  std::map<std::string, ParameterValue> parameters;  ///< over the algorithm's defaults
  std::vector<MemberSpec> members;                   ///< of a model that joins several
  std::uint64_t seed = 1;
  /// Event types learnt from; empty: all that the protocol reads. Must be among them.
  std::set<EventType> events;
  ExampleWeights weights;  ///< of the events as examples
  /// Further features beside those the algorithm asks for; one of the same name replaces it.
  std::vector<data::FeatureDef> features;
  std::uint64_t memory_limit_mb = 0;  ///< of resident memory; 0: none
  int validation_k = 10;              ///< early stopping watches NDCG at this k
  /// At most, drawn by the seed; 0: as many as CasesMeasured (validation.h) says, all in most shops.
  std::uint64_t validation_cases = 0;
  std::string warm_start;    ///< artifact folder to start from; in a manifest the artifact's hash
  std::string data_licence;  ///< what the data's owner asks to be said, kept in the manifest

  [[nodiscard]] const std::string& model_name() const { return name.empty() ? algorithm : name; }
};

/// Name and values that need no data: the name is a model's (letters, digits, '-', '_', '.').
/// Errors: kInvalidArgument (names the field).
Status CheckTrainSpec(const TrainSpec& spec);

/// With every parameter's value (defaults too) and what earlier fits settled on.
std::string TrainSpecToJson(const TrainSpec& spec, const Parameters& parameters,
                            const Chosen& chosen, std::string_view fitted_on);

/// `chosen` of a JSON text that TrainSpecToJson wrote. Errors: kInvalidArgument.
Result<Chosen> ChosenOf(std::string_view train_spec_json);

}  // namespace vitrine::train
