#include "transport/http/request_parser.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <optional>
#include <utility>

#include "core/check.h"

namespace vitrine::http {

namespace beast = boost::beast;
using boost::system::error_code;

namespace {

// Beast's own codes are mapped here; ours are set where they are found.
FramingError Explain(const error_code& ec, const FramingLimits& limits) {
  using beast::http::error;
  if (ec == error::header_limit) {
    return {431, "headers_too_large",
            "The request line and headers are longer than " + std::to_string(limits.head_bytes) +
                " bytes."};
  }
  if (ec == error::bad_version) {
    return {505, "http_version", "Only HTTP/1.0 and HTTP/1.1 are spoken here."};
  }
  if (ec == error::bad_content_length || ec == error::multiple_content_length) {
    return {400, "bad_content_length",
            "Content-Length must be one decimal number, and not stand beside Transfer-Encoding."};
  }
  if (ec == error::bad_transfer_encoding) {
    return {400, "bad_transfer_encoding",
            "Transfer-Encoding must be given once, as 'chunked', and not beside Content-Length."};
  }
  if (ec == error::bad_chunk || ec == error::bad_chunk_extension) {
    return {400, "bad_chunk", "A chunk does not start with its size in hexadecimal digits."};
  }
  return {400, "bad_request", "The bytes received are not an HTTP request: " + ec.message() + "."};
}

constexpr std::size_t kLastChunkBytes = 5;  // "0" CRLF CRLF
constexpr std::size_t kReservedAhead = 1024 * 1024;

bool IsDigits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

class RequestParser::Impl {
 public:
  explicit Impl(const FramingLimits& limits) : limits_(limits) {}

  void Start(Request& into) {
    request_ = &into;
    request_->Clear(limits_.body_bytes);
    error_ = {};
    head_bytes_ = 0;
    body_bytes_ = 0;
    head_reported_ = false;
    started_ = false;
    parser_.emplace(*this);
  }

  State Feed(std::string_view bytes, std::size_t& consumed) {
    consumed = 0;
    while (!parser().is_done()) {
      const std::string_view rest = bytes.substr(consumed);
      if (rest.empty()) {
        return State::kNeedMore;
      }
      // A chunked body never ends in fewer than the five bytes of its last chunk; Beast asserts
      // that it is not asked about fewer.
      if (parser().is_header_done() && parser().chunked() && rest.size() < kLastChunkBytes) {
        return State::kNeedMore;
      }
      started_ = true;
      const bool in_body_before = parser().is_header_done();
      error_code ec;
      const std::size_t used = parser().put({rest.data(), rest.size()}, ec);
      consumed += used;
      if (!in_body_before) {
        head_bytes_ += used;  // Beast stops at the head's end, before the body
        if (head_bytes_ > limits_.head_bytes) {
          return Fail(beast::http::error::header_limit);
        }
      } else {
        body_bytes_ += used;
        if (body_bytes_ - std::min(body_bytes_, request_->body_.size()) > Overhead()) {
          error_ = {400, "bad_chunk", "The body comes in chunks too small for its size."};
          return State::kError;
        }
      }
      if (ec == beast::http::error::need_more) {
        return NeedMore(bytes.size() - consumed);
      }
      if (ec) {
        return Fail(ec);
      }
      if (parser().is_header_done() && !head_reported_ && !parser().is_done()) {
        head_reported_ = true;
        return State::kHead;
      }
    }
    request_->EnsurePadding();
    return State::kDone;
  }

  [[nodiscard]] bool started() const { return started_; }
  [[nodiscard]] bool in_body() const {
    return started_ && parser().is_header_done() && !parser().is_done();
  }
  [[nodiscard]] std::size_t body_bytes() const { return body_bytes_; }
  [[nodiscard]] const FramingError& error() const { return error_; }

 private:
  // The virtual functions of Beast's parser, turned into calls with our types.
  class Parser : public beast::http::basic_parser<true> {
   public:
    explicit Parser(Impl& owner) : owner_(owner) {
      this->header_limit(static_cast<std::uint32_t>(owner.limits_.head_bytes));
      this->body_limit(boost::none);  // counted by the owner, whose limit may change at the head
    }

