// Limits, streams, draining, and input that was made to hurt.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "transport/http/server_testing.h"

namespace vitrine::http {
namespace {

TEST_F(ServerTest, AFullPoolAnswers503) {
  ServerOptions options;
  options.pool_threads = 1;
  options.pool_queue = 1;
  Start(options);
  std::jthread first([&] { EXPECT_EQ(Client(endpoint_).Get("/slow")->status, 200); });
  ASSERT_TRUE(paths_.slow_started.Wait());
  std::atomic<int> refused{0};
  {
    std::vector<std::jthread> more;
    for (int i = 0; i < 3; ++i) {
      more.emplace_back([&] {
        const auto answer = Client(endpoint_).Get("/slow");
        if (answer.ok() && answer->status == 503) {
          EXPECT_EQ(answer->header("Retry-After"), "1");
          if (++refused == 2) {
            paths_.slow.Open();
          }
        }
      });
    }
  }
  EXPECT_EQ(refused, 2);
}

TEST_F(ServerTest, BoundsConnectionsAndHeldBodies) {
  ServerOptions options;
  options.max_connections = 2;
  options.max_buffered_bytes = 100'000;
  Start(options);
  Client a(endpoint_);
  Client b(endpoint_);
  ASSERT_EQ(a.Get("/a")->status, 200);
  EXPECT_EQ(b.Post("/a", std::string(200'000, 'x'))->status, 503);
  ASSERT_TRUE(WaitForConnections(1));
  ASSERT_EQ(b.Post("/a", std::string(50'000, 'x'))->status, 200);
  EXPECT_TRUE(Raw("").starts_with("HTTP/1.1 503 "));
  EXPECT_EQ(metrics_.Samples().at("vitrine_http_refused_total{reason=\"connection_cap\"}"), 1);
}

TEST_F(ServerTest, CutsOffSlowClients) {
  ServerOptions options;
  options.idle_timeout = 300ms;
  options.head_timeout = 300ms;
  options.rate_grace = 300ms;
  options.min_bytes_per_second = 1'000'000;
  Start(options);
  EXPECT_EQ(Raw(""), "");
  EXPECT_TRUE(Raw("GET /a HTTP/1.1\r\nHos").starts_with("HTTP/1.1 408 "));
  EXPECT_TRUE(Raw("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc")
                  .starts_with("HTTP/1.1 408 "));
  // Never reads its large answers: the server lets go of it.
  ClientSocket deaf;
  ASSERT_TRUE(deaf.Connect(endpoint_, After(5s)).ok());
  std::string asks;
  for (int i = 0; i < 8; ++i) {
    asks += "GET /large HTTP/1.1\r\nHost: x\r\n\r\n";
  }
  ASSERT_TRUE(deaf.WriteAll(asks, After(5s)).ok());
  EXPECT_TRUE(WaitForConnections(0));
}

TEST_F(ServerTest, StreamsEventsUntilTheClientLeaves) {
  Start();
  Client client(endpoint_);
  std::vector<ServerEvent> seen;
  const Status status = client.Follow("/stream", After(20s), [&](const ServerEvent& event) {
    seen.push_back(event);
    if (seen.size() == 1) {
      paths_.stream()->Send("tick", "2", "2");
    }
    return seen.size() < 2;
  });
  ASSERT_TRUE(status.ok()) << status.ToString();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].event, "hello");
  EXPECT_EQ(seen[0].data, "line one\nline two");
  EXPECT_EQ(seen[1].id, "2");
  ASSERT_TRUE(paths_.stream_closed.Wait());
  EXPECT_FALSE(paths_.stream()->Send("late", "x"));
}

TEST_F(ServerTest, AStreamThatIsNotReadIsEnded) {
  Start();
  ClientSocket deaf;
  ASSERT_TRUE(deaf.Connect(endpoint_, After(5s)).ok());
  ASSERT_TRUE(deaf.WriteAll("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n", After(5s)).ok());
  ASSERT_TRUE(paths_.stream_open.Wait());
  const std::string data(10'000, 'x');
  int sent = 0;
  while (sent < 100'000 && paths_.stream()->Send("e", data)) {
    ++sent;
  }
  EXPECT_LT(sent, 100'000);
  EXPECT_TRUE(paths_.stream()->closed());
}

TEST_F(ServerTest, DrainsOnStop) {
  Start();
  Client idle(endpoint_);
  ASSERT_EQ(idle.Get("/a")->status, 200);
  std::jthread streaming([&] {
    EXPECT_TRUE(Client(endpoint_).Follow("/stream", After(20s), [](auto&) { return true; }).ok());
  });
  ASSERT_TRUE(paths_.stream_open.Wait());
  std::jthread busy([&] {
    const auto answer = Client(endpoint_).Get("/slow");
    ASSERT_TRUE(answer.ok()) << answer.status().ToString();
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->header("Connection"), "close");
  });
  ASSERT_TRUE(paths_.slow_started.Wait());
  std::jthread stopping([&] { server_->Stop(20s); });
  ASSERT_TRUE(paths_.stream_closed.Wait());
  paths_.slow.Open();
  stopping.join();
  EXPECT_EQ(server_->connections(), 0U);
  EXPECT_EQ(Client(endpoint_).Get("/a").status().code(), Code::kUnavailable);
}

TEST_F(ServerTest, SurvivesMutatedConnections) {
  ServerOptions options;
  options.head_timeout = 200ms;
  options.rate_grace = 200ms;
  options.idle_timeout = 200ms;
  Start(options);
  const std::string base =
      "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
      "GET /throw HTTP/1.1\r\nHost: x\r\n\r\nGET /slower HTTP/1.1\r\nHost: x\r\n\r\n";
  std::vector<std::jthread> clients;
  for (unsigned seed = 0; seed < 4; ++seed) {
    clients.emplace_back([&, seed] {
      std::mt19937 random(seed);
      for (int round = 0; round < 40; ++round) {
        std::string text = base;
        for (unsigned edit = random() % 4; edit > 0; --edit) {
          text[random() % text.size()] = static_cast<char>(random());
        }
        ClientSocket socket;
        ASSERT_TRUE(socket.Connect(endpoint_, After(20s)).ok());
        const std::size_t cut = random() % text.size();
        if (socket.WriteAll(std::string_view(text).substr(0, cut), After(20s)).ok() &&
            random() % 2 == 0) {
          char buffer[64];
          (void)socket.ReadSome(buffer, sizeof(buffer), After(20s));
        }
      }
    });
  }
  clients.clear();
  EXPECT_EQ(Client(endpoint_).Get("/a")->status, 200);
}

}  // namespace
}  // namespace vitrine::http
