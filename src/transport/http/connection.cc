#include "transport/http/connection.h"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <charconv>
#include <cstring>
#include <exception>
#include <utility>

#include "transport/http/problem.h"
#include "transport/http/request_id.h"

namespace vitrine::http {
namespace {

constexpr std::size_t kReadRoom = 16 * 1024;     // free space behind the longest held-back input
constexpr std::size_t kFlushBytes = 128 * 1024;  // answers to pipelined requests are joined up to
constexpr int kRequestsPerTurn = 64;             // then other connections get their turn

void AppendNumber(std::string& out, std::size_t value) {
  char buffer[24];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof(buffer), value);
  out.append(buffer, end);
}

}  // namespace

Connection::Connection(IoThread& io, Socket socket, Peer peer)
    : io_(io),
      core_(io.core()),
      socket_(std::move(socket)),
      parser_(core_.options.framing),
      in_size_(core_.options.framing.head_bytes + kReadRoom) {
  // Not value-initialised: pages that no request needs are never touched.
  in_ = std::make_unique_for_overwrite<char[]>(in_size_);
  request_.peer_ = std::move(peer);
}

Connection::~Connection() {
  ReleaseBody();
  if (stream_) {
    stream_->Detach();
  }
  if (!closed_) {
    core_.DropConnection();
  }
}

void Connection::Start() {
  error_code ignored;
  static_cast<void>(socket_.non_blocking(true, ignored));
  since_ = Clock::now();
  parser_.Start(request_);
  Read();
}

