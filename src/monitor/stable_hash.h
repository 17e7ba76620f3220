/// A 64-bit hash that is the same in every process, so that it can be saved.
#pragma once

#include <cstdint>
#include <string_view>

namespace vitrine::monitor {

/// FNV-1a with a final mix; never 0.   Source: Fowler, Noll, Vo; mix of splitmix64
inline std::uint64_t StableHash(std::string_view text) {
  std::uint64_t h = 0xCBF29CE484222325ULL;
  for (const char c : text) {
    h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  }
  h = (h ^ (h >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  h = (h ^ (h >> 27U)) * 0x94D049BB133111EBULL;
  h ^= h >> 31U;
  return h == 0 ? 1 : h;
}

}  // namespace vitrine::monitor
