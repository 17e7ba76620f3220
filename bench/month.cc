#include "bench/month.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "apps/vitrine/simulation.h"
#include "bench/month_server.h"
#include "simulate/bots.h"
#include "simulate/orders.h"
#include "simulate/visiting_hours.h"

namespace vitrine::bench {
namespace {

using nlohmann::json;

constexpr std::int64_t kMicrosPerHour = 3600 * kMicrosPerSecond;
constexpr std::int64_t kStep = kMicrosPerHour / 4;
constexpr std::int64_t kOpened = 1'780'272'000 * kMicrosPerSecond;  // a Monday, 2026-06-01
constexpr std::int64_t kHistoryDays = 10;
constexpr std::size_t kShown = 10;
/// How a shop of this size is looked after: once an hour, since five minutes hold a dozen visits.
std::vector<std::string> SettingsOf(MonthArm arm, const std::string& policy) {
  const std::string recent = std::filesystem::absolute("bench/specs/transitions-recent.toml");
  std::vector<std::string> settings = {
      "server.listen=127.0.0.1:0",  "server.grpc_listen=",
      "server.threads=2",           "train.specs=popularity,transitions," + recent,
      "train.protocol=newest-days", "lake.mapping=vitrine",
      "monitor.slot_seconds=7200",  "monitor.save_ms=3600000",
      "alerts.every_seconds=3600",  "alerts.quality_minutes=360",
      "retrain.every_seconds=3600", "rollout.every_ms=900000"};
  if (arm == MonthArm::kLoop) {
    settings.insert(
        settings.end(),
        {"retrain.schedule=0 4 * * 1,4", "retrain.triggers=quality,drift,catalogue",
         "retrain.rest_minutes=360", "retrain.promote=rollout", "retrain.policy=" + policy});
  }
  return settings;
}

/// Short stages: the shop has four thousand answers a day.
constexpr const char* kPolicy = R"({
  "stages": [{"kind": "shadow", "share": 0.5, "seconds": 3600, "answers": 50},
             {"kind": "canary", "share": 0.05, "seconds": 7200, "answers": 10, "users": 5},
             {"kind": "canary", "share": 0.25, "seconds": 10800, "answers": 100, "users": 50},
             {"kind": "canary", "share": 0.5, "seconds": 10800, "answers": 200, "users": 100}]
})";

/// One world: shop, shoppers, what they do hour by hour, and what came of it.
class World {
 public:
  explicit World(const MonthOptions& options)
      : options_(options),
        shop_({.seed = options.seed,
               .products = options.products,
               .shoppers = options.shoppers,
               .newcomers = 0.1,
               .newcomer_days =
                   static_cast<std::size_t>(kHistoryDays + options.warm_up_days + options.days),
               .season = 0.3,
               .leaving = 0.08},
              {kOpened}),
        shoppers_(shop_, options.seed + 1000),
        orders_({.seed = options.seed + 2000}) {
    day0_ = kOpened + (kHistoryDays + options.warm_up_days) * kMicrosPerDay;
    bots_.pushed = PushedProducts();
  }

  json Run() {
    const auto began = std::chrono::steady_clock::now();
    Open();
    const std::int64_t end = day0_ + options_.days * kMicrosPerDay;
    while (now_ < end) {
      Step();
      if (now_ % kMicrosPerHour == 0) {
        Hour();
      }
    }
    json out = server_ ? server_->Said() : json::object();
    out["days"] = days_;
    out["hours"] = hours_;
    out["seconds"] =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    return out;
  }

 private:
  [[nodiscard]] double Day() const {
    return static_cast<double>(now_ - day0_) / static_cast<double>(kMicrosPerDay);
  }
  [[nodiscard]] bool Within(double from, double until) const {
    return Day() >= from && Day() < until;
  }

  /// Products that are wanted no more and no less when fashion has turned.
  [[nodiscard]] std::vector<std::size_t> PushedProducts() const {
    constexpr double kTurningPoint = -1;
    std::vector<std::size_t> products(shop_.products().size() / 2);
    std::iota(products.begin(), products.end(), std::size_t{0});
    const auto off = [this](std::size_t product) {
      return std::fabs(shop_.products()[product].appeal - kTurningPoint);
    };
    std::sort(products.begin(), products.end(),
              [&](std::size_t a, std::size_t b) { return off(a) < off(b); });
    products.resize(20);
    return products;
  }

