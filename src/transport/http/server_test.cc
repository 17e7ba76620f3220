#include "transport/http/server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "transport/http/server_testing.h"

namespace vitrine::http {
namespace {

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
      const std::string body = (i % 3 == 0 ? "GET /slower" : "GET /n") + std::to_string(i) + " ";
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
  const std::string answer =
      Raw("GET /large HTTP/1.1\r\nHost: x\r\n\r\n"
          "GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_GT(answer.size(), 8UL << 20);
  EXPECT_EQ(Count(answer, "HTTP/1.1 200 OK"), 2U);
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
  struct stat info{};
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

}  // namespace
}  // namespace vitrine::http
