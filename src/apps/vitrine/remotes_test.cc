// Rankers of other servers over real sockets: our own server, and ones that are slow, broken or gone.
#include "apps/vitrine/remotes.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "serve/fake_ranker.h"
#include "serve/fake_shop.h"
#include "serve/inference.h"
#include "transport/http/fake_keys_testing.h"
#include "transport/http/routes.h"
#include "transport/http/server.h"

namespace vitrine::apps {
namespace {

using namespace std::chrono_literals;

/// A server of the protocol whose answers to infer are a function; what it says of itself is fixed.
class FakeServer final : public http::RequestHandler {
 public:
  using Infer = std::function<void(http::Request&, http::Response&)>;
  explicit FakeServer(Infer infer) : infer_(std::move(infer)) {
    http::ServerOptions options;
    options.io_threads = 1;
    auto server = http::Server::Start(std::move(options), *this);
    EXPECT_TRUE(server.ok()) << server.status().ToString();
    server_ = std::move(server).value();
  }
  Placement Admit(http::Request&, http::Response&) override { return Placement::kPool; }
  void Handle(http::Request& request, http::Response& response) override {
    key = std::string(request.header("Authorization"));
    if (request.path() == "/v2") {
      response.body = R"({"extensions":[]})";
    } else if (request.path() == "/v2/models/model%20a/versions/3") {
      response.body =
          R"({"inputs":[{"name":"item","datatype":"INT64","shape":[-1]}],
              "outputs":[{"name":"p","datatype":"FP32","shape":[-1]}]})";
    } else {
      ++asked;
      infer_(request, response);
    }
  }
  [[nodiscard]] int port() const { return server_->listeners()[0].port; }
  [[nodiscard]] std::size_t connections() const { return server_->connections(); }

  std::atomic<int> asked{0};
  std::string key;  // read once nobody asks any more

 private:
  Infer infer_;
  std::unique_ptr<http::Server> server_;
};

/// Takes connections one after the other, reads something of each, sends some bytes, and closes.
class RawServer {
 public:
  explicit RawServer(std::string bytes) : bytes_(std::move(bytes)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this] {
      for (int peer = 0; (peer = ::accept(listener_, nullptr, nullptr)) >= 0;) {
        char buffer[4096];
        static_cast<void>(::recv(peer, buffer, sizeof(buffer), 0));
        static_cast<void>(::send(peer, bytes_.data(), bytes_.size(), MSG_NOSIGNAL));
        ::close(peer);
      }
    });
  }
  ~RawServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  RawServer(const RawServer&) = delete;
  RawServer& operator=(const RawServer&) = delete;
  [[nodiscard]] int port() const { return port_; }

 private:
  std::string bytes_;
  int listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
  int port_ = 0;
  std::jthread thread_;
};

constexpr std::string_view kScores =
    R"({"outputs":[{"name":"p","datatype":"FP32","shape":[2],"data":[3,4]}]})";

class RemotesTest : public testing::Test {
 protected:
  RemotesTest() {
    Write("spec.json", serve::RankerSpec(ids, 4).ToJson());
    Write("ids.txt", data::Vocabulary(ids).ToText());
  }
  ~RemotesTest() override {
    for (const std::string& file : files_) {
      std::remove(file.c_str());
    }
  }
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path =
        testing::TempDir() + "remotes_test_" + std::to_string(::getpid()) + name;
    std::ofstream(path, std::ios::binary) << text;
    files_.push_back(path);
    return path;
  }
  Result<Remotes> Open(const std::vector<std::string>& more) {
    std::vector<std::string> all = {"remote.ctr.features=" + files_[0],
                                    "remote.ctr.vocabulary=" + files_[1],
                                    "remote.ctr.model=model a", "remote.ctr.version=3"};
    all.insert(all.end(), more.begin(), more.end());
    const auto settings = Settings::Load("", [](const std::string&) { return std::nullopt; }, all);
    EXPECT_TRUE(settings.ok()) << settings.status().ToString();
    return OpenRemotes(*settings, log, items, metrics);
  }
  Status OpenAt(int port, const std::vector<std::string>& more = {}) {
    std::vector<std::string> all = {"remote.ctr.url=http://127.0.0.1:" + std::to_string(port),
                                    "remote.ctr.deadline_ms=20000"};
    all.insert(all.end(), more.begin(), more.end());
    auto opened = Open(all);
    RETURN_IF_ERROR(opened.status());
    remotes = *std::move(opened);
    return Status::Ok();
  }
  Status Ask(Deadline deadline = Deadline::max()) {
    const auto ranker = remotes.rankers.Find("remote:ctr");
    const std::vector<ItemIndex> candidates = {3, 5};
    const data::FeatureInput input{.history = {}, .as_of = {}, .candidates = candidates};
    std::vector<Tensor> features;
    return serve::ScoreCandidates(ranker->graph(), ranker->spec(), *ranker->candidate_layout(),
                                  input, features, scores, deadline);
  }
  std::string Refusal(const std::vector<std::string>& more) {
    const auto opened = Open(more);
    EXPECT_FALSE(opened.ok());
    return opened.status().message();
  }
  double Failures(const std::string& cause) {
    for (const auto& [name, value] : metrics.Samples()) {
      if (name.find("\"" + cause + "\"") != std::string::npos) {
        return value;
      }
    }
    return -1;
  }

  std::vector<std::string> ids = {"a", "b", "c", "d"};
  std::vector<std::string> files_;
  serve::FakeLog log;
  serve::ItemStates items{log};
  MetricRegistry metrics;
  Remotes remotes;
  std::vector<double> scores;
};

