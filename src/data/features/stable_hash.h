/// A 64-bit hash whose values are kept in artifacts: never change it.
#pragma once

#include <cstdint>
#include <string_view>

namespace vitrine::data::features {

/// FNV-1a, then one multiply-xorshift round, because FNV's low bits alone are weak for short text.
/// Source: Fowler, Noll, Vo (64-bit parameters); the round is MurmurHash3's fmix64, first half.
constexpr std::uint64_t StableHash(std::string_view text) {
  std::uint64_t h = 14695981039346656037ULL;
  for (const char c : text) {
    h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  }
  h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdULL;
  return h ^ (h >> 33);
}

}  // namespace vitrine::data::features
