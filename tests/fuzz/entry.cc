// libFuzzer's entry, one program a target.
#include <cstddef>
#include <cstdint>

#include "fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  vitrine::fuzz::VITRINE_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
