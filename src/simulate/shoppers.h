/// Simulated shoppers: tastes that differ and drift, what they look at next, and how they react to a
/// list (a click model with position bias).
/// Threads: one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "core/event.h"
#include "core/time.h"
#include "simulate/shop.h"

namespace vitrine::simulate {

struct Shopper {
  std::string id;
  std::vector<double> taste;  ///< weight a category, sums to 1
  std::size_t brand = 0;      ///< the one they prefer
  std::size_t last = 0;       ///< product they looked at last
  bool started = false;       ///< `last` is set
};

/// Probability that place `position` of a list is looked at at all: the click model's examination
/// (Craswell et al., An experimental comparison of click position-bias models, WSDM 2008).
double Examination(std::size_t position);

class Shoppers {
 public:
  Shoppers(const Shop& shop, std::uint64_t seed);

  [[nodiscard]] std::size_t size() const { return shoppers_.size(); }
  [[nodiscard]] const Shopper& shopper(std::size_t s) const { return shoppers_[s]; }

  /// The product this shopper would look at next on their own: a companion of the last one, one of
  /// a category they like, or a hit. They remember it.
  std::size_t LookAtNext(std::size_t s);
  /// Probability in (0, 1) that the shopper clicks a product they look at.
  [[nodiscard]] double ClickProbability(std::size_t s, std::size_t product) const;
  /// Places of a shown list that are clicked, in order. What is clicked is remembered.
  std::vector<std::size_t> Click(std::size_t s, std::span<const std::size_t> shown);
  /// How many Click gives on average.
  [[nodiscard]] double ExpectedClicks(std::size_t s, std::span<const std::size_t> shown) const;
  /// Does a click lead to a purchase?
  bool Buys(std::size_t s, std::size_t product);

  /// The world moves: every shopper's tastes turn to other categories by `share` (0 to 1), other
  /// goods go together, and what was in fashion is out.
  void ShiftTastes(double share);

  /// What time it is: newcomers that are not there yet are neither looked at nor clicked, and categories have their season.
  /// Without it everything is there, and no season. Days that have passed since the last call make shoppers leave.
  void MoveTo(Micros now);
  [[nodiscard]] bool IsThere(std::size_t product) const;
  /// Twice as many buy, and looks are less choosy, as long as it lasts.
  void SetSale(bool on) { sale_ = on; }

  /// `count` events that these shoppers leave by themselves between two moments, oldest first:
  /// views, some carts, some purchases with an order.
  std::vector<Event> Browse(std::size_t count, Micros from, Micros to);

  std::mt19937_64& random() { return random_; }

 private:
  void LookAt(std::size_t s, std::size_t product);
  [[nodiscard]] std::vector<double> Tastes();
  [[nodiscard]] std::size_t Companion(std::size_t product, std::size_t place) const;
  [[nodiscard]] double Appeal(std::size_t product) const;
  [[nodiscard]] double Season(std::size_t category) const;

  const Shop& shop_;
  std::mt19937_64 random_;
  std::vector<Shopper> shoppers_;
  std::vector<std::size_t> hits_;  // products by appeal, best first
  std::optional<Micros> now_;
  double shifted_ = 0;        // share of tastes that fashion holds since the last shift
  std::uint64_t joined_ = 0;  // shoppers who came later
  bool sale_ = false;
  std::size_t turn_ = 0;  // how far companions have moved on
  std::uint64_t orders_ = 0;
};

/// Rows that a real feed brings and a shop must not learn from, each kind `each` times: exact
/// repeats, a moment in the future, an absurd price, an item that does not exist, a bot that views a
/// product a second. Labelled by order_id "planted-...".
struct PlantedRows {
  std::vector<Event> events;
  std::size_t repeats = 0;
  std::size_t future = 0;
  std::size_t absurd_price = 0;
  std::size_t unknown_item = 0;
  std::size_t bot = 0;
};
PlantedRows PlantBadRows(const Shop& shop, std::size_t each, Micros now);

}  // namespace vitrine::simulate
