#include "serve/request_id.h"

#include <array>
#include <cstdint>
#include <random>

namespace vitrine::serve {

std::string NewRequestId() {
  std::string id;
  MakeRequestId(id);
  return id;
}

void MakeRequestId(std::string& id) {
  thread_local std::mt19937_64 engine = [] {
    std::random_device device;
    std::array<std::uint32_t, 8> words{};
    for (std::uint32_t& word : words) {
      word = device();
    }
    std::seed_seq seed(words.begin(), words.end());
    return std::mt19937_64(seed);
  }();
  static constexpr char kDigits[] = "0123456789abcdef";
  id = "req_";
  id.reserve(36);
  for (int half = 0; half < 2; ++half) {
    std::uint64_t bits = engine();
    for (int digit = 0; digit < 16; ++digit, bits >>= 4) {
      id += kDigits[bits & 15U];
    }
  }
}

}  // namespace vitrine::serve
