/// Inside adapters/onnxruntime/ only: ONNX Runtime's process-wide environment, and the way of its exceptions.
#pragma once

// The library is found at run time and may be older than these headers: its function table is
// fetched by hand, so that a missing one is a Status and not a crash.
#define ORT_API_MANUAL_INIT
#include <onnxruntime_cxx_api.h>
#undef ORT_API_MANUAL_INIT

#include <fmt/format.h>

#include <exception>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

#include "core/status.h"

namespace vitrine::adapters {

/// kResourceExhausted: `what` took more memory than there is, and what to do.
Status OutOfMemory(std::string_view what);

/// Runs f and turns what ONNX Runtime throws into a Status, of `code` unless it says better.
template <typename F>
Status Guard(Code code, std::string_view what, F&& f) {
  try {
    return std::forward<F>(f)();
  } catch (const Ort::Exception& e) {
    // Its own message is all that is left of what it caught itself.
    if (std::string_view(e.what()).find("bad_alloc") != std::string_view::npos) {
      return OutOfMemory(what);
    }
    return {e.GetOrtErrorCode() == ORT_NO_SUCHFILE ? Code::kNotFound : code,
            fmt::format("{}: {}", what, e.what())};
  } catch (const std::bad_alloc&) {
    return OutOfMemory(what);
  } catch (const std::exception& e) {
    return {code, fmt::format("{}: {}", what, e.what())};
  }
}

/// With one arena that all sessions share: it takes only what is asked for and gives back after large runs,
/// so that the server stays small.
class Environment {
 public:
  Environment();

  [[nodiscard]] Ort::Env& env() { return env_; }
  [[nodiscard]] const Ort::MemoryInfo& memory() const { return memory_; }

 private:
  Ort::Env env_;
  Ort::MemoryInfo memory_;
};

/// The one environment of the process, made by the first who asks and gone with the last: ONNX Runtime has no second one.
/// Errors:  kUnavailable (the library is older than its headers), kInternal (it does not start).
/// Threads: any.
Result<std::shared_ptr<Environment>> SharedEnvironment();

}  // namespace vitrine::adapters
