/// The server of a simulated month: a process of its own, asked over its socket, and what it says of what happened. Ends the
/// program, and the server with it, where the server fails.
/// Threads: one.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/files/simulated_clock.h"
#include "core/status.h"
#include "core/time.h"
#include "transport/http/client.h"

namespace vitrine::bench {

class MonthServer {
 public:
  /// On a fresh `folder`; its time, and that of this process, is `now` until it is moved. Days are counted from `day0`.
  MonthServer(const std::string& folder, const std::vector<std::string>& settings, Micros now,
              Micros day0);

  [[nodiscard]] http::Client& client() { return *client_; }
  void MoveTo(Micros now);
  /// Goes on where it is OK.
  void Need(const Status& status);

  /// A turn that a person starts.
  void Retrain();
  /// From what came since `from`.
  void LearnContract(Micros from);
  void DeclareSale(Micros until);
  /// Rolls the newest version of the popular items out. False: another rollout goes on.
  bool RollOutPopularity(const std::string& policy);
  /// Remembers alerts that fired and triggers that are held since the last look.
  void Look();
  /// "alerts", "held", "rollouts", "jobs", "audit", "pushed": as bench/month.h says.
  nlohmann::json Said();

 private:
  [[noreturn]] void Fail(const std::string& message);
  nlohmann::json Must(const Result<http::ClientResponse>& response);
  nlohmann::json Get(const std::string& target) { return Must(client_->Get(target)); }
  void Start(const std::vector<std::string>& settings);
  void LookAtAlerts();
  void LookAtHeld();
  nlohmann::json Audit();
  [[nodiscard]] double DayOf(Micros time) const;

  std::string data_;
  Micros day0_;
  std::set<std::pair<std::string, std::string>> alerts_;  // id and when it fired
  std::set<std::string> held_;
  nlohmann::json said_ = {{"alerts", nlohmann::json::array()}, {"held", nlohmann::json::array()}};
  std::unique_ptr<files::SimulatedClock> clock_;
  std::unique_ptr<http::Client> client_;
  std::jthread server_;
};

}  // namespace vitrine::bench
