/// One client connection: reads, frames, hands requests to the handler one after the other, writes
/// answers in order. Internal to the engine.
/// State line: idle -> head -> body -> handling (inline or pool) -> writing -> idle ...
///             handling -> suspended -> writing: the handler left, the answer comes when it is waked
///             any -> lingering (answer written, rest of the input discarded) -> closed
/// Threads: everything runs on the IoThread, except the handler on the pool, which touches only
/// request_ and response_ while busy_ keeps the I/O thread off them.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "transport/http/event_stream.h"
#include "transport/http/server_core.h"
#include "transport/http/suspended.h"

namespace vitrine::http {

class Connection final : public Waker, public std::enable_shared_from_this<Connection> {
 public:
  Connection(IoThread& io, Socket socket, Peer peer);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Start();
  /// Enforces the time limits; called a few times a second.
  void Tick(Clock::time_point now);
  void Drain();
  void Close();

  void Wake() override;
  void AtEndOfTurn(bool (*step)()) override;

 private:
  void Read();
  void OnRead(const error_code& ec, std::size_t bytes);
  void Process();
  bool ParseMore();
  void OnHead();
  void OnRequest();
  void RunHandler();
  template <typename F>
  void RunGuarded(F&& handle);
  void OnHandled();
  void Suspend();
  void OnWake();
  void Resume();
  void Answer();
  void FinishRequest(bool handled);
  void RefuseFraming();
  void RefuseOverload(std::string_view reason, std::string_view detail);
  void AppendAnswer(bool keep_alive);
  void StartStream();
  void PumpStream();
  void WatchForHangUp();
  bool Flush();
  void Linger();
  void Discard();
  bool ChargeBody();
  void ReleaseBody();
  void CloseAfterTimeout();

  IoThread& io_;
  ServerCore& core_;
  Socket socket_;
  RequestParser parser_;
  Request request_;
  Response response_;
  std::unique_ptr<char[]> in_;
  std::size_t in_size_;
  std::size_t begin_ = 0;  // unread input is in_[begin_, end_)
  std::size_t end_ = 0;
  std::string out_;          // answers not yet handed to the socket
  std::string writing_;      // what an unfinished write holds
  Clock::time_point since_;  // start of what is being waited for
  Clock::time_point head_read_at_;
  Clock::time_point write_since_;
  std::size_t charged_ = 0;
  std::size_t discarded_ = 0;
  std::shared_ptr<EventStream> stream_;
  bool stream_chunked_ = true;
  bool admitted_ = false;
  bool to_pool_ = false;
  bool busy_ = false;  // the pool has the request, or it is suspended
  std::shared_ptr<Suspended> suspended_;
  bool starting_ = false;  // inside Suspended::Start
  bool waked_ = false;     // from there
  bool reading_ = false;
  bool writing_now_ = false;
  bool closing_ = false;  // close once out_ is written
  bool lingering_ = false;
  bool closed_ = false;
};

}  // namespace vitrine::http