  void Open() {
    now_ = kOpened + kHistoryDays * kMicrosPerDay;
    // The shop's past, which each arm has.
    std::vector<Event> past;
    for (std::int64_t day = 0; day < kHistoryDays; ++day) {
      const std::int64_t begin = kOpened + day * kMicrosPerDay;
      shoppers_.MoveTo({begin});
      for (Event& event : shoppers_.Browse(options_.history_events / kHistoryDays, {begin},
                                           {begin + kMicrosPerDay})) {
        past.push_back(std::move(event));
      }
    }
    shoppers_.MoveTo({now_});
    if (options_.arm == MonthArm::kOracle) {
      return;
    }
    std::filesystem::create_directories(options_.folder);
    const std::string policy = options_.folder + "/policy.json";
    std::ofstream(policy) << kPolicy;
    server_ = std::make_unique<MonthServer>(options_.folder, SettingsOf(options_.arm, policy),
                                            Micros{now_}, Micros{day0_});
    simulation_ = std::make_unique<apps::Simulation>(shop_, shoppers_, server_->client());
    simulation_->SetOrders(&orders_);
    simulation_->SetFault([this](Event& event) { Fault(event); });
    server_->Need(simulation_->PostCatalogue().status());
    server_->Need(simulation_->PostEvents(past).status());
    server_->Retrain();
  }

  void Fault(Event& event) const {
    for (EventItem& item : event.items) {
      item.price *= Within(MonthPlan::kCents, MonthPlan::kCentsEnd) ? 100 : 1;
      item.price *= Within(MonthPlan::kSale, MonthPlan::kSaleEnd) ? 0.8 : 1;
    }
  }

  /// A quarter of an hour.
  void Step() {
    const std::int64_t before = std::exchange(now_, now_ + kStep);
    shoppers_.MoveTo({now_});
    const bool sale = Within(MonthPlan::kSale, MonthPlan::kSaleEnd);
    shoppers_.SetSale(sale);
    if (server_) {
      server_->MoveTo({now_});
    }
    const double wanted =
        options_.visits_per_hour / 4 * simulate::VisitsAt({before}) * (sale ? 2 : 1) + carry_;
    const auto visits = static_cast<std::size_t>(wanted);
    carry_ = wanted - static_cast<double>(visits);
    const apps::Traffic traffic =
        options_.arm == MonthArm::kOracle ? VisitOracle(visits) : Visit(visits, before);
    Count(traffic);
  }

  apps::Traffic Visit(std::size_t visits, std::int64_t before) {
    server_->Need(simulation_->PostNewcomers({before}, {now_}).status());
    server_->Need(simulation_->PostOrders({now_}).status());
    if (visits > 0) {
      server_->Need(simulation_->PostEvents(shoppers_.Browse(visits, {before}, {now_})).status());
    }
    if (Within(MonthPlan::kBots, MonthPlan::kBotsEnd)) {
      server_->Need(
          simulation_->PostEvents(simulate::BotViews(shop_, bots_, {before}, {now_})).status());
    }
    const auto traffic = simulation_->Visit(visits, kShown);
    server_->Need(traffic.status());
    return *traffic;
  }

  apps::Traffic VisitOracle(std::size_t visits) {
    apps::Traffic traffic;
    if (visits > 0) {
      static_cast<void>(shoppers_.Browse(visits, {now_ - kStep}, {now_}));
    }
    std::vector<std::pair<double, std::size_t>> liked;
    for (std::size_t v = 0; v < visits; ++v) {
      const std::size_t s = simulate::Pick(shoppers_.random(), shoppers_.size());
      liked.clear();
      for (std::size_t p = 0; p < shop_.products().size(); ++p) {
        if (shoppers_.IsThere(p)) {
          liked.emplace_back(-shoppers_.ClickProbability(s, p), p);
        }
      }
      std::partial_sort(liked.begin(), liked.begin() + kShown, liked.end());
      std::vector<std::size_t> shown;
      for (std::size_t place = 0; place < kShown; ++place) {
        shown.push_back(liked[place].second);
      }
      ++traffic.answers;
      traffic.shown += shown.size();
      traffic.expected_clicks += shoppers_.ExpectedClicks(s, shown);
      for (const std::size_t place : shoppers_.Click(s, shown)) {
        ++traffic.clicks;
        if (shoppers_.Buys(s, shown[place])) {
          ++traffic.purchases;
          traffic.revenue += shop_.products()[shown[place]].item.price;
        }
      }
      if (v % 4 == 0) {
        shoppers_.LookAtNext(s);
      }
    }
    return traffic;
  }