   private:
    void on_request_impl(beast::http::verb /*method*/, beast::string_view method,
                         beast::string_view target, int version, error_code& ec) override {
      owner_.OnRequestLine({method.data(), method.size()}, {target.data(), target.size()}, version,
                           ec);
    }
    void on_response_impl(int, beast::string_view, int, error_code&) override {}
    void on_field_impl(beast::http::field field, beast::string_view name, beast::string_view value,
                       error_code& ec) override {
      owner_.OnField(field, {name.data(), name.size()}, {value.data(), value.size()}, ec);
    }
    void on_header_impl(error_code& ec) override { owner_.OnHead(*this, ec); }
    void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code& ec) override {
      owner_.OnBodyStart(length, ec);
    }
    std::size_t on_body_impl(beast::string_view body, error_code& ec) override {
      return owner_.OnBody({body.data(), body.size()}, ec);
    }
    void on_chunk_header_impl(std::uint64_t size, beast::string_view /*extensions*/,
                              error_code& ec) override {
      owner_.OnChunk(size, ec);
    }
    std::size_t on_chunk_body_impl(std::uint64_t /*remain*/, beast::string_view body,
                                   error_code& ec) override {
      return owner_.OnBody({body.data(), body.size()}, ec);
    }
    void on_finish_impl(error_code&) override {}

    Impl& owner_;
  };

  // Start made it.
  [[nodiscard]] const Parser& parser() const {
    CHECK(parser_.has_value());
    return *parser_;
  }
  [[nodiscard]] Parser& parser() {
    CHECK(parser_.has_value());
    return *parser_;
  }

  // What chunk lines, extensions and trailers may add on the wire.
  [[nodiscard]] std::size_t Overhead() const {
    return std::max(request_->body_limit_, limits_.head_bytes);
  }

  State NeedMore(std::size_t unread) {
    // Beast limits a head piecewise; chunk lines and trailers not at all. What it holds back of a body is one
    // line (or the trailers), so the same bound fits there.
    if (parser().is_header_done() && unread >= limits_.head_bytes) {
      error_ = {400, "bad_chunk", "A chunk's size line or the trailers are too long."};
      return State::kError;
    }
    if (!parser().is_header_done() && head_bytes_ + unread >= limits_.head_bytes) {
      return Fail(beast::http::error::header_limit);
    }
    return State::kNeedMore;
  }

  State Fail(const error_code& ec) {
    if (error_.code.empty()) {
      error_ = Explain(ec, limits_);
    }
    return State::kError;
  }

  // Our own refusal; Beast only needs to hear that there is one.
  void Refuse(error_code& ec, int status, std::string_view code, std::string detail) {
    error_ = {status, code, std::move(detail)};
    ec = beast::http::error::bad_field;
  }

  void OnRequestLine(std::string_view method, std::string_view target, int version,
                     error_code& ec) {
    Request& r = *request_;
    if (target.size() > limits_.target_bytes) {
      return Refuse(
          ec, 414, "target_too_long",
          "The request target is longer than " + std::to_string(limits_.target_bytes) + " bytes.");
    }
    r.method_ = ParseMethod(method);
    r.minor_version_ = version - 10;
    r.method_text_ = r.Store(method);
    if (target.empty() || target.front() != '/') {
      if (target != "*" || r.method_ != Method::kOptions) {
        return Refuse(ec, 400, "bad_target",
                      "The request target must be a path that starts with /.");
      }
    }
    const std::size_t mark = target.find('?');
    r.path_ = r.Store(target.substr(0, mark));
    if (mark != std::string_view::npos) {
      r.query_ = r.Store(target.substr(mark + 1));
    }
  }

