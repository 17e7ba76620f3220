#include "transport/grpc/server.h"

#include <arpa/inet.h>
#include <grpc/support/log.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "transport/grpc/call_queue.h"

namespace vitrine::rpc {
namespace {

constexpr int kDeadPeerMilliseconds =
    60'000;                                  ///< of silence, until a peer is asked whether it lives
constexpr int kAnswerMilliseconds = 20'000;  ///< until one that does not say so is cut off
constexpr int kIdleMilliseconds = 300'000;   ///< without a call, until a connection is closed
constexpr int kPingMilliseconds =
    300'000;  ///< between pings of a client without calls; else it is cut off

std::string HostAndPort(const http::Listener& listener) {
  const bool v6 = listener.address.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", listener.address, v6 ? "]" : "", listener.port);
}

/// Why gRPC could not listen, which it does not say: the same is tried once more.
Status ListenFailure(const http::Listener& listener) {
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(listener.port);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(listener.port);
  const bool is_v4 = ::inet_pton(AF_INET, listener.address.c_str(), &v4.sin_addr) == 1;
  if (!is_v4 && ::inet_pton(AF_INET6, listener.address.c_str(), &v6.sin6_addr) != 1) {
    return InvalidArgument(fmt::format(
        "cannot listen on '{}': {} wants a numeric address and a port, such as 127.0.0.1:7701, or "
        "nothing where gRPC is not wanted",
        listener.address, listener.setting));
  }
  const int fd = ::socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  int error = errno;
  if (fd >= 0) {
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    const auto* address =
        is_v4 ? reinterpret_cast<const sockaddr*>(&v4) : reinterpret_cast<const sockaddr*>(&v6);
    const bool bound =
        ::bind(fd, address, is_v4 ? sizeof(v4) : sizeof(v6)) == 0 && ::listen(fd, 1) == 0;
    error = bound ? 0 : errno;
    ::close(fd);
  }
  const std::string where = HostAndPort(listener);
  switch (error) {
    case EADDRINUSE:
      return AlreadyExists(
          fmt::format("port {} on {} is in use by another program. Stop that program, or choose "
                      "another port with "
                      "{} (port 0 picks a free one, an empty value turns gRPC off)",
                      listener.port, listener.address, listener.setting));
    case EACCES:
      return PermissionDenied(fmt::format(
          "may not listen on {}. Ports below 1024 need a privilege: choose a higher one with {}",
          where, listener.setting));
    case EADDRNOTAVAIL:
      return InvalidArgument(
          fmt::format("cannot listen on {}: this machine has no such address. Change {}", where,
                      listener.setting));
    default:
      return Unavailable(fmt::format("cannot listen on {}: {}", where,
                                     error == 0 ? "gRPC would not" : std::strerror(error)));
  }
}

bool IsNumeric(const std::string& address) {
  in6_addr bytes{};
  return ::inet_pton(AF_INET, address.c_str(), &bytes) == 1 ||
         ::inet_pton(AF_INET6, address.c_str(), &bytes) == 1;
}

void SetLimits(const ServerOptions& options, grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  const auto set = [&builder](const char* name, std::size_t value) {
    builder.AddChannelArgument(name, static_cast<int>(value));
  };
  // Two servers that share a port would each get some of the requests.
  set(GRPC_ARG_ALLOW_REUSEPORT, 0);
  set(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);  // Unpack does it, with a bound
  set(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_streams);
  set(GRPC_ARG_MAX_METADATA_SIZE, options.max_metadata_bytes);
  set(GRPC_ARG_MAX_CONNECTION_IDLE_MS, kIdleMilliseconds);
  set(GRPC_ARG_KEEPALIVE_TIME_MS, kDeadPeerMilliseconds);
  set(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kAnswerMilliseconds);
  set(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kPingMilliseconds);
  grpc::ResourceQuota quota("vitrine");
  quota.Resize(options.max_buffered_bytes);
  builder.SetResourceQuota(quota);
}

/// gRPC writes to stderr what callers do wrong; they are told, and it may hold what they sent.
void SilenceLibrary() {
  static std::once_flag once;
  std::call_once(once, [] { gpr_set_log_function([](gpr_log_func_args*) {}); });
}

}  // namespace

class Server::Impl {
 public:
  Impl(const ServerOptions& options, const http::Services& services,
       const http::Authorizer& authorizer)
      : core_{.options = options,
              .services = services,
              .authorizer = authorizer,
              .meters = Meters(options.metrics),
              .service = {},
              .pool = http::BlockingPool(options.pool_threads, options.pool_queue)} {}

  ~Impl() { Stop(std::chrono::seconds(1)); }

  Status Start() {
    const http::Listener& listener = core_.options.listener;
    if (!IsNumeric(listener.address)) {
      return ListenFailure(listener);
    }
    SilenceLibrary();
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(HostAndPort(listener), grpc::InsecureServerCredentials(), &port);
    builder.RegisterAsyncGenericService(&core_.service);
    SetLimits(core_.options, builder);
    const std::size_t count = core_.options.threads != 0
                                  ? core_.options.threads
                                  : std::max(1U, std::thread::hardware_concurrency());
    for (std::size_t i = 0; i < count; ++i) {
      queues_.push_back(std::make_unique<CallQueue>(core_, builder.AddCompletionQueue()));
    }
    server_ = builder.BuildAndStart();
    if (server_ == nullptr || port == 0) {
      queues_.clear();
      return ListenFailure(listener);
    }
    core_.options.listener.port = static_cast<std::uint16_t>(port);
    address_ = HostAndPort(core_.options.listener);
    for (const auto& queue : queues_) {
      queue->Run();
    }
    return Status::Ok();
  }

  void Stop(std::chrono::milliseconds deadline) {
    const std::scoped_lock lock(stopping_);
    if (server_ == nullptr) {
      return;
    }
    for (const auto& queue : queues_) {
      queue->StopAccepting();
    }
    server_->Shutdown(std::chrono::system_clock::now() + deadline);
    for (const auto& queue : queues_) {
      queue->WaitUntilEmpty();
    }
    queues_.clear();
    server_.reset();
  }

  [[nodiscard]] const std::string& address() const { return address_; }

 private:
  ServerCore core_;
  std::mutex stopping_;
  std::unique_ptr<grpc::Server> server_;
  std::vector<std::unique_ptr<CallQueue>> queues_;
  std::string address_;
};

Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                              const http::Services& services,
                                              const http::Authorizer& authorizer) {
  auto impl = std::make_unique<Impl>(options, services, authorizer);
  RETURN_IF_ERROR(impl->Start());
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

const std::string& Server::address() const { return impl_->address(); }

void Server::Stop(std::chrono::milliseconds deadline) { impl_->Stop(deadline); }

}  // namespace vitrine::rpc