void Connection::Read() {
  if (begin_ == end_) {
    begin_ = end_ = 0;
  } else if (in_size_ - end_ < kReadRoom) {
    std::memmove(in_.get(), in_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  reading_ = true;
  socket_.async_read_some(asio::buffer(in_.get() + end_, in_size_ - end_),
                          [self = shared_from_this()](const error_code& ec, std::size_t bytes) {
                            self->OnRead(ec, bytes);
                          });
}

void Connection::OnRead(const error_code& ec, std::size_t bytes) {
  reading_ = false;
  if (closed_) {
    return;
  }
  if (ec) {
    Close();
    return;
  }
  if (lingering_) {  // it was watched while it was suspended
    Discard();
    return;
  }
  if (!parser_.started()) {
    since_ = Clock::now();  // the head's time starts with its first byte
  }
  end_ += bytes;
  Process();
}

// Parses, answers and writes until input or the socket's buffer runs out.
void Connection::Process() {
  while (!closed_ && !writing_now_) {
    const bool more = ParseMore();
    if (!Flush() || closed_) {
      return;
    }
    if (stream_) {
      WatchForHangUp();
      return;
    }
    if (busy_) {
      return;
    }
    if (closing_) {
      Linger();
      return;
    }
    if (!more) {
      if (core_.draining.load(std::memory_order_relaxed) && !parser_.started()) {
        Close();
        return;
      }
      if (!reading_) {
        Read();
      }
      return;
    }
    // A client that never stops pipelining must not keep the thread.
    asio::post(io_.context(), [self = shared_from_this()] { self->Process(); });
    return;
  }
}

// Returns whether there is input left that can be parsed on without reading.
bool Connection::ParseMore() {
  for (int turn = 0; turn < kRequestsPerTurn * 4; ++turn) {
    if (busy_ || closing_ || closed_ || stream_ || out_.size() >= kFlushBytes) {
      return begin_ != end_;
    }
    if (begin_ == end_) {
      return false;
    }
    std::size_t used = 0;
    const auto state = parser_.Feed({in_.get() + begin_, end_ - begin_}, used);
    begin_ += used;
    if (!ChargeBody()) {
      RefuseOverload("memory", "The server holds as many request bodies as it may.");
      continue;
    }
    switch (state) {
      case RequestParser::State::kNeedMore:
        return false;
      case RequestParser::State::kHead:
        OnHead();
        break;
      case RequestParser::State::kDone:
        OnRequest();
        break;
      case RequestParser::State::kError:
        RefuseFraming();
        break;
    }
  }
  return begin_ != end_;
}

void Connection::OnHead() {
  head_read_at_ = Clock::now();
  since_ = head_read_at_;
  admitted_ = true;
  TakeRequestId(request_.header("X-Request-Id"), request_.id_);
  response_.error_style = ErrorStyleOf(request_.path());
  auto placement = RequestHandler::Placement::kRefused;
  try {
    placement = core_.handler.Admit(request_, response_);
  } catch (const std::exception& e) {
    core_.CountFailure(request_.id(), e.what());
    WriteProblem(response_, request_.id(), Internal(e.what()));
  }
  if (placement == RequestHandler::Placement::kRefused) {
    // The rest of a body would be read as the next request: it is discarded with the connection.
    closing_ = closing_ || parser_.in_body();
    FinishRequest(true);
    return;
  }
  to_pool_ = placement == RequestHandler::Placement::kPool;
  if (request_.expects_continue_ && parser_.in_body() && begin_ == end_) {
    out_.append("HTTP/1.1 100 Continue\r\n\r\n");
  }
}

void Connection::OnRequest() {
  if (!admitted_) {
    OnHead();
    if (!admitted_) {
      return;  // refused and finished
    }
  }
  if (!to_pool_) {
    RunHandler();
    if (response_.is_suspended()) {
      Suspend();
      return;
    }
    if (!response_.moves_to_pool()) {
      Answer();
      return;
    }
    response_.Clear();
  }
  request_.on_pool_ = true;
  busy_ = true;
  const bool taken = core_.pool->TryRun([self = shared_from_this()] {
    self->RunHandler();
    asio::post(self->io_.context(), [self] { self->OnHandled(); });
  });
  if (!taken) {
    busy_ = false;
    core_.CountRefused("pool_full");
    WriteProblem(response_, request_.id(),
                 Unavailable("The server is busy; try again in a moment."));
    FinishRequest(true);
  }
}

void Connection::RunHandler() {
  RunGuarded([this] { core_.handler.Handle(request_, response_); });
}

// The one place where a handler's failure ends: nothing a request holds may stop the server.
template <typename F>
void Connection::RunGuarded(F&& handle) {
  const char* what = nullptr;
  std::string text;
  try {
    handle();
    return;
  } catch (const std::exception& e) {
    text = e.what();
    what = text.c_str();
  } catch (...) {
    what = "an exception of an unknown type";
  }
  response_.Clear();
  core_.CountFailure(request_.id(), what);
  WriteProblem(response_, request_.id(), Internal(what));
}

void Connection::OnHandled() {
  busy_ = false;
  if (closed_) {
    ReleaseBody();
    return;
  }
  Answer();
  Process();
}

void Connection::Suspend() {
  busy_ = true;
  suspended_ = std::move(response_.suspended_);
  core_.TakeSuspended();
  starting_ = true;
  const bool watch = suspended_->Start(shared_from_this());
  starting_ = false;
  if (waked_) {
    waked_ = false;
    Resume();
  } else if (watch && !reading_) {
    Read();  // its end is the news; what else comes waits in the buffer
  }
}

void Connection::Wake() {
  asio::dispatch(io_.context(), [self = shared_from_this()] { self->OnWake(); });
}

void Connection::AtEndOfTurn(bool (*step)()) { io_.AtEndOfTurn(step); }

void Connection::OnWake() {
  if (starting_) {
    waked_ = true;
    return;
  }
  Resume();
  if (!closed_) {
    Process();
  }
}

void Connection::Resume() {
  busy_ = false;
  const std::shared_ptr<Suspended> suspended = std::move(suspended_);
  core_.DropSuspended();
  if (closed_) {
    ReleaseBody();
    return;
  }
  RunGuarded([&] { suspended->Finish(request_, response_); });
  Answer();
}

void Connection::Answer() {
  if (response_.is_stream() && request_.method() != Method::kHead) {
    StartStream();
    return;
  }
  FinishRequest(true);
}

// Queues the answer and makes ready for the next request. `handled`: a handler gave it.
void Connection::FinishRequest(bool handled) {
  const bool keep =
      request_.keep_alive() && !closing_ && !core_.draining.load(std::memory_order_relaxed);
  AppendAnswer(keep);
  closing_ = closing_ || !keep;
  if (handled) {
    core_.handler.Finished(request_, response_.status, head_read_at_, Clock::now());
  }
  ReleaseBody();
  response_.Clear();
  response_.error_style = Response::ErrorStyle::kProblem;
  admitted_ = false;
  if (!closing_) {
    parser_.Start(request_);
    since_ = Clock::now();
  }
}

void Connection::RefuseFraming() {
  const FramingError error = parser_.error();
  core_.CountRefused(error.code);
  closing_ = true;
  if (request_.id().empty()) {
    TakeRequestId({}, request_.id_);
  }
  response_.Clear();
  WriteProblem(response_, request_.id(), error.status, error.code, error.detail);
  FinishRequest(false);
}

void Connection::RefuseOverload(std::string_view reason, std::string_view detail) {
  core_.CountRefused(reason);
  closing_ = true;
  response_.Clear();
  WriteProblem(response_, request_.id(), Unavailable(std::string(detail)));
  FinishRequest(false);
}

void Connection::AppendAnswer(bool keep_alive) {
  const int status = response_.status;
  const bool bodyless = status == 204 || status == 304;
  out_.append("HTTP/1.1 ");
  AppendNumber(out_, static_cast<std::size_t>(status));
  out_.append(" ").append(ReasonPhrase(status)).append("\r\n");
  if (!bodyless) {
    if (stream_) {
      out_.append(stream_chunked_ ? "Transfer-Encoding: chunked\r\n" : "");
    } else {
      out_.append("Content-Length: ");
      AppendNumber(out_, response_.body.size());
      out_.append("\r\n");
    }
    out_.append("Content-Type: ").append(response_.content_type).append("\r\n");
  }
  out_.append("Date: ").append(io_.Date());
  out_.append("\r\nX-Content-Type-Options: nosniff\r\nX-Request-Id: ").append(request_.id());
  out_.append("\r\n").append(response_.header_lines());
  if (!keep_alive) {
    out_.append("Connection: close\r\n");
  } else if (request_.minor_version() == 0) {
    out_.append("Connection: keep-alive\r\n");
  }
  out_.append("\r\n");
  if (!bodyless && !stream_ && request_.method() != Method::kHead) {
    out_.append(response_.body);
  }
}

}  // namespace vitrine::http
