#include "apps/vitrine/demo.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "apps/vitrine/api_session.h"
#include "apps/vitrine/application.h"
#include "apps/vitrine/data_directory.h"
#include "apps/vitrine/demo_rollouts.h"
#include "apps/vitrine/job_following.h"
#include "apps/vitrine/lake_child.h"
#include "apps/vitrine/simulated_folder.h"
#include "apps/vitrine/simulation.h"

namespace vitrine::apps {
namespace {

using nlohmann::json;

Status Claim(bool holds, std::string what) {
  return holds ? Status::Ok() : FailedPrecondition("the claim does not hold: " + std::move(what));
}

/// One demo from start to end; a step is a method that says what it found.
class Demo {
 public:
  Demo(const CommandLine& line, const DemoOptions& options, const std::stop_token& stop)
      : line_(line),
        options_(options),
        stop_(stop),
        now_(Now()),
        shop_({.seed = options.seed, .products = options.products, .shoppers = options.shoppers},
              {now_.value - 40 * kMicrosPerDay}),
        shoppers_(shop_, options.seed + 1) {}

  Status Run() {
    struct Step {
      const char* name;
      Result<std::string> (Demo::*run)();
    };
    const std::vector<Step> steps = {{"start the server", &Demo::Start},
                                     {"collect", &Demo::Collect},
                                     {"plant bad rows", &Demo::Plant},
                                     {"clean, train, evaluate, deploy", &Demo::Train},
                                     {"planted rows found", &Demo::FindPlanted},
                                     {"serve live traffic", &Demo::Serve},
                                     {"explain an answer", &Demo::Explain},
                                     {"search", &Demo::Search},
                                     {"tastes shift", &Demo::Shift},
                                     {"monitor sees the drift", &Demo::SeeDrift},
                                     {"retrain: a rollout begins", &Demo::Retrain},
                                     {"shadow, canary, champion", &Demo::RollOut},
                                     {"serve again", &Demo::ServeAgain},
                                     {"a bad version: the shadow", &Demo::StopInShadow},
                                     {"a bad version: the canary", &Demo::StopInCanary},
                                     {"roll back and forth", &Demo::RollBack}};
    const auto began = std::chrono::steady_clock::now();
    for (const Step& step : steps) {
      if (stop_.stop_requested()) {
        return Cancelled(fmt::format("stopped before '{}'", step.name));
      }
      const auto started = std::chrono::steady_clock::now();
      const Result<std::string> found = (this->*step.run)();
      const double seconds =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
      Say(fmt::format("[{:6.1f} s] {} {}", seconds, found.ok() ? "ok  " : "FAIL", step.name));
      if (!found.ok()) {
        return found.status().WithContext(step.name);
      }
      table_.push_back({{"step", step.name}, {"seconds", seconds}, {"found", *found}});
    }
    Summarise(std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
    return Status::Ok();
  }

 private:
  Result<std::string> Start() {
    std::error_code error;
    if (IsMarkedAsSimulated(line_.data)) {
      std::filesystem::remove_all(line_.data, error);  // an earlier demo's
    }
    if (std::filesystem::exists(line_.data + "/vitrine.db", error)) {
      return AlreadyExists(fmt::format(
          "{} holds a shop already; name a fresh folder with --data, or remove it", line_.data));
    }
    RETURN_IF_ERROR(MarkAsSimulated(line_.data, "vitrine demo"));
    const std::string policy = line_.data + "/demo-policy.json";
    if (!(std::ofstream(policy, std::ios::binary) << kDemoPolicy)) {
      return Unavailable("cannot write " + policy);
    }
    CommandLine line = line_;
    // A demo never disturbs a server that is there: any free port.
    line.overrides.insert(line.overrides.end(),
                          {"server.listen=127.0.0.1:0", "server.grpc_listen=",
                           "train.protocol=newest-days", "lake.mapping=vitrine",
                           "monitor.slot_seconds=0", "train.specs=popularity,item-knn-decay,markov",
                           "gate.min_cases=100", "retrain.promote=rollout",
                           "retrain.policy=" + policy, "rollout.every_ms=200", "gc.schedule="});
    ASSIGN_OR_RETURN(Settings settings, line.LoadSettings());
    ASSIGN_OR_RETURN(application_,
                     Application::Start({.data = line_.data, .settings = std::move(settings)}));
    ASSIGN_OR_RETURN(const http::Endpoint endpoint, http::ParseEndpoint(application_->url()));
    client_ = std::make_unique<http::Client>(
        endpoint, http::ClientOptions{.timeout = std::chrono::minutes(5), .api_key = {}});
    simulation_ = std::make_unique<Simulation>(shop_, shoppers_, *client_);
    ASSIGN_OR_RETURN(ApiSession session, ApiSession::Open(line_));
    session_ = std::make_unique<ApiSession>(std::move(session));
    return fmt::format("{} over {}", application_->url(), line_.data);
  }

  Result<std::string> Collect() {
    ASSIGN_OR_RETURN(const Posted goods, simulation_->PostCatalogue());
    RETURN_IF_ERROR(Claim(goods.accepted == options_.products, "every product is taken"));
    const auto events = shoppers_.Browse(options_.events, {now_.value - 30 * kMicrosPerDay}, now_);
    const auto started = std::chrono::steady_clock::now();
    ASSIGN_OR_RETURN(const Posted posted, simulation_->PostEvents(events));
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    RETURN_IF_ERROR(Claim(posted.accepted == events.size(), "every event is taken and on disk"));
    const std::vector<Event> again(events.begin(), events.begin() + 1000);
    ASSIGN_OR_RETURN(const Posted repeated, simulation_->PostEvents(again));
    RETURN_IF_ERROR(Claim(repeated.duplicates == again.size(), "events sent twice count once"));
    return fmt::format(
        "{} products, {} events on disk, {:.0f} a second; 1,000 sent again: all "
        "duplicates",
        goods.accepted, posted.accepted, static_cast<double>(posted.accepted) / seconds);
  }

  Result<std::string> Plant() {
    planted_ = simulate::PlantBadRows(shop_, 50, now_);
    ASSIGN_OR_RETURN(const Posted posted, simulation_->PostEvents(planted_.events));
    rejected_ = posted.rejected;
    return fmt::format(
        "{} rows: {} repeats, {} in the future, {} absurd prices, {} unknown items, "
        "{} of a robot; {} refused at the door",
        planted_.events.size(), planted_.repeats, planted_.future, planted_.absurd_price,
        planted_.unknown_item, planted_.bot, rejected_);
  }

  Result<json> RunLoopJob(const char* spec) {
    ASSIGN_OR_RETURN(const std::string text, RunJob(*session_, "retrain", spec, line_.json, stop_));
    return json::parse(text);
  }

  Result<std::string> Train() {
    ASSIGN_OR_RETURN(const json outcome, RunLoopJob(R"({"refit":false})"));
    RETURN_IF_ERROR(Claim(outcome["promoted"].is_string(), "the first model passes the gate"));
    champion_ = outcome["promoted"].get<std::string>();
    text_ = outcome.value("text", "");
    Say(text_);
    return fmt::format("{} serves", champion_);
  }

  Result<std::string> FindPlanted() {
    // The report of the snapshot that the model was fitted on.
    ASSIGN_OR_RETURN(const std::string text, LakeReport());
    const json report = json::parse(text, nullptr, false);
    if (!report.is_object() || !report.contains("rules")) {
      return Internal("the cleaning report has no rules");
    }
    std::map<std::string, std::uint64_t> removed;
    std::string found;
    for (const json& rule : report["rules"]) {
      const auto count = rule.value("removed", std::uint64_t{0});
      removed[rule.value("name", "")] = count;
      if (count > 0) {
        found += fmt::format("{}{} {}", found.empty() ? "" : ", ", rule.value("name", ""), count);
      }
    }
    RETURN_IF_ERROR(Claim(rejected_ == planted_.future, "rows of the future are refused at once"));
    const auto all = [&](const char* rule, std::size_t planted) {
      return Claim(removed[rule] >= planted,
                   fmt::format("the {} planted rows of '{}' are found ({} were)", planted, rule,
                               removed[rule]));
    };
    RETURN_IF_ERROR(all("near_duplicates", planted_.repeats));
    RETURN_IF_ERROR(all("price_outliers", planted_.absurd_price));
    RETURN_IF_ERROR(all("orphan_items", planted_.unknown_item));
    RETURN_IF_ERROR(all("bots", planted_.bot));
    return fmt::format("in quarantine: {}; {} refused at the door", found, rejected_);
  }

  Result<std::string> Serve() {
    ASSIGN_OR_RETURN(before_, simulation_->Visit(options_.visits, 10));
    RETURN_IF_ERROR(
        Claim(before_.fallbacks * 10 < before_.answers, "nine of ten answers are the model's"));
    return fmt::format("{} answers, {:.0f} a second, CTR {:.2f} %", before_.answers,
                       static_cast<double>(before_.answers) / before_.seconds, 100 * before_.ctr());
  }

  Result<std::string> Explain() {
    ASSIGN_OR_RETURN(const std::string text,
                     session_->Get("/v1/requests/" + http::PercentEncode(before_.last_request) +
                                   "?explain=true&language=en"));
    const json answer = json::parse(text);
    const json& items = answer["items"];
    RETURN_IF_ERROR(Claim(items.is_array() && !items.empty(), "the answer is kept"));
    const json& first = items[0];
    double sum = 0;
    std::string words;
    for (const json& reason : first.value("reasons", json::array())) {
      sum += reason.value("contribution", 0.0);
      words += (words.empty() ? "" : "; ") + reason.value("text", "");
    }
    const double score = first.value("score", 0.0);
    RETURN_IF_ERROR(Claim(std::abs(sum - score) <= 1e-6 * std::max(1.0, std::abs(score)),
                          fmt::format("the reasons add up to the score ({} and {})", sum, score)));
    return fmt::format("{} for {}: {}", first.value("item_id", ""), before_.last_user, words);
  }

  Result<std::string> Search() {
    const auto first = [this](const char* query) -> Result<std::string> {
      ASSIGN_OR_RETURN(const std::string text,
                       session_->Post("/v1/search", json({{"query", query}, {"n", 3}}).dump()));
      const json items = json::parse(text).value("items", json::array());
      RETURN_IF_ERROR(Claim(!items.empty(), fmt::format("'{}' finds something", query)));
      const std::size_t product = shop_.Find(items[0].value("item_id", ""));
      return product < shop_.products().size() ? shop_.products()[product].item.title
                                               : std::string();
    };
    ASSIGN_OR_RETURN(const std::string english, first("wireless headphones"));
    ASSIGN_OR_RETURN(const std::string chinese, first("电饭煲"));
    RETURN_IF_ERROR(Claim(english.find("Wireless Headphones") != std::string::npos,
                          "the first hit is what was asked for"));
    RETURN_IF_ERROR(Claim(chinese.find("电饭煲") != std::string::npos,
                          "the first Chinese hit is what was asked for"));
    return fmt::format("wireless headphones -> {}; 电饭煲 -> {}", english, chinese);
  }

  Result<std::string> Shift() {
    shoppers_.ShiftTastes(0.9);
    ASSIGN_OR_RETURN(shifted_, simulation_->Visit(options_.visits, 10));
    // The shoppers go on browsing by themselves: what the next model can learn from.
    const Micros now = Now();
    const auto events = shoppers_.Browse(options_.events / 2, now_, now);
    ASSIGN_OR_RETURN(const Posted posted, simulation_->PostEvents(events));
    // Their histories are new now; what is served from here on shows it.
    ASSIGN_OR_RETURN(const Traffic after, simulation_->Visit(options_.visits, 10));
    shifted_ = after;
    return fmt::format("CTR {:.2f} % (was {:.2f} %), {} new events", 100 * shifted_.ctr(),
                       100 * before_.ctr(), posted.accepted);
  }

  Result<std::string> SeeDrift() {
    ASSIGN_OR_RETURN(const std::string text, session_->Get("/v1/monitors/drift"));
    const json report = json::parse(text);
    for (const json& model : report.value("models", json::array())) {
      if (model.value("model", "") != champion_) {
        continue;
      }
      const auto drifted = model.value("drifted", std::uint64_t{0});
      RETURN_IF_ERROR(Claim(drifted > 0, "the served features are seen to have moved"));
      return fmt::format("{} of {} watched series of {} moved", drifted,
                         model.value("judged", std::uint64_t{0}), champion_);
    }
    return FailedPrecondition("the champion is not watched");
  }

  Result<std::string> Retrain() {
    ASSIGN_OR_RETURN(const json outcome, RunLoopJob("{}"));
    Say(outcome.value("text", ""));
    RETURN_IF_ERROR(Claim(outcome["rollout"].is_string(), "the new model passes the gate"));
    rollout_ = outcome["rollout"].get<std::string>();
    candidate_ = outcome["handed_over"].get<std::string>();
    RETURN_IF_ERROR(Claim(candidate_ != champion_, "it is another version"));
    for (const json& one : outcome["candidates"]) {
      if (one.value("spec", "") == "popularity") {
        popularity_ = one.value("version", "");
      }
    }
    return fmt::format("{} is on its way to shoppers: {}", candidate_, rollout_);
  }

  /// What became of it, for people.
  static std::string Told(const DemoRollout& rollout) {
    return fmt::format("{} after {} visits, {:.1f} s, in the {}; {:.0f} % of shoppers saw it: {}",
                       rollout.state, rollout.visits, rollout.seconds, rollout.kind,
                       100 * rollout.users, rollout.reason);
  }

  Result<std::string> RollOut() {
    ASSIGN_OR_RETURN(const DemoRollout rollout,
                     FollowRollout(*session_, *simulation_, rollout_, 10 * options_.visits, stop_));
    RETURN_IF_ERROR(
        Claim(rollout.state == "promoted", "the better model gets through: " + Told(rollout)));
    previous_ = std::exchange(champion_, candidate_);
    return fmt::format("{} serves, {} is kept for the way back; {}", champion_, previous_,
                       Told(rollout));
  }

  /// Somebody rolls out a version that shows everybody the same.
  Result<DemoRollout> RollOutPopularity(const char* policy) {
    ASSIGN_OR_RETURN(const std::string id,
                     BeginRollout(*session_, popularity_, policy, "a bad day, for the demo"));
    ASSIGN_OR_RETURN(DemoRollout rollout,
                     FollowRollout(*session_, *simulation_, id, 10 * options_.visits, stop_));
    RETURN_IF_ERROR(
        Claim(rollout.state == "rolled_back", "the bad version leaves: " + Told(rollout)));
    return rollout;
  }

  Result<std::string> StopInShadow() {
    ASSIGN_OR_RETURN(const DemoRollout rollout, RollOutPopularity(kDemoPolicy));
    RETURN_IF_ERROR(Claim(rollout.kind == "shadow" && rollout.users == 0, "no shopper saw it"));
    return fmt::format("{}: {}", popularity_, Told(rollout));
  }

  Result<std::string> StopInCanary() {
    ASSIGN_OR_RETURN(const DemoRollout rollout, RollOutPopularity(kDemoPolicyWithoutShadow));
    ASSIGN_OR_RETURN(const std::string text, session_->Get("/v1/aliases"));
    RETURN_IF_ERROR(Claim(json::parse(text)["aliases"].value("champion", "") == champion_,
                          "the champion serves everybody"));
    return fmt::format("{}: {}", popularity_, Told(rollout));
  }

  Result<std::string> ServeAgain() {
    ASSIGN_OR_RETURN(after_, simulation_->Visit(options_.visits, 10));
    RETURN_IF_ERROR(Claim(after_.ctr() > shifted_.ctr(), "shoppers click more again"));
    return fmt::format("CTR {:.2f} % (was {:.2f} %)", 100 * after_.ctr(), 100 * shifted_.ctr());
  }

  Result<std::string> RollBack() {
    const auto started = std::chrono::steady_clock::now();
    ASSIGN_OR_RETURN(const std::string back, session_->Post("/v1/models:rollback", "{}"));
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    RETURN_IF_ERROR(
        Claim(json::parse(back).value("version", "") == previous_, "the previous version serves"));
    RETURN_IF_ERROR(Claim(seconds < 1, "the way back takes less than a second"));
    RETURN_IF_ERROR(session_->Post("/v1/models:rollback", "{}").status());
    return fmt::format("{} served again after {:.0f} ms", previous_, 1000 * seconds);
  }

  Result<std::string> LakeReport() {
    CommandLine line = line_;
    line.json = true;
    return RunLake(line, {"report"}, stop_);
  }

  void Summarise(double seconds) {
    if (line_.json) {
      Print(json({{"simulated", true}, {"seconds", seconds}, {"steps", table_}}).dump(2));
      return;
    }
    std::string text = "\nA simulated shop, the whole loop (every figure is of simulated data):\n";
    for (const json& row : table_) {
      text += fmt::format("  {:<32} {:>6.1f} s  {}\n", row["step"].get<std::string>(),
                          row["seconds"].get<double>(), row["found"].get<std::string>());
    }
    text += fmt::format(
        "  {:<32} {:>6.1f} s\n\nYour own data:\n  vitrine data check PATH --mapping NAME    what "
        "would be taken, what not\n  vitrine run PATH --mapping NAME           files in, a tested "
        "model out, and serve it\n  vitrine status                            what serves, how "
        "well, and what moved\n",
        "in all", seconds);
    Print(text);
  }

  const CommandLine& line_;
  const DemoOptions& options_;
  const std::stop_token& stop_;
  Micros now_;
  simulate::Shop shop_;
  simulate::Shoppers shoppers_;
  std::unique_ptr<Application> application_;
  std::unique_ptr<http::Client> client_;
  std::unique_ptr<Simulation> simulation_;
  std::unique_ptr<ApiSession> session_;
  simulate::PlantedRows planted_;
  std::uint64_t rejected_ = 0;
  std::string champion_;
  std::string previous_;
  std::string candidate_;   ///< of the rollout that a turn began
  std::string rollout_;     ///< its id
  std::string popularity_;  ///< a version that shows everybody the same
  std::string text_;
  Traffic before_;
  Traffic shifted_;
  Traffic after_;
  json table_ = json::array();
};

}  // namespace

Status RunDemo(const CommandLine& line, const DemoOptions& options, const std::stop_token& stop) {
  return Demo(line, options, stop).Run();
}

}  // namespace vitrine::apps
