/// Frames requests out of a connection's bytes. Beast's incremental parser underneath, plus what it
/// leaves open: limits over the whole head, one Host, one spelling of Content-Length, `chunked` as
/// the only transfer coding, trailers read and dropped.
/// Threads: owned by one connection.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "transport/http/message.h"

namespace vitrine::http {

struct FramingLimits {
  std::size_t head_bytes = 16 * 1024;  ///< request line and headers; also chunk lines and trailers
  std::size_t head_fields = 100;
  std::size_t target_bytes = 8 * 1024;
  std::size_t body_bytes = 8 * 1024 * 1024;  ///< after chunks are joined; default per request
};

/// Why a request cannot be read; the connection answers it and closes.
struct FramingError {
  int status = 400;
  std::string_view code;  ///< stable, snake_case
  std::string detail;
};

class RequestParser {
 public:
  enum class State : unsigned char {
    kNeedMore,  ///< all complete parts were consumed; call again with more behind the rest
    kHead,      ///< the head is complete (reported once, where a body follows)
    kDone,      ///< the request is complete
    kError,     ///< see error(); the parser is finished
  };

  explicit RequestParser(const FramingLimits& limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  /// Starts a request; what is read goes into `into`, which must outlive the parsing.
  void Start(Request& into);

  /// Reads on. `consumed` bytes of `bytes` are used up; the rest must be presented again, followed
  /// by what arrives later. Never consumes a byte of the next request.
  State Feed(std::string_view bytes, std::size_t& consumed);

  /// True once a byte of the current request was seen.
  [[nodiscard]] bool started() const;
  /// True between the head's end and the request's end.
  [[nodiscard]] bool in_body() const;
  /// Body bytes received so far (before de-chunking overhead is removed: wire bytes).
  [[nodiscard]] std::size_t body_bytes() const;
  [[nodiscard]] const FramingError& error() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vitrine::http
