#include "simulate/shoppers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace vitrine::simulate {
namespace {

/// Index drawn with the given weights, which sum to 1.
std::size_t Draw(std::mt19937_64& random, std::span<const double> weights) {
  double left = Uniform(random);
  for (std::size_t i = 0; i + 1 < weights.size(); ++i) {
    left -= weights[i];
    if (left < 0) {
      return i;
    }
  }
  return weights.size() - 1;
}

constexpr double kSaleOdds = 0.4;

/// Two or three categories carry most of the weight.
std::vector<double> RandomTaste(std::mt19937_64& random, std::size_t categories) {
  std::vector<double> taste(categories);
  double sum = 0;
  for (double& weight : taste) {
    weight = std::pow(Uniform(random), 8) + 0.001;
    sum += weight;
  }
  for (double& weight : taste) {
    weight /= sum;
  }
  return taste;
}

/// Weight of a category in the new fashion: the first quarter of them draws everybody.
double Fashion(std::size_t category, std::size_t categories) {
  return category < categories / 4 ? 4.0 / static_cast<double>(categories) : 0;
}

}  // namespace

double Examination(std::size_t position) {
  return 1 / std::pow(static_cast<double>(position) + 1, 0.6);
}

Shoppers::Shoppers(const Shop& shop, std::uint64_t seed) : shop_(shop), random_(seed) {
  shoppers_.resize(shop.options().shoppers);
  for (std::size_t s = 0; s < shoppers_.size(); ++s) {
    shoppers_[s].id = fmt::format("sim-user-{:05}", s);
    shoppers_[s].taste = RandomTaste(random_, shop.categories());
    shoppers_[s].brand = Pick(random_, 24);
  }
  hits_.resize(shop.products().size());
  std::iota(hits_.begin(), hits_.end(), std::size_t{0});
  std::stable_sort(hits_.begin(), hits_.end(), [&shop](std::size_t a, std::size_t b) {
    return shop.products()[a].appeal > shop.products()[b].appeal;
  });
}

std::size_t Shoppers::Companion(std::size_t product, std::size_t place) const {
  const auto& companions = shop_.products()[product].companions;
  // After a shift other goods go together: those of a product further on the shelf.
  if (turn_ == 0) {
    return companions[place];
  }
  const std::size_t moved = (product + 97 * turn_) % shop_.products().size();
  const auto& others = shop_.products()[moved].companions;
  return others.empty() ? companions[place] : others[place % others.size()];
}

double Shoppers::Appeal(std::size_t product) const {
  // Fashion turns: what everybody had is out, what nobody wanted is in.
  const double appeal = shop_.products()[product].appeal;
  return turn_ % 2 == 0 ? appeal : -2 - appeal;
}

void Shoppers::LookAt(std::size_t s, std::size_t product) {
  shoppers_[s].last = product;
  shoppers_[s].started = true;
}

std::size_t Shoppers::LookAtNext(std::size_t s) {
  const Shopper& shopper = shoppers_[s];
  const double way = Uniform(random_);
  std::size_t product = 0;
  if (shopper.started && way < 0.5 && !shop_.products()[shopper.last].companions.empty()) {
    // The likeliest companion half of the time.
    std::size_t place = 0;
    const std::size_t companions = shop_.products()[shopper.last].companions.size();
    while (place + 1 < companions && Uniform(random_) < 0.5) {
      ++place;
    }
    product = Companion(shopper.last, place);
  } else if (way < 0.9) {
    const auto& shelf = shop_.InCategory(Draw(random_, shopper.taste));
    product = shelf.empty() ? hits_[0] : shelf[Pick(random_, shelf.size())];
    // Of three they see on the shelf they take the most appealing.
    for (int i = 0; i < 2 && !shelf.empty(); ++i) {
      const std::size_t other = shelf[Pick(random_, shelf.size())];
      const bool better = Appeal(other) > Appeal(product);
      product = IsThere(other) && (better || !IsThere(product)) ? other : product;
    }
  } else {
    const std::size_t place = Pick(random_, std::max<std::size_t>(1, hits_.size() / 20));
    product = turn_ % 2 == 0 ? hits_[place] : hits_[hits_.size() - 1 - place];
  }
  // Somebody who would look at what is not there yet looks at what everybody wants.
  for (int tries = 0; !IsThere(product) && tries < 20; ++tries) {
    product = hits_[Pick(random_, std::max<std::size_t>(1, hits_.size() / 20))];
  }
  LookAt(s, product);
  return product;
}

