// Requests that wait without a thread, over real sockets.
#include "transport/http/suspended.h"

#include <atomic>
#include <deque>

#include "transport/http/server_testing.h"

namespace vitrine::http {
namespace {

/// The wakers that wait, and what became of their requests.
struct Waiting {
  void Add(std::shared_ptr<Waker> waker) {
    const std::scoped_lock lock(mutex);
    wakers.push_back(std::move(waker));
    changed.notify_all();
  }
  std::shared_ptr<Waker> Take() {
    std::unique_lock lock(mutex);
    if (!changed.wait_for(lock, 20s, [this] { return !wakers.empty(); })) {
      return nullptr;
    }
    auto waker = std::move(wakers.front());
    wakers.pop_front();
    return waker;
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::shared_ptr<Waker>> wakers;
  Gate abandoned;
  std::atomic<int> finished{0};
};

Waiting* waiting = nullptr;             // of the test that runs
std::shared_ptr<Waker> at_end_of_turn;  // on the one I/O thread

class Later final : public Suspended {
 public:
  explicit Later(std::string path) : path_(std::move(path)) {}
  bool Start(std::shared_ptr<Waker> waker) override {
    if (path_ == "/now") {
      waker->Wake();
      return false;
    }
    if (path_ == "/turn") {
      at_end_of_turn = waker;
      waker->AtEndOfTurn([] {
        std::exchange(at_end_of_turn, nullptr)->Wake();
        return false;
      });
      return false;
    }
    waiting->Add(std::move(waker));
    return true;
  }
  void Finish(Request& request, Response& response) override {
    ++waiting->finished;
    if (path_ == "/throws") {
      throw std::runtime_error("secret detail");
    }
    response.body.append(request.path()).append(" ").append(request.body());
  }
  void Abandon() override { waiting->abandoned.Open(); }

 private:
  std::string path_;
};

class Suspending final : public RequestHandler {
 public:
  Placement Admit(Request& /*head*/, Response& /*response*/) override { return Placement::kInline; }
  void Handle(Request& request, Response& response) override {
    response.Suspend(std::make_shared<Later>(std::string(request.path())));
  }
};

class SuspendedTest : public ::testing::Test {
 protected:
  SuspendedTest() {
    waiting = &waiting_;
    ServerOptions options;
    options.io_threads = 1;
    auto server = Server::Start(std::move(options), handler_);
    EXPECT_TRUE(server.ok()) << server.status().ToString();
    server_ = std::move(server).value();
    endpoint_.port = server_->listeners()[0].port;
  }
  std::unique_ptr<ClientSocket> Sent(std::string_view bytes) const {
    auto socket = std::make_unique<ClientSocket>();
    EXPECT_TRUE(socket->Connect(endpoint_, After(5s)).ok());
    EXPECT_TRUE(socket->WriteAll(bytes, After(5s)).ok());
    return socket;
  }
  static std::string ReadUntil(ClientSocket& socket, std::string_view end) {
    std::string all;
    char buffer[4096];
    while (all.find(end) == std::string::npos) {
      const auto got = socket.ReadSome(buffer, sizeof(buffer), After(20s));
      if (!got.ok() || *got == 0) {
        return all + "<end>";
      }
      all.append(buffer, *got);
    }
    return all;
  }

  Waiting waiting_;
  Suspending handler_;
  std::unique_ptr<Server> server_;
  Endpoint endpoint_;
};

TEST_F(SuspendedTest, IsAnsweredWhenAnotherThreadWakesIt) {
  const auto socket = Sent("POST /later HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
  const auto waker = waiting_.Take();
  ASSERT_NE(waker, nullptr);
  std::jthread([waker] { waker->Wake(); }).join();
  EXPECT_NE(ReadUntil(*socket, "/later body").find("200 OK"), std::string::npos);
}

TEST_F(SuspendedTest, MayBeWakedAtOnceAndAtTheEndOfTheTurn) {
  const auto socket = Sent(
      "GET /now HTTP/1.1\r\nHost: a\r\n\r\n"
      "GET /turn HTTP/1.1\r\nHost: a\r\n\r\n"
      "GET /now HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const std::string answers = ReadUntil(*socket, "no such text");
  EXPECT_EQ(waiting_.finished, 3) << answers;
  EXPECT_LT(answers.find("/now "), answers.find("/turn "));
  EXPECT_LT(answers.find("/turn "), answers.rfind("/now "));
}

TEST_F(SuspendedTest, PipelinedRequestsBehindItKeepTheirOrder) {
  const auto socket = Sent("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto first = waiting_.Take();
  ASSERT_NE(first, nullptr);
  ASSERT_TRUE(socket->WriteAll("GET /b HTTP/1.1\r\nHost: a\r\n\r\n", After(5s)).ok());
  first->Wake();
  EXPECT_EQ(ReadUntil(*socket, "/a ").find("/b "), std::string::npos);
  const auto second = waiting_.Take();
  ASSERT_NE(second, nullptr);
  second->Wake();
  EXPECT_NE(ReadUntil(*socket, "/b ").find("200 OK"), std::string::npos);
}

TEST_F(SuspendedTest, HearsThatItsClientLeft) {
  std::shared_ptr<Waker> waker;
  {
    const auto socket = Sent("GET /left HTTP/1.1\r\nHost: a\r\n\r\n");
    waker = waiting_.Take();
    ASSERT_NE(waker, nullptr);
  }
  EXPECT_TRUE(waiting_.abandoned.Wait());
  waker->Wake();
  server_.reset();
  EXPECT_EQ(waiting_.finished, 0);
}

TEST_F(SuspendedTest, AFailureInItIsA500ThatTellsNothing) {
  const auto socket = Sent("GET /throws HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  const auto waker = waiting_.Take();
  ASSERT_NE(waker, nullptr);
  waker->Wake();
  const std::string answer = ReadUntil(*socket, "no such text");
  EXPECT_NE(answer.find("500 "), std::string::npos) << answer;
  EXPECT_EQ(answer.find("secret"), std::string::npos) << answer;
}

TEST_F(SuspendedTest, TheServersEndWaitsForTheWake) {
  const auto socket = Sent("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto waker = waiting_.Take();
  ASSERT_NE(waker, nullptr);
  server_->Stop(0ms);
  EXPECT_TRUE(waiting_.abandoned.Wait());  // cut off at the deadline
  std::atomic<bool> waked{false};
  std::jthread ending([&] {
    server_.reset();
    EXPECT_TRUE(waked);
  });
  waked = true;
  waker->Wake();
}

}  // namespace
}  // namespace vitrine::http
