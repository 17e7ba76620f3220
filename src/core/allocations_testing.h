/// Counts what a program asks memory for, to show that a steady path asks for none. It replaces operator new: included
/// by one file of a test program of its own.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace vitrine {
/// Calls of operator new so far, of all threads.
inline std::atomic<std::size_t> allocations{0};
}  // namespace vitrine

// Not inlined: g++ 12 would take the pairs of malloc and free inside for a mistake.
// NOLINTBEGIN(misc-definitions-in-headers): a program has one of each, see above.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++vitrine::allocations;
  if (void* block = std::malloc(size)) {
    return block;
  }
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept { std::free(block); }
// NOLINTEND(misc-definitions-in-headers)
