/// Content hashes: the name of every artifact, part, snapshot and vocabulary.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/status.h"

namespace vitrine {

/// Incremental SHA-256 (FIPS 180-4).
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Update(std::string_view bytes);
  /// 64 lower-case hex digits. Precondition: called once.
  std::string Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Hash of one string.
std::string Sha256Hex(std::string_view bytes);
/// Hash of a file's bytes. Errors: kNotFound, kUnavailable (cannot read).
Result<std::string> Sha256OfFile(const std::string& path);

}  // namespace vitrine
