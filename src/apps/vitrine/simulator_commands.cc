// vitrine demo, simulate.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "apps/vitrine/api_session.h"
#include "apps/vitrine/command_line.h"
#include "apps/vitrine/demo.h"
#include "apps/vitrine/simulation.h"

namespace vitrine::apps {
namespace {

using nlohmann::json;

struct SimulateFlags {
  DemoOptions options;
  double shift = 0;
  bool fill = false;
};

/// Shoppers of a simulated shop against a server that is there.
Status Simulate(const CommandLine& line, const SimulateFlags& flags) {
  ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line));
  const Micros now = Now();
  const simulate::Shop shop({.seed = flags.options.seed,
                             .products = flags.options.products,
                             .shoppers = flags.options.shoppers},
                            {now.value - 40 * kMicrosPerDay});
  simulate::Shoppers shoppers(shop, flags.options.seed + 1);
  Simulation simulation(shop, shoppers, session.client());
  if (flags.fill) {
    ASSIGN_OR_RETURN(const Posted goods, simulation.PostCatalogue());
    ASSIGN_OR_RETURN(const Posted events,
                     simulation.PostEvents(shoppers.Browse(flags.options.events,
                                                           {now.value - 30 * kMicrosPerDay}, now)));
    Say(fmt::format("{} simulated products and {} events posted", goods.accepted, events.accepted));
  }
  if (flags.shift > 0) {
    shoppers.ShiftTastes(flags.shift);
  }
  ASSIGN_OR_RETURN(const Traffic traffic, simulation.Visit(flags.options.visits, 10));
  Print(line.json ? json({{"simulated", true},
                          {"answers", traffic.answers},
                          {"fallbacks", traffic.fallbacks},
                          {"clicks", traffic.clicks},
                          {"purchases", traffic.purchases},
                          {"ctr", traffic.ctr()}})
                        .dump()
                  : fmt::format("simulated: {} answers ({} fallbacks), {} clicks, {} purchases, "
                                "CTR {:.2f} %",
                                traffic.answers, traffic.fallbacks, traffic.clicks,
                                traffic.purchases, 100 * traffic.ctr()));
  return Status::Ok();
}

void AddSizes(CLI::App* verb, DemoOptions& options) {
  verb->add_option("--seed", options.seed, "Everything follows from it")->capture_default_str();
  verb->add_option("--products", options.products, "Products")->capture_default_str();
  verb->add_option("--shoppers", options.shoppers, "Shoppers")->capture_default_str();
  verb->add_option("--events", options.events, "Events of their past")->capture_default_str();
  verb->add_option("--visits", options.visits, "Visits of live traffic")->capture_default_str();
}

}  // namespace

void AddSimulatorCommands(CLI::App& app, CommandLine& line) {
  auto flags = std::make_shared<SimulateFlags>();
  CLI::App* demo = app.add_subcommand("demo", "The whole loop on a simulated shop, in minutes");
  AddSizes(demo, flags->options);
  demo->callback([flags, &line, &app] {
    if (app.count("--data") == 0) {
      line.data = "vitrine-demo";
    }
    line.run = [flags, &line] { return RunDemo(line, flags->options, StopOnSignals()); };
  });
  CLI::App* simulate =
      app.add_subcommand("simulate", "Simulated shoppers against a server, over the API");
  AddSizes(simulate, flags->options);
  simulate->add_flag("--fill", flags->fill, "Post the simulated catalogue and past first");
  simulate->add_option("--shift", flags->shift, "Share by which tastes have turned, 0 to 1");
  simulate->callback(
      [flags, &line] { line.run = [flags, &line] { return Simulate(line, *flags); }; });
}

}  // namespace vitrine::apps
