// The part of a connection that writes, streams, waits and ends.
#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <exception>
#include <utility>

#include "transport/http/connection.h"
#include "transport/http/problem.h"
#include "transport/http/request_id.h"

namespace vitrine::http {
namespace {

constexpr std::size_t kMaxDiscarded = 1024 * 1024;  // of a body that nobody wants
constexpr std::chrono::seconds kLingerTime{2};
constexpr std::size_t kKeptCapacity = 64 * 1024;

std::chrono::milliseconds TimeFor(std::size_t bytes, const ServerOptions& options) {
  const auto rate = std::max<std::size_t>(options.min_bytes_per_second, 1);
  return options.rate_grace + std::chrono::milliseconds(bytes * 1000 / rate);
}

void AppendHex(std::string& out, std::size_t value) {
  char buffer[20];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof(buffer), value, 16);
  out.append(buffer, end);
}

}  // namespace

void Connection::StartStream() {
  stream_ = std::make_shared<EventStream>();
  stream_chunked_ = request_.minor_version() > 0;
  response_.content_type = "text/event-stream";
  response_.AddHeader("Cache-Control", "no-store");
  AppendAnswer(false);
  core_.handler.Finished(request_, response_.status, head_read_at_, Clock::now());
  ReleaseBody();
  stream_->Attach([weak = weak_from_this(), &context = io_.context()] {
    asio::post(context, [weak] {
      if (const auto self = weak.lock()) {
        self->PumpStream();
      }
    });
  });
  since_ = Clock::now();
  try {
    response_.stream()(stream_);
  } catch (const std::exception& e) {
    core_.CountFailure(request_.id(), e.what());
    stream_->Close();
  }
}

void Connection::PumpStream() {
  if (closed_ || writing_now_ || !stream_ || lingering_) {
    return;
  }
  bool ended = false;
  const std::string text = stream_->Take(ended);
  if (!text.empty()) {
    if (stream_chunked_) {
      AppendHex(out_, text.size());
      out_.append("\r\n").append(text).append("\r\n");
    } else {
      out_.append(text);
    }
    since_ = Clock::now();
  }
  if (ended && !closing_) {
    closing_ = true;
    out_.append(stream_chunked_ ? "0\r\n\r\n" : "");
  }
  if (Flush() && closing_ && !closed_) {
    Linger();
  }
}

// While events go out, the only news from the client is that it left.
void Connection::WatchForHangUp() {
  if (reading_ || closed_ || lingering_) {
    return;
  }
  reading_ = true;
  begin_ = end_ = 0;
  socket_.async_read_some(asio::buffer(in_.get(), in_size_),
                          [self = shared_from_this()](const error_code& ec, std::size_t) {
                            self->reading_ = false;
                            if (ec) {
                              self->Close();
                            } else if (self->lingering_) {
                              self->Discard();
                            } else {
                              self->WatchForHangUp();
                            }
                          });
}

// Writes out_. False where the rest is still being written; Process or PumpStream goes on then.
bool Connection::Flush() {
  if (out_.empty() || writing_now_) {
    return !writing_now_;
  }
  // Trying at once saves a turn of the event loop: an answer nearly always fits.
  error_code ec;
  const std::size_t sent = socket_.write_some(asio::buffer(out_), ec);
  if (ec && ec != asio::error::would_block && ec != asio::error::try_again) {
    Close();
    return false;
  }
  if (!ec && sent == out_.size()) {
    out_.clear();
    if (out_.capacity() > kKeptCapacity) {
      out_.shrink_to_fit();
    }
    return true;
  }
  writing_ = out_.substr(ec ? 0 : sent);
  out_.clear();
  writing_now_ = true;
  write_since_ = Clock::now();
  asio::async_write(socket_, asio::buffer(writing_),
                    [self = shared_from_this()](const error_code& error, std::size_t) {
                      self->writing_now_ = false;
                      self->writing_.clear();
                      if (self->closed_) {
                        return;
                      }
                      if (error) {
                        self->Close();
                      } else if (self->stream_) {
                        self->PumpStream();
                        self->WatchForHangUp();
                      } else {
                        self->Process();
                      }
                    });
  return false;
}

// Closing at once while the client still sends would reset the connection and may destroy the
// answer on its way: the sending side is shut, and the rest is read and dropped for a while.
void Connection::Linger() {
  if (lingering_ || closed_) {
    return;
  }
  lingering_ = true;
  since_ = Clock::now();
  error_code ec;
  static_cast<void>(socket_.shutdown(Socket::shutdown_send, ec));
  if (ec) {
    Close();
    return;
  }
  if (!reading_) {
    Discard();
  }
}

void Connection::Discard() {
  reading_ = true;
  socket_.async_read_some(asio::buffer(in_.get(), in_size_),
                          [self = shared_from_this()](const error_code& ec, std::size_t bytes) {
                            self->reading_ = false;
                            self->discarded_ += bytes;
                            if (ec || self->closed_ || self->discarded_ > kMaxDiscarded) {
                              self->Close();
                            } else {
                              self->Discard();
                            }
                          });
}

bool Connection::ChargeBody() {
  const std::size_t held = request_.body().size();
  if (held <= charged_) {
    return true;
  }
  const std::size_t more = held - charged_;
  charged_ = held;
  return core_.buffered_bytes.fetch_add(more) + more <= core_.options.max_buffered_bytes;
}

void Connection::ReleaseBody() {
  if (charged_ > 0) {
    core_.buffered_bytes.fetch_sub(charged_);
    charged_ = 0;
  }
}

void Connection::Tick(Clock::time_point now) {
  const ServerOptions& options = core_.options;
  if (closed_) {
    return;
  }
  if (writing_now_) {
    if (now - write_since_ > TimeFor(writing_.size(), options)) {
      core_.CountRefused("slow_reader");
      Close();
    }
  } else if (lingering_) {
    if (now - since_ > kLingerTime) {
      Close();
    }
  } else if (stream_) {
    if (now - since_ > options.stream_heartbeat) {
      stream_->SendComment("");
    }
  } else if (busy_) {
    return;
  } else if (parser_.in_body()) {
    if (now - since_ > TimeFor(parser_.body_bytes(), options)) {
      CloseAfterTimeout();
    }
  } else if (parser_.started()) {
    if (now - since_ > options.head_timeout) {
      CloseAfterTimeout();
    }
  } else if (now - since_ > options.idle_timeout) {
    Close();
  }
}

void Connection::CloseAfterTimeout() {
  core_.CountRefused("timeout");
  if (request_.id().empty()) {
    TakeRequestId({}, request_.id_);
  }
  response_.Clear();
  WriteProblem(response_, request_.id(), 408, "request_timeout",
               "The request did not arrive in time.");
  closing_ = true;
  FinishRequest(false);
  Flush();
  Close();
}

void Connection::Drain() {
  if (stream_) {
    stream_->Close();
  } else if (!busy_ && !parser_.started() && !writing_now_ && !lingering_) {
    Close();
  }
}

void Connection::Close() {
  if (closed_) {
    return;
  }
  closed_ = true;
  const auto self = shared_from_this();  // Remove may drop the last owner
  error_code ignored;
  static_cast<void>(socket_.close(ignored));
  if (stream_) {
    stream_->Detach();
  }
  if (suspended_) {
    suspended_->Abandon();
  }
  io_.Remove(this);
  core_.DropConnection();
}

}  // namespace vitrine::http