TEST_F(RemotesTest, SpeaksWithOurOwnServer) {
  serve::FakeShop shop(4);
  shop.make["ctr:1"] = [&] {
    return serve::FakeRanker("ctr", ids, [](auto history, std::int64_t item) {
      return static_cast<float>(10 * history.back() + item);
    });
  };
  ASSERT_TRUE(shop.Serve("ctr:1", "ctr").ok());
  serve::Inference inference(shop.models, {});
  http::Services services;
  services.inference = &inference;
  http::FakeKeys keys;
  const http::Authorizer authorizer(http::AuthMode::kOpen, &keys);
  http::Router router(http::ApiRoutes(services), authorizer, {});
  auto server = http::Server::Start({.io_threads = 1}, router);
  ASSERT_TRUE(server.ok()) << server.status().ToString();
  ASSERT_TRUE(
      OpenAt((*server)->listeners()[0].port, {"remote.ctr.model=ctr", "remote.ctr.version="}).ok());
  for (int i = 0; i < 3; ++i) {
    const Status asked = Ask();
    ASSERT_TRUE(asked.ok()) << asked.ToString();
    EXPECT_EQ(scores, (std::vector<double>{3, 5}));  // an empty history is one place of padding
  }
  EXPECT_EQ((*server)->connections(), 1U);  // kept open
}

TEST_F(RemotesTest, SendsTheKeyAndAsksForTheVersion) {
  FakeServer server([](http::Request&, http::Response& response) { response.body = kScores; });
  ASSERT_TRUE(OpenAt(server.port(), {"remote.ctr.key_file=" + Write("key", "s3cret\n")}).ok());
  const Status asked = Ask();
  ASSERT_TRUE(asked.ok()) << asked.ToString();
  EXPECT_EQ(scores, (std::vector<double>{3, 4}));
  EXPECT_EQ(server.key, "Bearer s3cret");
}

TEST_F(RemotesTest, AServerThatHangsCostsTheDeadlineAndNoMore) {
  std::atomic<bool> stop{false};
  FakeServer server([&stop](http::Request&, http::Response&) {
    while (!stop) {
      std::this_thread::yield();
    }
  });
  const std::shared_ptr<void> at_the_end(nullptr, [&stop](void*) { stop = true; });
  ASSERT_TRUE(OpenAt(server.port()).ok());
  EXPECT_EQ(Ask(After(300ms)).code(), Code::kDeadlineExceeded);
  EXPECT_EQ(server.asked, 1);
  EXPECT_EQ(Failures("deadline"), 1);
}

