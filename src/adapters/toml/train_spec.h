/// Reads train specs from TOML files; specs/*.toml are the ready ones and are part of the program.
///   algorithm = "markov"        name = "markov"          seed = 1
///   events = ["purchase"]       memory_limit_mb = 4096   data_licence = "..."
///   validation_k = 10           validation_cases = 0     (0: all, of many a sample)
///   warm_start = "FOLDER"
///   [parameters] ...            as `vitrine-trainer models` lists them
///   [[member]]  name = "near"  algorithm = "markov"  and [member.parameters]: of a model of several
///   [[feature]]  name = "price"  op = "log_standardise"  source = "item.price"  further keys: options
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/status.h"
#include "train/train_spec.h"

namespace vitrine::adapters {

/// `origin` stands in messages, before line and column.
/// Errors: kInvalidArgument: not TOML, an unknown key ("did you mean"), a wrong type or value.
Result<train::TrainSpec> ParseTrainSpec(std::string_view text, const std::string& origin);

/// A file's path, or the name of a ready spec ("markov").
/// Errors: kNotFound (with the names of the ready ones), and ParseTrainSpec's.
Result<train::TrainSpec> ReadTrainSpec(const std::string& path_or_name);

struct ReadyText {
  std::string_view name;  ///< of the file, without .toml
  std::string_view text;
};
/// specs/*.toml and protocols/*.toml as they were when the program was built.
std::span<const ReadyText> ReadySpecs();
std::span<const ReadyText> ReadyProtocols();

/// The text of a file, or of the ready one of that name; `what` ("train spec") stands in messages.
/// Errors: kNotFound, with the nearest ready name or all of them.
Result<std::string> ReadTextOrReady(std::string_view what, const std::string& path_or_name,
                                    std::span<const ReadyText> ready);

}  // namespace vitrine::adapters
