#include "feedback/retrain_trigger.h"

#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace vitrine::feedback {
namespace {

std::string Hours(Micros span) {
  return fmt::format("{:.1f} h", static_cast<double>(span.value) / 3.6e9);
}

TriggerDecision Yes(TriggerCause cause, std::string reason) {
  return {true, cause, std::move(reason)};
}

TriggerDecision No(std::string reason) { return {false, TriggerCause::kNone, std::move(reason)}; }

/// Worse for sure: the whole interval lies below what is allowed.
std::optional<TriggerDecision> ByQuality(const TriggerInputs& inputs, const TriggerPolicy& policy) {
  if (policy.quality_loss <= 0) {
    return std::nullopt;
  }
  for (const QualitySignal& signal : inputs.quality) {
    const double allowed = signal.before * (1 - policy.quality_loss);
    if (signal.answers >= policy.minimum_answers && signal.before > 0 &&
        signal.now.high < allowed) {
      return Yes(TriggerCause::kQuality,
                 fmt::format("{} fell from {:.4f} to {:.4f} (95 % interval {:.4f} to {:.4f}, {} "
                             "answers), more than the {:.0f} % that are allowed.",
                             signal.metric, signal.before, signal.now.mean, signal.now.low,
                             signal.now.high, signal.answers, 100 * policy.quality_loss));
    }
  }
  return std::nullopt;
}

std::optional<TriggerDecision> ByDrift(const TriggerInputs& inputs, const TriggerPolicy& policy) {
  if (policy.drifted_features == 0 || inputs.drifted.size() < policy.drifted_features) {
    return std::nullopt;
  }
  return Yes(TriggerCause::kDrift,
             fmt::format("{} served feature{} drifted ({}); {} would be enough.",
                         inputs.drifted.size(), inputs.drifted.size() == 1 ? " has" : "s have",
                         fmt::join(inputs.drifted, ", "), policy.drifted_features));
}

std::optional<TriggerDecision> ByVolume(const TriggerInputs& inputs, const TriggerPolicy& policy) {
  const double wanted = policy.growth * static_cast<double>(inputs.trained_events);
  if (policy.growth <= 0 || inputs.trained_events == 0 ||
      static_cast<double>(inputs.new_events) < wanted) {
    return std::nullopt;
  }
  return Yes(
      TriggerCause::kVolume,
      fmt::format(
          "{} new events since a training on {}: {:.0f} % of it, {:.0f} % are asked.",
          inputs.new_events, inputs.trained_events,
          100 * static_cast<double>(inputs.new_events) / static_cast<double>(inputs.trained_events),
          100 * policy.growth));
}

}  // namespace

std::string_view TriggerCauseName(TriggerCause cause) {
  switch (cause) {
    case TriggerCause::kNone:
      return "none";
    case TriggerCause::kFirst:
      return "first";
    case TriggerCause::kSchedule:
      return "schedule";
    case TriggerCause::kDrift:
      return "drift";
    case TriggerCause::kQuality:
      return "quality";
    case TriggerCause::kVolume:
      return "volume";
  }
  return "";
}

TriggerDecision DecideRetrain(const TriggerInputs& inputs, const TriggerPolicy& policy) {
  if (inputs.running) {
    return No("A training is already under way.");
  }
  if (inputs.new_events < policy.minimum_new_events) {
    return No(fmt::format("Only {} new events; {} are needed to learn anything new.",
                          inputs.new_events, policy.minimum_new_events));
  }
  if (inputs.last_trained.value == 0) {
    return Yes(
        TriggerCause::kFirst,
        fmt::format("Nothing has been trained yet and {} events are there.", inputs.new_events));
  }
  const Micros age{inputs.now.value - inputs.last_trained.value};
  if (age < policy.cool_down) {
    return No(fmt::format("The last training ended {} ago; it rests for {}.", Hours(age),
                          Hours(policy.cool_down)));
  }
  for (const auto& by : {ByQuality, ByDrift, ByVolume}) {
    if (auto decision = by(inputs, policy)) {
      return *decision;
    }
  }
  if (policy.every.value > 0 && age >= policy.every) {
    return Yes(TriggerCause::kSchedule,
               fmt::format("The last training ended {} ago; one is due every {}.", Hours(age),
                           Hours(policy.every)));
  }
  return No(fmt::format(
      "No cause: quality holds, {} drifted features, {} new events, the last training is {} old.",
      inputs.drifted.size(), inputs.new_events, Hours(age)));
}

}  // namespace vitrine::feedback