  /// Places that products took which the robots push.
  [[nodiscard]] std::uint64_t ShownOfPushed(const apps::Traffic& traffic) const {
    std::uint64_t places = 0;
    for (const std::size_t product : bots_.pushed) {
      places += product < traffic.shown_of.size() ? traffic.shown_of[product] : 0;
    }
    return places;
  }

  void Count(const apps::Traffic& traffic) {
    const std::int64_t from_begin = kOpened + kHistoryDays * kMicrosPerDay;
    const auto hour = static_cast<std::size_t>((now_ - from_begin - 1) / kMicrosPerHour);
    while (hours_.size() <= hour) {
      hours_.push_back({{"shown", 0}, {"expected", 0.0}});
    }
    hours_[hour]["shown"] = hours_[hour]["shown"].get<std::uint64_t>() + traffic.shown;
    hours_[hour]["expected"] = hours_[hour]["expected"].get<double>() + traffic.expected_clicks;
    if (now_ <= day0_) {
      return;
    }
    const auto day = static_cast<std::size_t>((now_ - day0_ - 1) / kMicrosPerDay);
    while (days_.size() <= day) {
      days_.push_back({{"visits", 0},
                       {"shown", 0},
                       {"clicks", 0},
                       {"purchases", 0},
                       {"revenue", 0.0},
                       {"fallbacks", 0},
                       {"pushed", 0}});
    }
    json& of = days_[day];
    of["visits"] = of["visits"].get<std::uint64_t>() + traffic.answers;
    of["shown"] = of["shown"].get<std::uint64_t>() + traffic.shown;
    of["clicks"] = of["clicks"].get<std::uint64_t>() + traffic.clicks;
    of["purchases"] = of["purchases"].get<std::uint64_t>() + traffic.purchases;
    of["pushed"] = of["pushed"].get<std::uint64_t>() + ShownOfPushed(traffic);
    of["fallbacks"] = of["fallbacks"].get<std::uint64_t>() + traffic.fallbacks;
    of["revenue"] = of["revenue"].get<double>() + traffic.revenue;
  }

  /// What happens at hours, and what is looked at each hour.
  void Hour() {
    if (now_ == At(MonthPlan::kShift)) {
      shoppers_.ShiftTastes(0.9);
    }
    if (options_.arm == MonthArm::kOracle) {
      return;
    }
    if (now_ == day0_) {
      server_->Retrain();
      // From the weeks in which the server was there: what it does brings events too.
      server_->LearnContract({kOpened + (kHistoryDays + 1) * kMicrosPerDay});
    }
    if (options_.arm != MonthArm::kLoop) {
      return;
    }
    if (now_ == At(MonthPlan::kSale)) {
      server_->DeclareSale({At(MonthPlan::kSaleEnd)});
    }
    if (now_ >= At(MonthPlan::kBadModel) && now_ < At(MonthPlan::kBots) && !pushed_) {
      pushed_ = server_->RollOutPopularity(kPolicy);
    }
    if (now_ >= day0_) {
      server_->Look();
    }
  }

  [[nodiscard]] std::int64_t At(double day) const {
    return day0_ + static_cast<std::int64_t>(day * static_cast<double>(kMicrosPerDay));
  }

  MonthOptions options_;
  simulate::Shop shop_;
  simulate::Shoppers shoppers_;
  simulate::Orders orders_;
  simulate::Bots bots_;
  std::int64_t day0_ = 0;
  std::int64_t now_ = 0;
  double carry_ = 0;
  bool pushed_ = false;
  std::vector<json> days_;
  std::vector<json> hours_;  // from the day on which the server was there
  std::unique_ptr<MonthServer> server_;
  std::unique_ptr<apps::Simulation> simulation_;
};

}  // namespace

json RunMonth(const MonthOptions& options) { return World(options).Run(); }

}  // namespace vitrine::bench
