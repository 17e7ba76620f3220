#include "transport/http/server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <random>
#include <stdexcept>
#include <thread>

#include "transport/http/client.h"
#include "transport/http/client_socket.h"
#include "transport/http/event_stream.h"

namespace vitrine::http {
namespace {

using namespace std::chrono_literals;

// Opens once.
class Gate {
 public:
  void Open() {
    const std::scoped_lock lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool Wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

// A handler with one path for each thing the engine promises.
class Paths : public RequestHandler {
 public:
  Placement Admit(Request& head, Response& response) override {
    if (head.path() == "/refuse") {
      response.status = 403;
      response.body = "no";
      return Placement::kRefused;
    }
    return head.path().starts_with("/slow") ? Placement::kPool : Placement::kInline;
  }

  void Handle(Request& request, Response& response) override {
    if (request.path() == "/throw") {
      throw std::runtime_error("secret detail");
    }
    if (request.path() == "/throw-other") {
      throw 7;
    }
    if (request.path() == "/slow") {
      slow_started.Open();
      slow.Wait();
    }
    if (request.path() == "/large") {
      response.body.assign(4UL << 20, 'x');
      return;
    }
    if (request.path() == "/stream") {
      response.Stream([this](std::shared_ptr<EventStream> stream) {
        stream->OnClose([this] { stream_closed.Open(); });
        {
          const std::scoped_lock lock(mutex);
          last_stream = stream;
        }
        stream->Send("hello", "line one\nline two", "1");
        stream_open.Open();
      });
      return;
    }
    response.content_type = "text/plain";
    response.body.append(MethodName(request.method())).append(" ").append(request.path());
    response.body.append(" ").append(request.body());
  }

  std::shared_ptr<EventStream> stream() {
    const std::scoped_lock lock(mutex);
    return last_stream;
  }

  Gate slow;
  Gate slow_started;
  Gate stream_open;
  Gate stream_closed;
  std::mutex mutex;
  std::shared_ptr<EventStream> last_stream;
};

class ServerTest : public ::testing::Test {
 protected:
  void Start(ServerOptions options = {}) {
    options.io_threads = options.io_threads == 0 ? 2 : options.io_threads;
    options.metrics = &metrics_;
    auto server = Server::Start(std::move(options), paths_);
    ASSERT_TRUE(server.ok()) << server.status().ToString();
    server_ = std::move(server).value();
    port_ = server_->listeners()[0].port;
    endpoint_.port = port_;
  }
  void TearDown() override {
    paths_.slow.Open();
    server_.reset();
  }

  // Sends bytes as they are and reads until the server closes.
  std::string Raw(std::string_view bytes, std::size_t piece = 1 << 20) const {
    ClientSocket socket;
    if (!socket.Connect(endpoint_, After(5s)).ok()) {
      return "cannot connect";
    }
    while (!bytes.empty()) {
      if (!socket.WriteAll(bytes.substr(0, piece), After(20s)).ok()) {
        break;
      }
      bytes.remove_prefix(std::min(piece, bytes.size()));
    }
    return ReadAll(socket);
  }
  static std::string ReadAll(ClientSocket& socket) {
    std::string all;
    char buffer[8192];
    while (true) {
      const auto got = socket.ReadSome(buffer, sizeof(buffer), After(20s));
      if (!got.ok()) {
        return all + "<" + got.status().ToString() + ">";
      }
      if (*got == 0) {
        return all;
      }
      all.append(buffer, *got);
    }
  }
  bool WaitForConnections(std::size_t count) const {
    const auto limit = std::chrono::steady_clock::now() + 30s;
    while (server_->connections() != count) {
      if (std::chrono::steady_clock::now() > limit) {
        return false;
      }
      std::this_thread::sleep_for(2ms);
    }
    return true;
  }
  static std::size_t Count(std::string_view text, std::string_view what) {
    std::size_t n = 0;
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string_view::npos; ++at) {
      ++n;
    }
    return n;
  }

  MetricRegistry metrics_;
  Paths paths_;
  std::unique_ptr<Server> server_;
  std::uint16_t port_ = 0;
  Endpoint endpoint_;
};

TEST_F(ServerTest, AnswersAndKeepsTheConnection) {
  Start();
  EXPECT_NE(port_, 0);
  Client client(endpoint_);
  for (int i = 0; i < 3; ++i) {
    const auto answer = client.Post("/a/b?c=d", "{}");
    ASSERT_TRUE(answer.ok()) << answer.status().ToString();
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "POST /a/b {}");
    EXPECT_EQ(answer->header("x-content-type-options"), "nosniff");
    EXPECT_FALSE(answer->header("X-Request-Id").empty());
    EXPECT_FALSE(answer->header("Date").empty());
  }
  EXPECT_EQ(metrics_.Samples().at("vitrine_http_connections_total"), 1);
  EXPECT_EQ(server_->connections(), 1U);
}

TEST_F(ServerTest, TakesASaneRequestIdAndReplacesAnother) {
  Start();
  Client client(endpoint_);
  const auto taken = client.Send("GET", "/a", {}, {{"X-Request-Id", "trace:1.2-3_x"}});
  ASSERT_TRUE(taken.ok());
  EXPECT_EQ(taken->header("X-Request-Id"), "trace:1.2-3_x");
  const auto made = client.Send("GET", "/a", {}, {{"X-Request-Id", "a b<script>"}});
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->header("X-Request-Id").size(), 18U);
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrder) {
  Start();
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    // Every third goes through the pool: order holds over both kinds.
    bytes += std::string(i % 3 == 0 ? "GET /slower" : "GET /n") + std::to_string(i) +
             " HTTP/1.1\r\nHost: x\r\n" + (i == 299 ? "Connection: close\r\n" : "") + "\r\n";
  }
  for (const std::size_t piece : {std::size_t{1} << 20, std::size_t{17}}) {
    const std::string answer = Raw(bytes, piece);
    std::size_t at = 0;
    for (int i = 0; i < 300; ++i) {
      const std::string body =
          (i % 3 == 0 ? "GET /slower" : "GET /n") + std::to_string(i) + " ";
      at = answer.find(body, at);
      ASSERT_NE(at, std::string::npos) << body;
    }
    EXPECT_EQ(Count(answer, "HTTP/1.1 200 OK"), 300U);
  }
}

