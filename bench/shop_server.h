/// A server that is a process of its own, and a simulated shop's shoppers who come to it all the time.
#pragma once

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "apps/vitrine/simulation.h"
#include "core/check.h"
#include "loop/child_process.h"
#include "simulate/shop.h"
#include "simulate/shoppers.h"
#include "transport/http/client.h"

namespace vitrine::bench {

using Clock = std::chrono::steady_clock;

inline constexpr int kClients = 3;
inline constexpr int kVisitsASecond = 250;  ///< of each client

inline std::string Bin() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path();
}

inline double Since(Clock::time_point begun) {
  return std::chrono::duration<double>(Clock::now() - begun).count();
}

inline int FreePort() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  CHECK(::bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0);
  CHECK(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  ::close(socket);
  return ntohs(address.sin_port);
}

/// `vitrine up`, a process of its own: a version may end it.
class Server {
 public:
  explicit Server(std::string data) : data_(std::move(data)), port_(FreePort()) {
    std::vector<std::string> arguments = {"--data", data_};
    for (const std::string& setting :
         {fmt::format("server.listen=127.0.0.1:{}", port_), std::string("server.grpc_listen="),
          std::string("rollout.every_ms=200"), std::string("train.specs=item-knn-decay"),
          std::string("train.protocol=newest-days"), std::string("lake.mapping=vitrine")}) {
      arguments.insert(arguments.end(), {"--set", setting});
    }
    arguments.emplace_back("up");
    thread_ = std::jthread([this, arguments](const std::stop_token& stop) {
      const auto outcome =
          loop::RunChild({.program = Bin() + "/vitrine", .arguments = arguments}, {}, stop);
      alive_ = false;
      if (outcome.ok() && outcome->signal != 0) {
        std::printf("the server was ended by signal %d\n", outcome->signal);
      }
    });
    const auto begun = Clock::now();
    while (!Connect().Get("/livez").ok()) {
      CHECK(alive_ && Since(begun) < 60);
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
  [[nodiscard]] http::Client Connect() const {
    const auto endpoint = http::ParseEndpoint(fmt::format("http://127.0.0.1:{}", port_));
    CHECK(endpoint.ok());
    return http::Client(*endpoint);
  }
  [[nodiscard]] bool alive() const { return alive_; }

  /// A command of `vitrine` on the same directory.
  [[nodiscard]] loop::ChildOutcome Run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"--data", data_, "--json"});
    auto outcome =
        loop::RunChild({.program = Bin() + "/vitrine", .arguments = std::move(arguments)}, {}, {});
    CHECK(outcome.ok());
    return *std::move(outcome);
  }

 private:
  std::string data_;
  int port_;
  std::atomic<bool> alive_{true};
  std::jthread thread_;
};

/// Shoppers who come all the time, over connections of their own, until it goes.
class Shopping {
 public:
  Shopping(const Server& server, const simulate::Shop& shop) {
    for (std::uint64_t c = 0; c < kClients; ++c) {
      threads_.emplace_back([this, &server, &shop, c](const std::stop_token& stop) {
        http::Client client = server.Connect();
        simulate::Shoppers shoppers(shop, 100 + c);
        apps::Simulation simulation(shop, shoppers, client);
        constexpr int kAtOnce = 5;
        for (auto due = Clock::now(); !stop.stop_requested() && server.alive();) {
          const auto seen = simulation.Visit(kAtOnce, 10);
          asked_ += kAtOnce;
          if (!seen.ok()) {
            if (failed_++ == 0) {
              std::printf("a failed request: %s\n", seen.status().message().c_str());
            }
          } else {
            fallbacks_ += seen->fallbacks;
          }
          due += std::chrono::milliseconds(1000 * kAtOnce / kVisitsASecond);
          due = std::max(due, Clock::now() - std::chrono::seconds(1));
          std::this_thread::sleep_until(due);
        }
      });
    }
  }
  [[nodiscard]] std::uint64_t asked() const { return asked_; }
  [[nodiscard]] std::uint64_t failed() const { return failed_; }

 private:
  std::atomic<std::uint64_t> asked_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<std::uint64_t> fallbacks_{0};
  std::vector<std::jthread> threads_;
};

}  // namespace vitrine::bench
