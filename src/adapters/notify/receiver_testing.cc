#include "adapters/notify/receiver_testing.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <utility>

namespace vitrine::adapters {
namespace {

constexpr int kTurn = 50;  // ms between looks at whether to end

/// A key and a certificate for 127.0.0.1 that signs itself.
SSL_CTX* NewContext(const std::string& pem) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* cert = X509_new();
  X509_set_version(cert, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
  X509_gmtime_adj(X509_getm_notAfter(cert), 86'400);
  X509_set_pubkey(cert, key);
  X509_NAME* name = X509_get_subject_name(cert);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("vitrine test"), -1, -1, 0);
  X509_set_issuer_name(cert, name);
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, cert, cert, nullptr, nullptr, 0);
  for (const auto& [nid, value] :
       {std::pair(NID_subject_alt_name, "IP:127.0.0.1"), {NID_basic_constraints, "CA:TRUE"}}) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
  }
  X509_sign(cert, key, EVP_sha256());
  SSL_CTX* server = SSL_CTX_new(TLS_server_method());
  SSL_CTX_use_certificate(server, cert);
  SSL_CTX_use_PrivateKey(server, key);
  if (FILE* file = std::fopen(pem.c_str(), "w"); file != nullptr) {
    PEM_write_X509(file, cert);
    std::fclose(file);
  }
  X509_free(cert);
  EVP_PKEY_free(key);
  return server;
}

class Wire final : public TestWire {
 public:
  Wire(int fd, SSL_CTX* context, const std::stop_token& stop)
      : fd_(fd), context_(context), stop_(stop) {}
  ~Wire() override {
    SSL_free(ssl_);
    close(fd_);
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  std::string ReadUntil(std::string_view mark) override {
    std::size_t at = 0;
    while ((at = waiting_.find(mark)) == std::string::npos) {
      if (!More()) {
        return {};
      }
    }
    return Take(at + mark.size());
  }
  std::string ReadBytes(std::size_t count) override {
    while (waiting_.size() < count) {
      if (!More()) {
        return {};
      }
    }
    return Take(count);
  }
  void Write(std::string_view text) override {
    if (ssl_ != nullptr) {
      SSL_write(ssl_, text.data(), static_cast<int>(text.size()));
    } else {
      send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    }
  }
  bool StartTls() override {
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, fd_);
    return SSL_accept(ssl_) == 1;
  }
  void WaitForEnd() override {
    while (More()) {
    }
  }

 private:
  std::string Take(std::size_t count) {
    std::string taken = waiting_.substr(0, count);
    waiting_.erase(0, count);
    return taken;
  }
  bool More() {
    std::array<char, 4096> buffer{};
    while (ssl_ == nullptr || SSL_pending(ssl_) == 0) {
      pollfd one{.fd = fd_, .events = POLLIN, .revents = 0};
      if (stop_.stop_requested()) {
        return false;
      }
      if (poll(&one, 1, kTurn) > 0) {
        break;
      }
    }
    const auto got = ssl_ != nullptr
                         ? SSL_read(ssl_, buffer.data(), static_cast<int>(buffer.size()))
                         : static_cast<int>(recv(fd_, buffer.data(), buffer.size(), 0));
    if (got <= 0) {
      return false;
    }
    waiting_.append(buffer.data(), static_cast<std::size_t>(got));
    return true;
  }

  int fd_;
  SSL_CTX* context_;
  const std::stop_token& stop_;
  SSL* ssl_ = nullptr;
  std::string waiting_;
};

}  // namespace

struct TestReceiver::State {
  Talk talk;
  bool tls = false;
  int fd = -1;
  int port = 0;
  std::string pem;
  SSL_CTX* context = nullptr;
  std::atomic<int> connections{0};
  std::jthread thread;

  void Run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd one{.fd = fd, .events = POLLIN, .revents = 0};
      if (poll(&one, 1, kTurn) <= 0) {
        continue;
      }
      const int client = accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) {
        continue;
      }
      ++connections;
      Wire wire(client, context, stop);
      if (!tls || wire.StartTls()) {
        talk(wire);
      }
    }
  }
};

TestReceiver::TestReceiver(Talk talk, bool tls) : state_(std::make_unique<State>()) {
  std::signal(SIGPIPE, SIG_IGN);  // SSL_write to one that is gone
  state_->talk = std::move(talk);
  state_->tls = tls;
  state_->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(bind(state_->fd, generic, size), 0);
  EXPECT_EQ(listen(state_->fd, 16), 0);
  EXPECT_EQ(getsockname(state_->fd, generic, &size), 0);
  state_->port = ntohs(address.sin_port);
  state_->pem = fmt::format("{}receiver-{}.pem", testing::TempDir(), state_->port);
  state_->context = NewContext(state_->pem);
  state_->thread =
      std::jthread([state = state_.get()](const std::stop_token& stop) { state->Run(stop); });
}

TestReceiver::~TestReceiver() {
  state_->thread.request_stop();
  state_->thread.join();
  close(state_->fd);
  SSL_CTX_free(state_->context);
}

int TestReceiver::port() const { return state_->port; }
int TestReceiver::connections() const { return state_->connections; }
std::string TestReceiver::ca_file() const { return state_->pem; }

ReceivedPost ReadPost(TestWire& wire) {
  ReceivedPost post;
  const std::string line = wire.ReadUntil("\r\n");
  const std::size_t first = std::min(line.find(' '), line.size());
  post.target = line.substr(std::min(first + 1, line.size()));
  post.target.resize(std::min(post.target.find(' '), post.target.size()));
  std::size_t length = 0;
  for (std::string header = wire.ReadUntil("\r\n"); header.size() > 2;
       header = wire.ReadUntil("\r\n")) {
    const std::size_t colon = std::min(header.find(':'), header.size() - 1);
    std::string name = header.substr(0, colon);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    std::string value = header.substr(std::min(colon + 2, header.size()));
    value.resize(value.size() - std::min<std::size_t>(2, value.size()));
    if (name == "content-length") {
      std::from_chars(value.data(), value.data() + value.size(), length);
    }
    post.headers[name] = value;
  }
  post.body = wire.ReadBytes(length);
  return post;
}

void WriteAnswer(TestWire& wire, int status, std::string_view body, std::string_view more_headers) {
  wire.Write(fmt::format("HTTP/1.1 {} Said\r\nContent-Length: {}\r\n{}\r\n{}", status, body.size(),
                         more_headers, body));
}

}  // namespace vitrine::adapters