TEST_F(RemotesTest, BrokenAnswersAreErrorsOfTheirKind) {
  std::atomic<int> turn{0};
  FakeServer server([&turn](http::Request&, http::Response& response) {
    switch (turn) {
      case 0:
        response.status = 500;
        break;
      case 1:
        response.body = "<html>";
        break;
      case 2:
        response.body = R"({"outputs":[{"name":"p","datatype":"FP32","shape":[1],"data":[3]}]})";
        break;
      default:
        response.body.assign(2 << 20, 'x');
    }
  });
  ASSERT_TRUE(OpenAt(server.port()).ok());
  for (; turn < 4; ++turn) {
    EXPECT_EQ(Ask().code(), Code::kInternal) << turn;
  }
  EXPECT_EQ(Failures("status"), 1);
  EXPECT_EQ(Failures("answer"), 3);
  EXPECT_EQ(server.asked, 4);  // none of them is tried again
  turn = 0;
  EXPECT_EQ(Ask().code(), Code::kInternal);
  EXPECT_EQ(remotes.graphs.front()->breaker(), adapters::BreakerState::kOpen);
  EXPECT_EQ(Ask().code(), Code::kUnavailable);
  EXPECT_EQ(server.asked, 5);
}

TEST_F(RemotesTest, AServerThatIsBusyIsAskedOnceMore) {
  std::atomic<int> turn{0};
  FakeServer server([&turn](http::Request&, http::Response& response) {
    response.status = ++turn == 1 ? 503 : 200;
    response.body = kScores;
  });
  ASSERT_TRUE(OpenAt(server.port()).ok());
  EXPECT_TRUE(Ask().ok());
  EXPECT_EQ(server.asked, 2);
}

TEST_F(RemotesTest, ServersThatAreNoneAreErrors) {
  const RawServer closes("");
  ASSERT_TRUE(OpenAt(closes.port()).ok());
  EXPECT_EQ(Ask().code(), Code::kUnavailable);
  const RawServer cut("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
  ASSERT_TRUE(OpenAt(cut.port()).ok());
  EXPECT_EQ(Ask().code(), Code::kUnavailable);
  const RawServer other("SSH-2.0-OpenSSH_9.2\r\n");
  ASSERT_TRUE(OpenAt(other.port()).ok());
  EXPECT_EQ(Ask().code(), Code::kInternal);
  int free_port = 0;
  {
    const RawServer gone("");
    free_port = gone.port();
  }
  ASSERT_TRUE(OpenAt(free_port).ok());  // one that is down keeps nobody from starting
  EXPECT_EQ(Ask().code(), Code::kUnavailable);
}

TEST_F(RemotesTest, SettingsThatCannotBeUsedAreNamed) {
  const auto url = [this](const std::string& text) { return Refusal({"remote.ctr.url=" + text}); };
  for (const char* text :
       {"", "ftp://h:1", "http://", "http://u:p@h:1", "http://h:1/path", "http://h:1?x=1",
        "http://h:1#x", "http://h:99999", "unix:/tmp/x", "http://h h:1"}) {
    EXPECT_NE(url(text).find("remote.ctr.url"), std::string::npos) << text;
  }
  EXPECT_EQ(url("http://u:s3cret@h:1").find("s3cret"), std::string::npos);
  EXPECT_NE(url("https://h").find("TLS"), std::string::npos);
  const std::string good = "remote.ctr.url=http://127.0.0.1:1";
  EXPECT_NE(Refusal({good, "remote.ctr.features="}).find("remote.ctr.features"), std::string::npos);
  EXPECT_NE(Refusal({good, "remote.ctr.vocabulary=/none"}).find("cannot be read"),
            std::string::npos);
  EXPECT_NE(Refusal({good, "remote.ctr.features=" + files_[1]}).find("remote.ctr.features"),
            std::string::npos);
  EXPECT_NE(Refusal({good, "remote.ctr.deadline_ms=0"}).find("remote.ctr.deadline_ms"),
            std::string::npos);
  EXPECT_NE(Refusal({good, "remote.ctr.in_flight=1000"}).find("remote.ctr.in_flight"),
            std::string::npos);
  const std::string few = Write("few.txt", "a\n");
  EXPECT_NE(Refusal({good, "remote.ctr.vocabulary=" + few}).find("item numbers"),
            std::string::npos);
  const std::string secret = "two words";
  const std::string key = Refusal({good, "remote.ctr.key_file=" + Write("bad_key", secret)});
  EXPECT_NE(key.find("remote.ctr.key_file"), std::string::npos);
  EXPECT_EQ(key.find(secret), std::string::npos);
}

TEST_F(RemotesTest, WithoutATableThereIsNothing) {
  const auto settings = Settings::Load("", [](const std::string&) { return std::nullopt; }, {});
  const auto none = OpenRemotes(*settings, log, items, metrics);
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none->rankers.all().empty());
  EXPECT_EQ(none->pool, nullptr);
}

}  // namespace
}  // namespace vitrine::apps
