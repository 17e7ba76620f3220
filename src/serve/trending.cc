#include "serve/trending.h"

#include <cmath>

namespace vitrine::serve {
namespace {

// Weights grow with time relative to the origin; past this power of two they are scaled back.
constexpr double kRebaseAt = 500;

}  // namespace

Trending::Trending(data::EventLog& log, TrendingOptions options) : log_(log), options_(options) {}

double Trending::WeightOf(EventType type) const {
  switch (type) {
    case EventType::kView:
    case EventType::kClick:
    case EventType::kDwell:
      return options_.view;
    case EventType::kCart:
    case EventType::kFavourite:
    case EventType::kLike:
    case EventType::kShare:
    case EventType::kRating:
      return options_.interest;
    case EventType::kPurchase:
      return options_.purchase;
    default:
      return 0;
  }
}

void Trending::Apply(const data::LogRecord& record) {
  const auto* event = std::get_if<Event>(&record.body);
  if (event == nullptr || WeightOf(event->type) == 0) {
    return;
  }
  const double weight = WeightOf(event->type);
  const double half_life = options_.half_life_days * static_cast<double>(kMicrosPerDay);
  for (const EventItem& item : event->items) {
    const auto number = log_.FindItem(item.item_id);
    if (!number) {
      continue;
    }
    counts_.With([&](Counts& counts) {
      if (!counts.started) {
        counts.started = true;
        counts.origin = event->ts;
      }
      double power = static_cast<double>(event->ts.value - counts.origin.value) / half_life;
      if (power > kRebaseAt) {
        for (double& count : counts.by_number) {
          count *= std::exp2(-power);
        }
        counts.origin = event->ts;
        power = 0;
      }
      if (*number >= counts.by_number.size()) {
        counts.by_number.resize(*number + std::size_t{1});
      }
      counts.by_number[*number] += weight * std::exp2(power);
    });
  }
}

void Trending::AddTo(const ItemSpace& space, Micros now, std::span<double> scores) const {
  const double half_life = options_.half_life_days * static_cast<double>(kMicrosPerDay);
  counts_.With([&](const Counts& counts) {
    const double power = static_cast<double>(now.value - counts.origin.value) / half_life;
    const double scale = std::exp2(-power);
    for (data::ItemNumber number = 0; number < counts.by_number.size(); ++number) {
      const ItemIndex index = space.IndexOf(number);
      if (index != kUnknownItem) {
        scores[index] += counts.by_number[number] * scale;
      }
    }
  });
}

}  // namespace vitrine::serve
