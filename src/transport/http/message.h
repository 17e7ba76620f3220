/// One HTTP request and its response, as handlers see them. Both are owned by a connection and
/// reused from request to request, so that a handler allocates nothing in steady state.
/// Threads: a request and its response belong to the one handler that runs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "transport/http/request_trace.h"

namespace vitrine::http {

class EventStream;
class Suspended;

enum class Method : std::uint8_t { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kOther };
inline constexpr int kMethods = 8;
std::string_view MethodName(Method method);
Method ParseMethod(std::string_view token);

/// Where a request came from.
struct Peer {
  enum class Kind : std::uint8_t { kTcp, kLoopback, kUnix };
  Kind kind = Kind::kTcp;
  std::string address;  ///< "127.0.0.1:41234", "unix"
};

/// What the router found out about a request before its body was read.
struct RequestScope {
  static constexpr std::size_t kMaxArgs = 4;
  const void* route = nullptr;
  std::string args[kMaxArgs];  ///< decoded path arguments, in the pattern's order
  std::string principal;       ///< who asks: the key's name, "local"; for audit entries
  unsigned permissions = 0;    ///< bits of what the principal may do
  RequestTrace trace;
};

class Request {
 public:
  [[nodiscard]] Method method() const { return method_; }
  /// The method as it was sent; for messages.
  [[nodiscard]] std::string_view method_text() const { return Slice(method_text_); }
  /// Path of the target, percent-encoded as sent, without the query.
  [[nodiscard]] std::string_view path() const { return Slice(path_); }
  /// What follows "?", as sent.
  [[nodiscard]] std::string_view query() const { return Slice(query_); }
  /// 0 for HTTP/1.0, 1 for HTTP/1.1.
  [[nodiscard]] int minor_version() const { return minor_version_; }

  /// Value of a header, name in any case; empty where it is absent. The first of several.
  [[nodiscard]] std::string_view header(std::string_view name) const;
  [[nodiscard]] bool HasHeader(std::string_view name) const;
  [[nodiscard]] std::size_t header_count() const { return fields_.size(); }
  [[nodiscard]] std::string_view header_name(std::size_t i) const { return Slice(fields_[i].name); }
  [[nodiscard]] std::string_view header_value(std::size_t i) const {
    return Slice(fields_[i].value);
  }

  /// The whole body. Its buffer has kBodyPadding readable bytes behind it.
  [[nodiscard]] std::string_view body() const { return body_; }
  static constexpr std::size_t kBodyPadding = 64;

  /// Decoded value of a query parameter ("n" of "?n=3&x"); none where absent or badly encoded.
  [[nodiscard]] std::optional<std::string> QueryValue(std::string_view name) const;

  [[nodiscard]] const Peer& peer() const { return peer_; }
  /// X-Request-Id: the caller's where it is sane, otherwise made. Never empty in a handler.
  [[nodiscard]] const std::string& id() const { return id_; }
  /// True where the client keeps the connection open.
  [[nodiscard]] bool keep_alive() const { return keep_alive_; }
  [[nodiscard]] bool has_body() const { return has_body_; }
  /// True while the handler runs on the blocking pool.
  [[nodiscard]] bool on_pool() const { return on_pool_; }

  [[nodiscard]] RequestScope& scope() { return scope_; }
  [[nodiscard]] const RequestScope& scope() const { return scope_; }
  [[nodiscard]] std::string_view arg(std::size_t i) const { return scope_.args[i]; }
  /// Largest body this request may have; a handler's Admit may raise or lower it.
  [[nodiscard]] std::size_t body_limit() const { return body_limit_; }
  void set_body_limit(std::size_t bytes) { body_limit_ = bytes; }

 private:
  friend class RequestParser;
  friend class Connection;
  struct Span {
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
  };
  struct Field {
    Span name;
    Span value;
  };
  [[nodiscard]] std::string_view Slice(Span s) const {
    return std::string_view(head_).substr(s.offset, s.size);
  }
  Span Store(std::string_view text);
  void Clear(std::size_t body_limit);
  void EnsurePadding();

  std::string head_;  // every text of the head, addressed by spans
  std::string body_;
  std::vector<Field> fields_;
  Span method_text_;
  Span path_;
  Span query_;
  Method method_ = Method::kOther;
  int minor_version_ = 1;
  bool keep_alive_ = true;
  bool has_body_ = false;
  bool expects_continue_ = false;
  bool on_pool_ = false;
  std::size_t body_limit_ = 0;
  std::string id_;
  Peer peer_;
  RequestScope scope_;
};

class Response {
 public:
  int status = 200;
  /// Must outlive the response: a literal.
  std::string_view content_type = "application/json";
  std::string body;

  /// How errors are written: problem documents, or {"error": "..."} as the inference protocol has it.
  enum class ErrorStyle : std::uint8_t { kProblem, kInference };
  /// Stays over Clear; the connection sets it for each request, by its path.
  ErrorStyle error_style = ErrorStyle::kProblem;

  /// Adds a header; line breaks in the value are replaced by spaces, so that no input can add one.
  void AddHeader(std::string_view name, std::string_view value);
  /// Lines added so far, each with its CRLF.
  [[nodiscard]] const std::string& header_lines() const { return lines_; }

  /// Answers with server-sent events instead of a body. `start` runs on the I/O thread after the
  /// head was queued; it keeps the stream and writes to it from any thread.
  void Stream(std::function<void(std::shared_ptr<EventStream>)> start) {
    stream_ = std::move(start);
  }
  /// Asks for the handler to be called again on the blocking pool, where Request::on_pool() is
  /// true: for a request whose body turned out to be slow work. What was written is dropped.
  void MoveToPool() { move_to_pool_ = true; }
  [[nodiscard]] bool moves_to_pool() const { return move_to_pool_; }
  /// The answer is written later, by `suspended`; request and response stay as they are until then. Not on
  /// the pool.
  void Suspend(std::shared_ptr<Suspended> suspended) { suspended_ = std::move(suspended); }
  [[nodiscard]] bool is_suspended() const { return suspended_ != nullptr; }
  [[nodiscard]] bool is_stream() const { return static_cast<bool>(stream_); }
  [[nodiscard]] const std::function<void(std::shared_ptr<EventStream>)>& stream() const {
    return stream_;
  }

  /// Ready for the next request; buffers keep their capacity unless they grew very large.
  void Clear();

 private:
  friend class Connection;

  std::string lines_;
  bool move_to_pool_ = false;
  std::shared_ptr<Suspended> suspended_;
  std::function<void(std::shared_ptr<EventStream>)> stream_;
};

/// Decodes %XX (and "+" as a space where `plus`). False where a sequence is malformed or decodes
/// to a NUL byte.
bool PercentDecode(std::string_view text, bool plus, std::string& out);
/// Encodes everything but unreserved characters, for clients that build paths.
std::string PercentEncode(std::string_view text);

/// Equal but for ASCII case.
bool EqualNoCase(std::string_view a, std::string_view b);
/// The registered phrase of a status ("Not Found").
std::string_view ReasonPhrase(int status);

}  // namespace vitrine::http