std::vector<double> Shoppers::Tastes() {
  std::vector<double> taste = RandomTaste(random_, shop_.categories());
  if (shifted_ > 0) {
    for (std::size_t c = 0; c < taste.size(); ++c) {
      taste[c] = (1 - 0.6 * shifted_) * taste[c] + 0.6 * shifted_ * Fashion(c, taste.size());
    }
  }
  return taste;
}

void Shoppers::MoveTo(Micros now) {
  const double days =
      now_ ? static_cast<double>(now.value - now_->value) / static_cast<double>(kMicrosPerDay) : 0;
  now_ = now;
  const double chance = shop_.options().leaving * days;
  if (chance <= 0) {
    return;
  }
  for (Shopper& shopper : shoppers_) {
    if (Uniform(random_) < chance) {
      shopper = {.id = fmt::format("sim-user-new-{:06}", joined_++),
                 .taste = Tastes(),
                 .brand = Pick(random_, 24)};
    }
  }
}

bool Shoppers::IsThere(std::size_t product) const {
  return !now_ || shop_.products()[product].item.valid_from <= *now_;
}

double Shoppers::Season(std::size_t category) const {
  return now_ ? shop_.Season(category, *now_) : 0;
}

double Shoppers::ClickProbability(std::size_t s, std::size_t product) const {
  const Shopper& shopper = shoppers_[s];
  const Product& shown = shop_.products()[product];
  double odds = -4.2 + 0.4 * Appeal(product) + 5 * shopper.taste[shown.category];
  odds += shown.brand == shopper.brand ? 0.6 : 0;
  odds += Season(shown.category) + (sale_ ? kSaleOdds : 0);
  if (shopper.started) {
    const std::size_t companions = shop_.products()[shopper.last].companions.size();
    for (std::size_t place = 0; place < companions; ++place) {
      if (Companion(shopper.last, place) == product) {
        odds += 3;
        break;
      }
    }
  }
  return 1 / (1 + std::exp(-odds));
}

std::vector<std::size_t> Shoppers::Click(std::size_t s, std::span<const std::size_t> shown) {
  std::vector<std::size_t> clicked;
  for (std::size_t place = 0; place < shown.size(); ++place) {
    const bool looked = Uniform(random_) < Examination(place);
    if (looked && Uniform(random_) < ClickProbability(s, shown[place])) {
      clicked.push_back(place);
    }
  }
  if (!clicked.empty()) {
    LookAt(s, shown[clicked.back()]);
  }
  return clicked;
}

double Shoppers::ExpectedClicks(std::size_t s, std::span<const std::size_t> shown) const {
  double clicks = 0;
  for (std::size_t place = 0; place < shown.size(); ++place) {
    clicks += Examination(place) * ClickProbability(s, shown[place]);
  }
  return clicks;
}

bool Shoppers::Buys(std::size_t s, std::size_t product) {
  const double chance = 0.1 + 0.3 * shoppers_[s].taste[shop_.products()[product].category];
  return Uniform(random_) < (sale_ ? 2 : 1) * chance;
}

void Shoppers::ShiftTastes(double share) {
  ++turn_;
  shifted_ = share;
  for (Shopper& shopper : shoppers_) {
    const std::vector<double> next = RandomTaste(random_, shop_.categories());
    for (std::size_t c = 0; c < next.size(); ++c) {
      shopper.taste[c] =
          (1 - share) * shopper.taste[c] + share * (0.4 * next[c] + 0.6 * Fashion(c, next.size()));
    }
  }
}

