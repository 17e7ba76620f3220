#include "feedback/retrain_trigger.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace vitrine::feedback {
namespace {

std::string Hours(Micros span) {
  return fmt::format("{:.1f} h", static_cast<double>(span.value) / 3.6e9);
}

struct Cause {
  TriggerCause cause = TriggerCause::kNone;
  std::string reason;
};

double Share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::optional<Cause> ByQuality(const TriggerInputs& inputs, const TriggerPolicy& policy) {
  if (!policy.quality || inputs.losses.empty()) {
    return std::nullopt;
  }
  return Cause{TriggerCause::kQuality, fmt::format("Shoppers take less of what is shown: {}.",
                                                   fmt::join(inputs.losses, "; "))};
}

std::optional<Cause> ByDrift(const TriggerInputs& inputs, const TriggerPolicy& policy) {
  if (!policy.drift) {
    return std::nullopt;
  }
  std::vector<std::string> drifted = inputs.drifted;
  std::erase_if(drifted, [&inputs](const std::string& feature) {
    return std::find(inputs.drifted_again.begin(), inputs.drifted_again.end(), feature) !=
           inputs.drifted_again.end();
  });
  if (drifted.empty()) {
    return std::nullopt;
  }
  return Cause{TriggerCause::kDrift,
               fmt::format("{} served feature{} drifted ({}).", drifted.size(),
                           drifted.size() == 1 ? " has" : "s have", fmt::join(drifted, ", "))};
}

std::optional<Cause> ByVolume(const TriggerInputs& inputs, const TriggerPolicy& policy) {
  const double grown = Share(inputs.new_events, inputs.trained_events);
  if (policy.growth <= 0 || inputs.trained_events == 0 || grown < policy.growth) {
    return std::nullopt;
  }
  return Cause{
      TriggerCause::kVolume,
      fmt::format("{} new events since a training on {}: {:.0f} % of it, {:.0f} % are asked.",
                  inputs.new_events, inputs.trained_events, 100 * grown, 100 * policy.growth)};
}

std::optional<Cause> ByCatalogue(const TriggerInputs& inputs, const TriggerPolicy& policy) {
  const double unknown = Share(inputs.unknown_items, inputs.items);
  if (policy.newcomers <= 0 || inputs.items == 0 || unknown < policy.newcomers) {
    return std::nullopt;
  }
  return Cause{
      TriggerCause::kCatalogue,
      fmt::format("The champion does not know {} of the catalogue's {} items: {:.0f} %, "
                  "{:.0f} % are asked.",
                  inputs.unknown_items, inputs.items, 100 * unknown, 100 * policy.newcomers)};
}

std::optional<Cause> BySchedule(const TriggerInputs& inputs, const TriggerPolicy& /*policy*/) {
  if (inputs.slot.value == 0 || inputs.slot <= inputs.last_turn) {
    return std::nullopt;
  }
  return Cause{TriggerCause::kSchedule,
               fmt::format("Due by the schedule at {}.", FormatIso(inputs.slot))};
}

std::optional<Cause> FindCause(const TriggerInputs& inputs, const TriggerPolicy& policy) {
  if (inputs.last_turn.value == 0) {
    return Cause{
        TriggerCause::kFirst,
        fmt::format("Nothing has been trained yet and {} events are there.", inputs.new_events)};
  }
  for (const auto& by : {ByQuality, ByDrift, ByVolume, ByCatalogue, BySchedule}) {
    if (std::optional<Cause> found = by(inputs, policy)) {
      return found;
    }
  }
  return std::nullopt;
}

/// Why a drift that is there starts nothing; empty where none is.
std::string DriftAgain(const TriggerInputs& inputs, const TriggerPolicy& policy) {
  return !policy.drift || inputs.drifted_again.empty()
             ? std::string()
             : fmt::format(
                   " Training within a week did not end the drift of {}: none starts for it.",
                   fmt::join(inputs.drifted_again, ", "));
}

TriggerDecision No(std::string reason) {
  return {
      .retrain = false, .held = false, .cause = TriggerCause::kNone, .reason = std::move(reason)};
}

TriggerDecision Held(Cause cause, const std::string& why) {
  return {.retrain = false,
          .held = true,
          .cause = cause.cause,
          .reason = fmt::format("{} Held: {}.", cause.reason, why)};
}

/// After rollouts that failed.
Micros Rest(const TriggerInputs& inputs, const TriggerPolicy& policy) {
  constexpr std::int64_t kDay = 24 * 3'600 * kMicrosPerSecond;
  constexpr std::uint32_t kMostDoublings = 11;
  const std::uint32_t doublings =
      std::min(inputs.failed_rollouts > 0 ? inputs.failed_rollouts - 1 : 0, kMostDoublings);
  return {std::max(policy.cool_down.value,
                   std::min(kDay, policy.cool_down.value * (std::int64_t{1} << doublings)))};
}

}  // namespace

std::string_view TriggerCauseName(TriggerCause cause) {
  switch (cause) {
    case TriggerCause::kNone:
      return "none";
    case TriggerCause::kFirst:
      return "first";
    case TriggerCause::kQuality:
      return "quality";
    case TriggerCause::kDrift:
      return "drift";
    case TriggerCause::kVolume:
      return "volume";
    case TriggerCause::kCatalogue:
      return "catalogue";
    case TriggerCause::kSchedule:
      return "schedule";
  }
  return "";
}

TriggerDecision DecideRetrain(const TriggerInputs& inputs, const TriggerPolicy& policy) {
  if (inputs.running) {
    return No("A turn is already under way.");
  }
  if (inputs.new_events < policy.minimum_new_events) {
    return No(fmt::format("Only {} new events; {} are needed to learn anything new.",
                          inputs.new_events, policy.minimum_new_events));
  }
  const Micros age{inputs.now.value - inputs.last_turn.value};
  if (inputs.last_turn.value != 0 && age < policy.cool_down) {
    return No(fmt::format("The last turn ended {} ago; it rests for {}.", Hours(age),
                          Hours(policy.cool_down)));
  }
  const Micros since{inputs.now.value - inputs.rolled_back.value};
  if (const Micros rest = Rest(inputs, policy); inputs.failed_rollouts > 0 && since < rest) {
    return No(fmt::format("The rollout of the last turn{} was rolled back {} ago; it rests for {}.",
                          inputs.failed_rollouts == 1
                              ? std::string()
                              : fmt::format(", the failure {} in a row,", inputs.failed_rollouts),
                          Hours(since), Hours(rest)));
  }
  std::optional<Cause> cause = FindCause(inputs, policy);
  if (!cause) {
    return No(fmt::format("No cause: {} new events, the last turn is {} old.{}", inputs.new_events,
                          Hours(age), DriftAgain(inputs, policy)));
  }
  if (!inputs.frozen.empty()) {
    return Held(*std::move(cause), inputs.frozen);
  }
  if (!inputs.rollout.empty()) {
    return Held(*std::move(cause), inputs.rollout);
  }
  if (inputs.started_today >= policy.per_day) {
    return Held(*std::move(cause),
                fmt::format("{} turns were started within 24 hours, {} are allowed",
                            inputs.started_today, policy.per_day));
  }
  return {
      .retrain = true, .held = false, .cause = cause->cause, .reason = std::move(cause->reason)};
}

}  // namespace vitrine::feedback
