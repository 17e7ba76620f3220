#include "transport/http/client.h"

#include <algorithm>
#include <optional>

#include "transport/http/client_socket.h"
#include "transport/http/client_wire.h"
#include "transport/http/message.h"

namespace vitrine::http {
namespace {

constexpr std::size_t kMaxHeadBytes = 64 * 1024;
constexpr std::size_t kReadBytes = 64 * 1024;

Status NotHttp() { return DataLoss("the server's answer is not HTTP; is this a Vitrine port?"); }

// Splits one event's lines into fields.
void ReadEventLine(std::string_view line, ServerEvent& event) {
  const std::size_t colon = line.find(':');
  const std::string_view field = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
  if (value.starts_with(' ')) {
    value.remove_prefix(1);
  }
  if (field == "event") {
    event.event = value;
  } else if (field == "id") {
    event.id = value;
  } else if (field == "data") {
    event.data.append(event.data.empty() ? "" : "\n").append(value);
  }
}

}  // namespace

Result<Endpoint> ParseEndpoint(std::string_view url) {
  Endpoint endpoint;
  if (url.starts_with("unix:")) {
    endpoint.unix_path = url.substr(5);
    if (endpoint.unix_path.empty()) {
      return InvalidArgument("'unix:' must be followed by the socket's path");
    }
    return endpoint;
  }
  if (!url.starts_with("http://")) {
    return InvalidArgument("'" + std::string(url) +
                           "' is not a server address: write http://host:port or unix:/path");
  }
  url.remove_prefix(7);
  url = url.substr(0, url.find('/'));
  std::size_t colon = url.rfind(':');
  if (url.starts_with('[')) {
    const std::size_t close = url.find(']');
    if (close == std::string_view::npos) {
      return InvalidArgument("an IPv6 address ends with ']'");
    }
    endpoint.host = url.substr(1, close - 1);
    colon = url.find(':', close);
  } else {
    endpoint.host = url.substr(0, colon);
  }
  if (colon != std::string_view::npos) {
    const auto port = LeadingNumber(url.substr(colon + 1), 10);
    if (!port || *port == 0 || *port > 65535) {
      return InvalidArgument("the port in '" + std::string(url) + "' is not between 1 and 65535");
    }
    endpoint.port = static_cast<std::uint16_t>(*port);
  }
  return endpoint;
}

std::string_view ClientResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (EqualNoCase(key, name)) {
      return value;
    }
  }
  return {};
}

class Client::Impl {
 public:
  Impl(Endpoint endpoint, ClientOptions options)
      : endpoint_(std::move(endpoint)), options_(std::move(options)) {}

  Result<ClientResponse> Send(std::string_view method, std::string_view target,
                              std::string_view body, const HeaderList& headers) {
    const Deadline deadline = After(options_.timeout);
    const bool harmless = method == "GET" || method == "HEAD";
    const bool reused = socket_.open() && !socket_.Stale();
    Compose(method, target, body, headers);
    auto answer = Once(method, deadline, reused);
    if (!answer.ok()) {
      socket_.Close();
      if (reused && harmless && answer.status().code() == Code::kUnavailable) {
        answer = Once(method, deadline, false);
      }
    }
    if (!answer.ok()) {
      socket_.Close();
    }
    return answer;
  }

  Status Follow(std::string_view target, Deadline deadline,
                const std::function<bool(const ServerEvent&)>& on_event) {
    Compose("GET", target, {}, {{"Accept", "text/event-stream"}});
    RETURN_IF_ERROR(Connect(deadline, false));
    RETURN_IF_ERROR(socket_.WriteAll(out_, deadline));
    ClientResponse head;
    RETURN_IF_ERROR(ReadHead(head, deadline));
    if (head.status != 200 || !head.header("Content-Type").starts_with("text/event-stream")) {
      const Status read = ReadBody("GET", head, deadline);
      socket_.Close();
      RETURN_IF_ERROR(read);
      return Internal("no event stream at " + std::string(target) + ": " + head.body);
    }
    const Status status = ReadEvents(deadline, on_event);
    socket_.Close();
    return status;
  }

  void Disconnect() { socket_.Close(); }

  void set_timeout(std::chrono::milliseconds timeout) { options_.timeout = timeout; }

 private:
  void Compose(std::string_view method, std::string_view target, std::string_view body,
               const HeaderList& headers) {
    out_.clear();
    AppendRequest({.method = method, .target = target, .body = body}, endpoint_, options_.api_key,
                  headers, out_);
  }

  Status Connect(Deadline deadline, bool reuse) {
    if (reuse && socket_.open()) {
      return Status::Ok();
    }
    begin_ = end_ = 0;
    return socket_.Connect(endpoint_, std::min(deadline, After(options_.connect_timeout)));
  }

  Result<ClientResponse> Once(std::string_view method, Deadline deadline, bool reuse) {
    RETURN_IF_ERROR(Connect(deadline, reuse));
    // A refusal may arrive while a large body is still being sent; then it is what counts.
    const Status sent = socket_.WriteAll(out_, deadline);
    ClientResponse answer;
    const Status head = ReadHead(answer, deadline);
    if (!head.ok()) {
      return sent.ok() ? head : sent;
    }
    RETURN_IF_ERROR(ReadBody(method, answer, deadline));
    // Bytes behind the answer belong to nobody: the next call must not take them for its own.
    if (!sent.ok() || begin_ != end_ || EqualNoCase(answer.header("Connection"), "close")) {
      socket_.Close();
    }
    return answer;
  }

