#include "adapters/onnxruntime/environment.h"

#include <mutex>

namespace vitrine::adapters {
namespace {

// What went wrong comes back as a Status; ONNX Runtime's own lines would say it twice.
void ORT_API_CALL Discard(void* /*logger*/, OrtLoggingLevel /*severity*/, const char* /*category*/,
                          const char* /*id*/, const char* /*place*/, const char* /*message*/) {}

}  // namespace

Status OutOfMemory(std::string_view what) {
  return ResourceExhausted(fmt::format(
      "{}: out of memory; the check of a model may take probe.memory_limit_mb, a server what its "
      "machine leaves it",
      what));
}

Environment::Environment()
    : env_(ORT_LOGGING_LEVEL_FATAL, "vitrine", &Discard, nullptr),
      memory_(Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault)) {
  constexpr std::size_t kUnlimited = 0;
  constexpr int kAsRequested = 1;  // not the next power of two
  constexpr int kMebibyte = 1 << 20;
  const Ort::ArenaCfg arena(kUnlimited, kAsRequested, kMebibyte, kMebibyte);
  env_.CreateAndRegisterAllocator(memory_, arena);
}

Result<std::shared_ptr<Environment>> SharedEnvironment() {
  static std::mutex mutex;
  static std::weak_ptr<Environment> shared;
  const std::scoped_lock lock(mutex);
  std::shared_ptr<Environment> environment = shared.lock();
  if (!environment) {
    const OrtApi* api = OrtGetApiBase()->GetApi(ORT_API_VERSION);
    if (api == nullptr) {
      return Unavailable(
          fmt::format("the ONNX Runtime library {} is too old, version 1.{} or "
                      "newer is needed; run ./dev setup",
                      OrtGetApiBase()->GetVersionString(), ORT_API_VERSION));
    }
    Ort::InitApi(api);
    RETURN_IF_ERROR(Guard(Code::kInternal, "ONNX Runtime did not start", [&] {
      environment = std::make_shared<Environment>();
      return Status::Ok();
    }));
    shared = environment;
  }
  return environment;
}

}  // namespace vitrine::adapters