TEST_F(ServerTest, HeadHasNoBodyAndHttp10Closes) {
  Start();
  const std::string head = Raw("HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_NE(head.find("Content-Length: 8\r\n"), std::string::npos) << head;
  EXPECT_TRUE(head.ends_with("\r\n\r\n")) << head;
  const std::string old = Raw("GET /a HTTP/1.0\r\n\r\n");
  EXPECT_NE(old.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(old.ends_with("GET /a ")) << old;
}

TEST_F(ServerTest, AFailingHandlerIsA500ThatTellsNothing) {
  Start();
  Client client(endpoint_);
  for (const char* path : {"/throw", "/throw-other"}) {
    const auto answer = client.Get(path);
    ASSERT_TRUE(answer.ok());
    EXPECT_EQ(answer->status, 500);
    EXPECT_EQ(answer->header("Content-Type"), "application/problem+json");
    EXPECT_EQ(answer->body.find("secret"), std::string::npos);
    EXPECT_NE(answer->body.find(answer->header("X-Request-Id")), std::string::npos);
  }
  EXPECT_EQ(client.Get("/after")->status, 200);
  EXPECT_EQ(metrics_.Samples().at("vitrine_http_handler_failures_total"), 2);
}

TEST_F(ServerTest, RefusesBeforeReadingTheBody) {
  Start();
  ClientSocket socket;
  ASSERT_TRUE(socket.Connect(endpoint_, After(5s)).ok());
  // The body never comes, and the answer does.
  ASSERT_TRUE(socket
                  .WriteAll("POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n",
                            After(5s))
                  .ok());
  const std::string answer = ReadAll(socket);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 403 ")) << answer;
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  // Without a body the connection stays.
  Client client(endpoint_);
  EXPECT_EQ(client.Get("/refuse")->status, 403);
  EXPECT_EQ(client.Get("/a")->status, 200);
}

TEST_F(ServerTest, TheAnswerToAnOversizedBodyArrives) {
  Start();
  Client client(endpoint_);
  const auto answer = client.Post("/a", std::string(9UL << 20, 'x'));
  ASSERT_TRUE(answer.ok()) << answer.status().ToString();
  EXPECT_EQ(answer->status, 413);
  EXPECT_NE(answer->body.find("body_too_large"), std::string::npos);
  EXPECT_EQ(client.Post("/a", std::string(1UL << 20, 'x'))->status, 200);
}

TEST_F(ServerTest, SendsContinueWhereItIsExpected) {
  Start();
  ClientSocket socket;
  ASSERT_TRUE(socket.Connect(endpoint_, After(5s)).ok());
  ASSERT_TRUE(socket
                  .WriteAll("POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                            "Expect: 100-continue\r\nConnection: close\r\n\r\n",
                            After(5s))
                  .ok());
  char buffer[256];
  const auto got = socket.ReadSome(buffer, sizeof(buffer), After(5s));
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(std::string_view(buffer, *got), "HTTP/1.1 100 Continue\r\n\r\n");
  ASSERT_TRUE(socket.WriteAll("ok", After(5s)).ok());
  EXPECT_TRUE(ReadAll(socket).ends_with("POST /a ok"));
}

TEST_F(ServerTest, WritesLargeAnswersToSlowReaders) {
  Start();
  const std::string answer = Raw(
      "GET /large HTTP/1.1\r\nHost: x\r\n\r\n"
      "GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_GT(answer.size(), 8UL << 20);
  EXPECT_EQ(Count(answer, "HTTP/1.1 200 OK"), 2U);
}

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

TEST_F(ServerTest, ABusyPortIsNamedWithItsCure) {
  Start();
  ServerOptions options;
  options.listeners[0].port = port_;
  const auto second = Server::Start(options, paths_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.status().code(), Code::kAlreadyExists);
  EXPECT_NE(second.status().message().find(std::to_string(port_)), std::string::npos);
  EXPECT_NE(second.status().message().find("--port"), std::string::npos);
  options.listeners[0].address = "localhost";
  EXPECT_EQ(Server::Start(options, paths_).status().code(), Code::kInvalidArgument);
}

TEST_F(ServerTest, ListensOnAPrivateUnixSocket) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("vitrine-http-" + std::to_string(::getpid())))
          .string();
  ServerOptions options;
  options.listeners = {Listener{}, Listener{Listener::Kind::kUnix, path, 0}};
  Start(options);
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  Endpoint endpoint;
  endpoint.unix_path = path;
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(Client(endpoint).Get("/a")->body, "GET /a ");
  }
  EXPECT_EQ(Server::Start(options, paths_).status().code(), Code::kAlreadyExists);
  server_.reset();
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(ServerTest, ReplacesASocketThatADeadServerLeft) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("vitrine-dead-" + std::to_string(::getpid())))
          .string();
  ServerOptions options;
  options.listeners = {Listener{Listener::Kind::kUnix, path, 0}};
  std::filesystem::remove(path);
  std::filesystem::create_directory(path);
  EXPECT_EQ(Server::Start(options, paths_).status().code(), Code::kAlreadyExists);
  std::filesystem::remove(path);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ::close(fd);
  Start(options);
  Endpoint endpoint;
  endpoint.unix_path = path;
  EXPECT_EQ(Client(endpoint).Get("/a")->status, 200);
}

// Several clients send mutated requests; the server must go on answering.
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
