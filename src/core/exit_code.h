/// The exit codes of every program: scripts and parents rely on them, so they never change.
#pragma once

#include "core/status.h"

namespace vitrine {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;
inline constexpr int kExitNotFound = 3;
inline constexpr int kExitAuth = 4;
inline constexpr int kExitConflict = 5;
inline constexpr int kExitUnavailable = 6;
inline constexpr int kExitGateFailed = 7;
inline constexpr int kExitInterrupted = 130;

constexpr int ExitCodeOf(Code code) {
  switch (code) {
    case Code::kOk:
      return kExitOk;
    case Code::kInvalidArgument:
    case Code::kOutOfRange:
      return kExitUsage;
    case Code::kNotFound:
      return kExitNotFound;
    case Code::kPermissionDenied:
    case Code::kUnauthenticated:
      return kExitAuth;
    case Code::kAlreadyExists:
    case Code::kAborted:
      return kExitConflict;
    case Code::kUnavailable:
    case Code::kDeadlineExceeded:
    case Code::kResourceExhausted:
      return kExitUnavailable;
    case Code::kCancelled:
      return kExitInterrupted;
    default:
      return kExitFailure;
  }
}

}  // namespace vitrine
