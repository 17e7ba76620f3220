/// One HTTP post or one mail by libcurl, as careful as a caller of addresses that others named must be: the address
/// that is connected to is checked at the socket itself, so that a name cannot be resolved twice to two answers; no
/// redirect is followed, no proxy or file of the environment is read, certificates are verified, time and size are bounded.
/// Threads: any.
#pragma once

#include <chrono>
#include <cstddef>
#include <stop_token>
#include <string>
#include <vector>

#include "adapters/notify/address_policy.h"
#include "core/status.h"

namespace vitrine::adapters {

struct CallOptions {
  AddressPolicy addresses;
  std::string ca_file;  ///< certificates to trust instead of the system's; empty: those
  std::chrono::milliseconds connect_time{5'000};
  std::chrono::milliseconds time{10'000};  ///< the whole call
  std::size_t most_answer_bytes = std::size_t{64} << 10;
};

struct HttpPost {
  std::string url;
  std::vector<std::string> headers;  ///< "Name: value"
  std::string body;
};

struct HttpAnswer {
  int status = 0;
  std::string body;
};

struct Mail {
  std::string url;        ///< smtp:// (STARTTLS) or smtps://
  bool encrypted = true;  ///< false: without TLS, to private addresses only
  std::string user;       ///< empty: no AUTH
  std::string password;
  std::string from;
  std::vector<std::string> to;
  std::string message;  ///< headers and body, lines end with CRLF
};

/// Errors: kPermissionDenied (the address: see AddressPolicy), kDeadlineExceeded, kCancelled (`stop`), kUnavailable (no
///         connection, no valid certificate, closed early), kResourceExhausted (the answer is too long). No message
///         names the URL, which may hold a secret.
Result<HttpAnswer> PostByCurl(const HttpPost& post, const CallOptions& options,
                              const std::stop_token& stop);

/// Errors: as above; kUnavailable where the server refused sender, recipient, password or text: with its code.
Status MailByCurl(const Mail& mail, const CallOptions& options, const std::stop_token& stop);

/// Whether `url` is an absolute one of these schemes, with a host, without user, password and fragment.
/// Errors: kInvalidArgument (what is wrong, without the URL).
Status CheckUrl(const std::string& url, const std::vector<std::string>& schemes);

}  // namespace vitrine::adapters
