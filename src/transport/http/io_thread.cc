#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <ctime>
#include <string>
#include <utility>

#include "transport/http/connection.h"
#include "transport/http/server_core.h"

namespace vitrine::http {
namespace {

constexpr std::chrono::milliseconds kTick{200};
constexpr std::chrono::milliseconds kAcceptRetry{100};

Peer PeerOf(const Socket& socket) {
  error_code ec;
  const auto endpoint = socket.remote_endpoint(ec);
  const int family = ec ? AF_UNSPEC : endpoint.protocol().family();
  if (family != AF_INET && family != AF_INET6) {
    // An unnamed client of a Unix socket has an address of no family on some kernels.
    const auto local = socket.local_endpoint(ec);
    if (!ec && local.protocol().family() == AF_UNIX) {
      return {Peer::Kind::kUnix, "unix"};
    }
    return {Peer::Kind::kTcp, "unknown"};
  }
  asio::ip::tcp::endpoint tcp;
  std::memcpy(tcp.data(), endpoint.data(), endpoint.size());
  tcp.resize(endpoint.size());
  const auto address = tcp.address();
  const bool loopback =
      address.is_loopback() ||
      (address.is_v6() && address.to_v6().is_v4_mapped() &&
       asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).is_loopback());
  return {loopback ? Peer::Kind::kLoopback : Peer::Kind::kTcp,
          address.to_string() + ":" + std::to_string(tcp.port())};
}

}  // namespace

ServerCore::ServerCore(ServerOptions o, RequestHandler& h) : options(std::move(o)), handler(h) {
  if (MetricRegistry* metrics = options.metrics; metrics != nullptr) {
    open_connections = &metrics->GetGauge("vitrine_http_open_connections", "Open connections.");
    accepted = &metrics->GetCounter("vitrine_http_connections_total", "Connections accepted.");
    handler_failures = &metrics->GetCounter("vitrine_http_handler_failures_total",
                                            "Requests whose handler failed unexpectedly.");
  }
  pool = std::make_unique<BlockingPool>(options.pool_threads, options.pool_queue);
}

void ServerCore::CountRefused(std::string_view reason) {
  if (options.metrics != nullptr) {
    options.metrics
        ->GetCounter("vitrine_http_refused_total", "Refused before a handler saw them, by reason.",
                     {{"reason", std::string(reason)}})
        .Add();
  }
}

void ServerCore::CountFailure(std::string_view request_id, std::string_view what) {
  if (handler_failures != nullptr) {
    handler_failures->Add();
  }
  if (options.on_failure) {
    options.on_failure(request_id, what);
  }
}

bool ServerCore::TakeConnection() {
  if (connections.fetch_add(1) >= options.max_connections) {
    connections.fetch_sub(1);
    return false;
  }
  if (accepted != nullptr) {
    accepted->Add();
    open_connections->Add(1);
  }
  return true;
}

void ServerCore::DropConnection() {
  if (open_connections != nullptr) {
    open_connections->Add(-1);
  }
  if (connections.fetch_sub(1) == 1) {
    const std::scoped_lock lock(mutex);
    none_left.notify_all();
  }
}

bool ServerCore::WaitForNone(Clock::time_point deadline) {
  std::unique_lock lock(mutex);
  return none_left.wait_until(lock, deadline, [this] { return connections.load() == 0; });
}

void ServerCore::TakeSuspended() { suspended.fetch_add(1); }

void ServerCore::DropSuspended() {
  if (suspended.fetch_sub(1) == 1 && draining.load()) {
    const std::scoped_lock lock(mutex);
    none_left.notify_all();
  }
}

void ServerCore::WaitForNoneSuspended() {
  std::unique_lock lock(mutex);
  none_left.wait(lock, [this] { return suspended.load() == 0; });
}

IoThread::Door::Door(asio::io_context& context, int fd, int family, std::vector<IoThread*> to)
    : acceptor(context, asio::generic::stream_protocol(family, 0), fd),
      retry(context),
      targets(std::move(to)) {}

IoThread::IoThread(ServerCore& core)
    : core_(core), work_(context_.get_executor()), timer_(context_) {}

IoThread::~IoThread() { Join(); }

void IoThread::Listen(int fd, int family, std::vector<IoThread*> targets) {
  doors_.push_back(std::make_unique<Door>(context_, fd, family, std::move(targets)));
}

