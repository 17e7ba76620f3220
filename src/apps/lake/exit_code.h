/// The exit codes of every program: scripts rely on them, so they never change.
#pragma once

#include "core/status.h"

namespace vitrine::apps {

constexpr int ExitCodeOf(Code code) {
  switch (code) {
    case Code::kOk:
      return 0;
    case Code::kInvalidArgument:
    case Code::kOutOfRange:
      return 2;
    case Code::kNotFound:
      return 3;
    case Code::kPermissionDenied:
    case Code::kUnauthenticated:
      return 4;
    case Code::kAlreadyExists:
    case Code::kAborted:
      return 5;
    case Code::kUnavailable:
    case Code::kDeadlineExceeded:
    case Code::kResourceExhausted:
      return 6;
    case Code::kCancelled:
      return 130;
    default:
      return 1;
  }
}

}  // namespace vitrine::apps