  void OnField(beast::http::field field, std::string_view name, std::string_view value,
               error_code& ec) {
    using Known = beast::http::field;
    Request& r = *request_;
    if (parser().is_header_done()) {
      return;  // a trailer never becomes a header: it could set what was already checked
    }
    const std::size_t head_bytes = r.head_.size() + 4 * (r.fields_.size() + 1);  // ": " and CRLF
    if (head_bytes + name.size() + value.size() > limits_.head_bytes ||
        r.fields_.size() >= limits_.head_fields) {
      return Refuse(ec, 431, "headers_too_large",
                    "The headers are more than " + std::to_string(limits_.head_fields) +
                        " or longer than " + std::to_string(limits_.head_bytes) + " bytes.");
    }
    const bool seen = r.HasHeader(name);
    if (field == Known::host && seen) {
      return Refuse(ec, 400, "bad_host", "Host must be given once.");
    }
    if (field == Known::content_length && (seen || !IsDigits(value))) {
      ec = beast::http::error::bad_content_length;
      return;
    }
    if (field == Known::transfer_encoding) {
      if (r.minor_version_ == 0 || seen || !EqualNoCase(value, "chunked")) {
        ec = beast::http::error::bad_transfer_encoding;
        return;
      }
    }
    if (field == Known::expect) {
      if (!EqualNoCase(value, "100-continue")) {
        return Refuse(ec, 417, "expectation", "Only 'Expect: 100-continue' is understood.");
      }
      r.expects_continue_ = r.minor_version_ > 0;
    }
    const Request::Field stored{r.Store(name), r.Store(value)};
    r.fields_.push_back(stored);
  }

  void OnHead(const Parser& parser, error_code& ec) {
    Request& r = *request_;
    r.keep_alive_ = parser.keep_alive();
    r.has_body_ = !parser.is_done();
    if (r.minor_version_ > 0 && r.header("Host").empty()) {
      Refuse(ec, 400, "bad_host", "HTTP/1.1 asks for a Host header.");
    }
  }

  void OnBodyStart(const boost::optional<std::uint64_t>& length, error_code& ec) {
    if (length.has_value()) {
      if (*length > request_->body_limit_) {
        return RefuseBody(ec);
      }
      // A promise of bytes is not yet bytes: reserve little ahead of what has arrived.
      const auto promised = static_cast<std::size_t>(*length) + Request::kBodyPadding;
      request_->body_.reserve(std::min(promised, kReservedAhead));
    }
  }

  void OnChunk(std::uint64_t size, error_code& ec) {
    const std::uint64_t room = request_->body_limit_ - request_->body_.size();
    if (size > room) {
      RefuseBody(ec);
    }
  }

  std::size_t OnBody(std::string_view piece, error_code& ec) {
    if (piece.size() > request_->body_limit_ - request_->body_.size()) {
      RefuseBody(ec);
      return 0;
    }
    request_->body_.append(piece);
    return piece.size();
  }

  void RefuseBody(error_code& ec) {
    Refuse(ec, 413, "body_too_large",
           "The body is larger than " + std::to_string(request_->body_limit_) +
               " bytes; send it in several calls.");
  }

  FramingLimits limits_;
  Request* request_ = nullptr;
  std::optional<Parser> parser_;
  FramingError error_;
  std::size_t head_bytes_ = 0;  // on the wire
  std::size_t body_bytes_ = 0;
  bool head_reported_ = false;
  bool started_ = false;
};

RequestParser::RequestParser(const FramingLimits& limits) : impl_(std::make_unique<Impl>(limits)) {}
RequestParser::~RequestParser() = default;
void RequestParser::Start(Request& into) { impl_->Start(into); }
RequestParser::State RequestParser::Feed(std::string_view bytes, std::size_t& consumed) {
  return impl_->Feed(bytes, consumed);
}
bool RequestParser::started() const { return impl_->started(); }
bool RequestParser::in_body() const { return impl_->in_body(); }
std::size_t RequestParser::body_bytes() const { return impl_->body_bytes(); }
const FramingError& RequestParser::error() const { return impl_->error(); }

}  // namespace vitrine::http
