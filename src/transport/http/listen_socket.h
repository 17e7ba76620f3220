/// Listening sockets by plain POSIX calls, so that each failure can be named. Internal.
#pragma once

#include <cstddef>
#include <vector>

#include "core/status.h"
#include "transport/http/server.h"

namespace vitrine::http {

/// Listening descriptors of one listener, owned by the caller.
struct BoundListener {
  Listener listener;     ///< with the port that was taken
  int family = 0;        ///< AF_INET, AF_INET6 or AF_UNIX
  std::vector<int> fds;  ///< TCP: one a thread, sharing the port; Unix: one
};

/// Errors: kInvalidArgument (not an address, path too long), kAlreadyExists (busy: names the port
///         or path and the setting to change), kPermissionDenied, kUnavailable.
Result<BoundListener> Bind(const Listener& listener, std::size_t threads);

}  // namespace vitrine::http
