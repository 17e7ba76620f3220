#include "train/models/row_options.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>
#include <system_error>

namespace vitrine::train {
namespace {

constexpr std::int64_t kWidest = 8192;
constexpr std::size_t kDeepest = 16;

std::string_view Trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(' ');
  return begin == std::string_view::npos
             ? std::string_view()
             : text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

std::string NameOf(StepRule optimiser) {
  switch (optimiser) {
    case StepRule::kAdamW:
      return "adamw";
    case StepRule::kSgd:
      return "sgd";
    default:
      return "adam";
  }
}

StepRule OptimiserOf(std::string_view name) {
  if (name == "adamw") {
    return StepRule::kAdamW;
  }
  return name == "sgd" ? StepRule::kSgd : StepRule::kAdam;
}

}  // namespace

std::vector<ParameterDef> RowParameters(const RowOptions& d) {
  return {{"width", d.width, "numbers that the vector of a level or an item has", 1, 1024},
          {"spread", d.spread, "standard deviation that vectors begin with", 0, 1},
          {.name = "share_items",
           .standard = d.share_items,
           .help = "places of a history have the candidates' vectors; else vectors of their own"},
          {.name = "loss",
           .standard = std::string(d.loss == RowLoss::kSquared ? "mse" : "bce"),
           .help = "bce: cross-entropy; mse: squared distance of probability and label",
           .choices = {"bce", "mse"}},
          {.name = "optimiser",
           .standard = NameOf(d.optimiser),
           .help = "adam; adamw: with decoupled decay; sgd: with momentum",
           .choices = {"adam", "adamw", "sgd"}},
          {"learning_rate", d.learning_rate, "step size", 1e-6, 10},
          {"momentum", d.momentum, "sgd: share of the last step that is gone again", 0, 0.999},
          {"weight_decay", d.weight_decay, "decay of the layers' matrices", 0, 10},
          {"vector_decay", d.vector_decay, "decay of the vectors that a step touches", 0, 10},
          {"dropout", d.dropout, "share of hidden values left out while training", 0, 0.9},
          {"clip", d.clip, "longest gradient of a step; 0: any", 0, 1e6},
          {"average", d.average, "decay a step of averaged weights (0.999); 0: none are kept", 0,
           0.999999},
          {"batch", d.batch, "rows a step", 1, 1048576},
          {"epochs", d.epochs, "passes over the rows at most", 1, 100000},
          {"checks", d.checks, "looks at the validation rows an epoch", 1, 100},
          {"patience", d.patience, "looks without a lower log-loss before it stops", 1, 1000},
          {"threads", d.threads, "0: one per core; 1: the same bits every time", 0, 256}};
}

RowOptions RowOptionsOf(const Parameters& p) {
  return {.width = p.Int("width"),
          .spread = p.Number("spread"),
          .share_items = p.Flag("share_items"),
          .loss = p.Word("loss") == "mse" ? RowLoss::kSquared : RowLoss::kCrossEntropy,
          .optimiser = OptimiserOf(p.Word("optimiser")),
          .learning_rate = p.Number("learning_rate"),
          .momentum = p.Number("momentum"),
          .weight_decay = p.Number("weight_decay"),
          .vector_decay = p.Number("vector_decay"),
          .dropout = p.Number("dropout"),
          .clip = p.Number("clip"),
          .average = p.Number("average"),
          .batch = p.Int("batch"),
          .epochs = p.Int("epochs"),
          .checks = p.Int("checks"),
          .patience = p.Int("patience"),
          .threads = p.Int("threads")};
}

Result<std::vector<std::int64_t>> WidthsOf(const std::string& algorithm,
                                           const std::string& parameter, const std::string& text) {
  std::vector<std::int64_t> widths;
  std::string_view left = Trimmed(text);
  while (!left.empty()) {
    const std::size_t comma = left.find(',');
    const std::string_view part = Trimmed(left.substr(0, comma));
    std::int64_t width = 0;
    const auto read = std::from_chars(part.data(), part.data() + part.size(), width);
    const bool last = comma == std::string_view::npos;
    left = last ? std::string_view() : left.substr(comma + 1);
    const bool whole = read.ec == std::errc() && read.ptr == part.data() + part.size();
    if (!whole || width < 1 || width > kWidest || widths.size() == kDeepest ||
        (!last && left.empty())) {
      return InvalidArgument(
          fmt::format("{}: {} = \"{}\"; it lists the widths of at most {} layers, whole numbers "
                      "from 1 to {} as in \"64, 32\"",
                      algorithm, parameter, text, kDeepest, kWidest));
    }
    widths.push_back(width);
  }
  return widths;
}

}  // namespace vitrine::train