void IoThread::Run() {
  for (const auto& door : doors_) {
    Accept(*door);
  }
  Tick();
  thread_ = std::thread([this] { context_.run(); });
}

void IoThread::Join() {
  if (thread_.joinable()) {
    asio::post(context_, [this] {
      Drain();
      AbortAll();
      stopping_ = true;  // a tick that is due already cannot be cancelled any more
      timer_.cancel();
      work_.reset();
    });
    thread_.join();
  }
}

void IoThread::Accept(Door& door) {
  IoThread& target =
      door.targets.empty() ? *this : *door.targets[door.next++ % door.targets.size()];
  door.acceptor.async_accept(target.context_,
                             [this, &door, &target](const error_code& ec, Socket socket) {
                               if (!door.acceptor.is_open()) {
                                 return;
                               }
                               if (!ec) {
                                 Admit(std::move(socket), target);
                                 Accept(door);
                                 return;
                               }
                               // Out of descriptors, most likely: trying again at once would spin.
                               core_.CountRefused("accept_failed");
                               door.retry.expires_after(kAcceptRetry);
                               door.retry.async_wait([this, &door](const error_code& cancelled) {
                                 if (!cancelled && door.acceptor.is_open()) {
                                   Accept(door);
                                 }
                               });
                             });
}

void IoThread::Admit(Socket socket, IoThread& target) {
  if (!core_.TakeConnection()) {
    core_.CountRefused("connection_cap");
    static constexpr std::string_view kFull =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n"
        "Connection: close\r\n\r\n";
    error_code ignored;
    static_cast<void>(socket.non_blocking(true, ignored));
    socket.write_some(asio::buffer(kFull), ignored);
    return;
  }
  Peer peer = PeerOf(socket);
  if (peer.kind != Peer::Kind::kUnix) {
    error_code ignored;
    static_cast<void>(socket.set_option(asio::ip::tcp::no_delay(true), ignored));
  }
  auto connection = std::make_shared<Connection>(target, std::move(socket), std::move(peer));
  if (&target == this) {
    Add(std::move(connection));
    return;
  }
  asio::post(target.context_, [&target, connection = std::move(connection)]() mutable {
    target.Add(std::move(connection));
  });
}

void IoThread::Add(std::shared_ptr<Connection> connection) {
  Connection& added = *connection;
  connections_.emplace(&added, std::move(connection));
  if (core_.draining.load()) {
    added.Close();
    return;
  }
  added.Start();
}

void IoThread::Remove(const Connection* connection) { connections_.erase(connection); }

void IoThread::Tick() {
  timer_.expires_after(kTick);
  timer_.async_wait([this](const error_code& cancelled) {
    if (cancelled || stopping_) {
      return;
    }
    std::vector<std::shared_ptr<Connection>> all;  // a tick may remove from the map
    all.reserve(connections_.size());
    for (const auto& [key, connection] : connections_) {
      all.push_back(connection);
    }
    const auto now = Clock::now();
    for (const auto& connection : all) {
      connection->Tick(now);
    }
    Tick();
  });
}

void IoThread::Drain() {
  for (const auto& door : doors_) {
    error_code ignored;
    static_cast<void>(door->acceptor.close(ignored));
    door->retry.cancel();
  }
  std::vector<std::shared_ptr<Connection>> all;
  for (const auto& [key, connection] : connections_) {
    all.push_back(connection);
  }
  for (const auto& connection : all) {
    connection->Drain();
  }
}

void IoThread::AbortAll() {
  while (!connections_.empty()) {
    const auto connection = connections_.begin()->second;
    connection->Close();
  }
}

// By two hops. When the first is reached, the loop has looked at its sockets and what it found waits behind it; the
// second is reached when all that has been read.
void IoThread::AtEndOfTurn(bool (*step)()) {
  asio::post(context_, [this, step] {
    asio::post(context_, [this, step] {
      if (step()) {
        AtEndOfTurn(step);
      }
    });
  });
}

std::string_view IoThread::Date() {
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(
      std::chrono::system_clock::now().time_since_epoch());
  if (now != date_second_) {
    date_second_ = now;
    const std::time_t seconds = now.count();
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    date_size_ = std::strftime(date_, sizeof(date_), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  }
  return {date_, date_size_};
}

}  // namespace vitrine::http