std::vector<Event> Shoppers::Browse(std::size_t count, Micros from, Micros to) {
  std::vector<Event> events;
  events.reserve(count);
  const double step = static_cast<double>(to.value - from.value) / static_cast<double>(count);
  while (events.size() < count) {
    // One visit: a few products, one after the other, a minute apart.
    const std::size_t s = Pick(random_, shoppers_.size());
    const std::size_t views = 2 + Pick(random_, 5);
    const auto start =
        from.value + static_cast<std::int64_t>(step * static_cast<double>(events.size()));
    for (std::size_t v = 0; v < views && events.size() < count; ++v) {
      const std::size_t product = LookAtNext(s);
      const Item& item = shop_.products()[product].item;
      Event event{
          .type = EventType::kView,
          .user_id = shoppers_[s].id,
          .items = {{.item_id = item.id, .price = item.price}},
          .ts = {std::min(to.value, start + static_cast<std::int64_t>(v) * 60 * kMicrosPerSecond)},
          .scene = "item",
          .currency = "CNY"};
      event.event_id = fmt::format("sim-{}-{}", from.value, events.size());
      const double more = Uniform(random_);
      events.push_back(event);
      if (more < 0.15 && events.size() < count) {
        event.type = more < 0.06 ? EventType::kPurchase : EventType::kCart;
        event.order_id =
            event.type == EventType::kPurchase ? fmt::format("sim-order-{}", ++orders_) : "";
        event.event_id = fmt::format("sim-{}-{}", from.value, events.size());
        event.ts.value += 20 * kMicrosPerSecond;
        events.push_back(event);
      }
    }
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const Event& a, const Event& b) { return a.ts < b.ts; });
  return events;
}

PlantedRows PlantBadRows(const Shop& shop, std::size_t each, Micros now) {
  PlantedRows planted;
  std::mt19937_64 random(shop.options().seed + 99);
  const auto make = [&](const char* kind, std::size_t i) {
    const Item& item = shop.products()[Pick(random, shop.products().size())].item;
    Event event{.event_id = fmt::format("planted-{}-{}", kind, i),
                .type = EventType::kView,
                .user_id = fmt::format("sim-user-{:05}", Pick(random, shop.options().shoppers)),
                .items = {{.item_id = item.id, .price = item.price}},
                .ts = {now.value - static_cast<std::int64_t>(1 + i) * 3600 * kMicrosPerSecond},
                .order_id = fmt::format("planted-{}-{}", kind, i),
                .currency = "CNY"};
    return event;
  };
  for (std::size_t i = 0; i < each; ++i) {
    Event twice = make("repeat", i);
    planted.events.push_back(twice);
    twice.event_id += "-again";  // another id, the same thing: a client that retried badly
    planted.events.push_back(twice);
    ++planted.repeats;

    Event absurd = make("price", i);
    absurd.type = EventType::kPurchase;
    absurd.items[0].price *= 1e6;
    planted.events.push_back(absurd);
    ++planted.absurd_price;

    Event orphan = make("orphan", i);
    orphan.items[0].item_id = fmt::format("gone-{}", i);
    planted.events.push_back(orphan);
    ++planted.unknown_item;

    Event future = make("future", i);
    future.ts.value = now.value + static_cast<std::int64_t>(30 + i) * kMicrosPerDay;
    planted.events.push_back(future);
    ++planted.future;
  }
  for (std::size_t i = 0; i < 40 * each; ++i) {
    Event bot = make("bot", i);
    bot.user_id = "sim-bot";
    bot.ts.value = now.value - 2 * kMicrosPerDay + static_cast<std::int64_t>(i) * kMicrosPerSecond;
    planted.events.push_back(bot);
    ++planted.bot;
  }
  return planted;
}

}  // namespace vitrine::simulate
