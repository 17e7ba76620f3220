/// A simulated shop: goods with English and Chinese names, and which of them go together. The one
/// simulator of the product: the demo, load tests and closed-loop benchmarks draw on it. Everything
/// follows from the seed.
/// Threads: immutable once made.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "core/catalogue.h"
#include "core/time.h"

namespace vitrine::simulate {

struct ShopOptions {
  std::uint64_t seed = 1;
  std::size_t products = 2000;
  std::size_t shoppers = 5000;
  /// Goods that go with a product (a case with a phone); what a shopper looks at next, often.
  std::size_t companions = 6;
  /// Share of the products that come one after the other in the days after the opening.
  double newcomers = 0;
  std::size_t newcomer_days = 30;
  /// Log-odds by which a category is liked more at the height of its season than in between; seasons take four weeks.
  double season = 0;
  /// Chance a day that a shopper is gone for ever, and another comes with an id and tastes of their own.
  double leaving = 0;
};

/// What the simulator knows of a product beyond its catalogue row.
struct Product {
  Item item;
  std::size_t category = 0;
  std::size_t brand = 0;
  double appeal = 0;                    ///< log-odds that anybody likes it; a few are hits
  std::vector<std::size_t> companions;  ///< products that go with it, likeliest first
};

class Shop {
 public:
  /// Rows are valid from `opened` on, those of newcomers from the day they come.
  Shop(const ShopOptions& options, Micros opened);

  [[nodiscard]] const ShopOptions& options() const { return options_; }
  [[nodiscard]] const std::vector<Product>& products() const { return products_; }
  [[nodiscard]] std::size_t categories() const { return by_category_.size(); }
  [[nodiscard]] const std::vector<std::size_t>& InCategory(std::size_t category) const {
    return by_category_[category];
  }
  /// "Audio", "Kitchen", ...
  [[nodiscard]] static std::string CategoryName(std::size_t category);
  /// What a category's season adds to liking at a moment, log-odds.
  [[nodiscard]] double Season(std::size_t category, Micros at) const;
  /// Number of a product by its id; products().size() where there is none.
  [[nodiscard]] std::size_t Find(const std::string& id) const;

 private:
  void NameProducts(std::mt19937_64& random, Micros opened);
  /// Microseconds after the opening at which it comes.
  [[nodiscard]] std::int64_t NewcomerAfter(std::size_t product) const;
  void PairProducts(std::mt19937_64& random);

  ShopOptions options_;
  std::vector<Product> products_;
  std::vector<std::vector<std::size_t>> by_category_;
};

/// Equal on every machine, which std::uniform_real_distribution does not promise: [0, 1).
double Uniform(std::mt19937_64& random);
/// An index below `n`.
std::size_t Pick(std::mt19937_64& random, std::size_t n);

}  // namespace vitrine::simulate
