/// A simulated shop against a real server: posts its catalogue and log, asks for recommendations,
/// and reacts to them, over the public API. What it sends is labelled as simulated.
/// Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/status.h"
#include "simulate/orders.h"
#include "simulate/shoppers.h"
#include "transport/http/client.h"

namespace vitrine::apps {

/// What came of posted rows.
struct Posted {
  std::uint64_t accepted = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t rejected = 0;
  std::map<std::string, std::uint64_t> rejected_by_code;
};

struct Traffic {
  std::uint64_t answers = 0;
  std::uint64_t fallbacks = 0;
  std::uint64_t shown = 0;
  std::uint64_t clicks = 0;
  double expected_clicks = 0;  ///< by what the simulation knows, without its dice
  std::uint64_t purchases = 0;
  std::vector<std::uint64_t> shown_of;  ///< places, by number of the product
  double revenue = 0;                   ///< price of what was decided on
  std::string last_request;             ///< id of a personalised answer
  std::string last_user;
  double seconds = 0;

  [[nodiscard]] double ctr() const {
    return shown == 0 ? 0 : static_cast<double>(clicks) / static_cast<double>(shown);
  }
};

class Simulation {
 public:
  /// `shop` and `client` outlive it.
  Simulation(const simulate::Shop& shop, simulate::Shoppers& shoppers, http::Client& client)
      : shop_(shop), shoppers_(shoppers), client_(client) {}

  /// The products that are there by now.
  Result<Posted> PostCatalogue();
  /// Those that come after `from`, up to and including `until`.
  Result<Posted> PostNewcomers(Micros from, Micros until);
  Result<Posted> PostEvents(const std::vector<Event>& events);
  /// Purchases go to `orders`, and are posted by PostOrders when they are due. Null: they follow a click at once.
  void SetOrders(simulate::Orders* orders) { orders_ = orders; }
  Result<Posted> PostOrders(Micros now);
  /// Changes every event before it is posted: a feed that breaks. Null: none does.
  void SetFault(std::function<void(Event&)> fault) { fault_ = std::move(fault); }
  /// `visits` shoppers come now: each asks for a list of `n`, looks at it from the top, clicks and
  /// buys as they like; the clicks go back with the answer's id.
  Result<Traffic> Visit(std::size_t visits, std::size_t n);

 private:
  Result<Posted> PostRows(std::string_view route, const std::vector<std::string>& rows);
  Status VisitOnce(std::size_t shopper, std::size_t n, Traffic& traffic,
                   std::vector<Event>& reactions);

  const simulate::Shop& shop_;
  simulate::Shoppers& shoppers_;
  http::Client& client_;
  std::uint64_t serial_ = 0;
  simulate::Orders* orders_ = nullptr;
  std::function<void(Event&)> fault_;
};

/// An event, an item as POST /v1/events and /v1/items take them.
std::string EventJson(const Event& event);
std::string ItemJson(const Item& item);

}  // namespace vitrine::apps