  // More input behind what is buffered; kUnavailable at the connection's end.
  Status Fill(Deadline deadline) {
    if (buffer_.empty()) {
      buffer_.resize(kReadBytes);
    }
    if (begin_ > 0) {
      std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
                buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ == buffer_.size()) {
      buffer_.resize(buffer_.size() * 2);
    }
    ASSIGN_OR_RETURN(const std::size_t got,
                     socket_.ReadSome(buffer_.data() + end_, buffer_.size() - end_, deadline));
    if (got == 0) {
      return Unavailable("the server closed the connection before its answer was complete");
    }
    end_ += got;
    return Status::Ok();
  }

  [[nodiscard]] std::string_view Unread() const { return {buffer_.data() + begin_, end_ - begin_}; }

  // One line without its line break; valid until the next read.
  Result<std::string_view> ReadLine(Deadline deadline) {
    while (true) {
      const std::size_t end = Unread().find('\n');
      if (end != std::string_view::npos) {
        std::string_view line = Unread().substr(0, end);
        begin_ += end + 1;
        return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
      }
      if (Unread().size() > kMaxHeadBytes) {
        return NotHttp();
      }
      RETURN_IF_ERROR(Fill(deadline));
    }
  }

  Status ReadHead(ClientResponse& answer, Deadline deadline) {
    do {
      answer.headers.clear();
      ASSIGN_OR_RETURN(const std::string_view line, ReadLine(deadline));
      if (!line.starts_with("HTTP/1.") || line.size() < 12) {
        return NotHttp();
      }
      answer.status = static_cast<int>(LeadingNumber(line.substr(9, 3), 10).value_or(0));
      if (answer.status < 100) {
        return NotHttp();
      }
      while (true) {
        ASSIGN_OR_RETURN(const std::string_view field, ReadLine(deadline));
        if (field.empty()) {
          break;
        }
        const std::size_t colon = field.find(':');
        if (colon == std::string_view::npos || answer.headers.size() > 1000) {
          return NotHttp();
        }
        answer.headers.emplace_back(field.substr(0, colon), TrimBlanks(field.substr(colon + 1)));
      }
    } while (answer.status < 200);
    return Status::Ok();
  }

  Status ReadBody(std::string_view method, ClientResponse& answer, Deadline deadline) {
    if (method == "HEAD" || answer.status == 204 || answer.status == 304) {
      return Status::Ok();
    }
    if (EqualNoCase(answer.header("Transfer-Encoding"), "chunked")) {
      while (true) {
        ASSIGN_OR_RETURN(const std::size_t size, ReadChunkSize(deadline));
        RETURN_IF_ERROR(Append(answer.body, size, deadline));
        ASSIGN_OR_RETURN(const std::string_view end, ReadLine(deadline));
        if (size == 0) {
          return end.empty() ? Status::Ok() : NotHttp();
        }
      }
    }
    const auto length = LeadingNumber(answer.header("Content-Length"), 10);
    return length ? Append(answer.body, *length, deadline) : NotHttp();
  }

  Result<std::size_t> ReadChunkSize(Deadline deadline) {
    ASSIGN_OR_RETURN(const std::string_view line, ReadLine(deadline));
    const auto size = LeadingNumber(line, 16);
    if (!size) {
      return NotHttp();
    }
    return *size;
  }

  Status Append(std::string& body, std::size_t size, Deadline deadline) {
    if (size > options_.max_answer_bytes - body.size()) {
      return ResourceExhausted("the server's answer is larger than " +
                               std::to_string(options_.max_answer_bytes) + " bytes");
    }
    while (size > 0) {
      if (begin_ == end_) {
        RETURN_IF_ERROR(Fill(deadline));
      }
      const std::string_view piece = Unread().substr(0, size);
      body.append(piece);
      begin_ += piece.size();
      size -= piece.size();
    }
    return Status::Ok();
  }

  Status ReadEvents(Deadline deadline, const std::function<bool(const ServerEvent&)>& on_event) {
    std::string text;
    ServerEvent event;
    while (true) {
      ASSIGN_OR_RETURN(const std::size_t size, ReadChunkSize(deadline));
      if (size == 0) {
        return Status::Ok();
      }
      RETURN_IF_ERROR(Append(text, size, deadline));
      ASSIGN_OR_RETURN(const std::string_view end, ReadLine(deadline));
      if (!end.empty()) {
        return NotHttp();
      }
      std::size_t done = 0;
      for (std::size_t eol = 0; (eol = text.find('\n', done)) != std::string::npos;
           done = eol + 1) {
        const std::string_view line = std::string_view(text).substr(done, eol - done);
        if (!line.empty()) {
          ReadEventLine(line, event);
          continue;
        }
        const bool filled = !event.data.empty() || !event.event.empty();
        if (filled && !on_event(event)) {
          return Status::Ok();
        }
        event = {};
      }
      text.erase(0, done);
    }
  }

  Endpoint endpoint_;
  ClientOptions options_;
  ClientSocket socket_;
  std::string out_;
  std::string buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

Client::Client(Endpoint endpoint, ClientOptions options)
    : impl_(std::make_unique<Impl>(std::move(endpoint), std::move(options))) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Result<ClientResponse> Client::Send(std::string_view method, std::string_view target,
                                    std::string_view body, const HeaderList& headers) {
  return impl_->Send(method, target, body, headers);
}

Result<ClientResponse> Client::Post(std::string_view target, std::string_view json) {
  return impl_->Send("POST", target, json, {{"Content-Type", "application/json"}});
}

Status Client::Follow(std::string_view target, Deadline deadline,
                      const std::function<bool(const ServerEvent&)>& on_event) {
  return impl_->Follow(target, deadline, on_event);
}

void Client::set_timeout(std::chrono::milliseconds timeout) { impl_->set_timeout(timeout); }

void Client::Disconnect() { impl_->Disconnect(); }

}  // namespace vitrine::http
