/// Bytes of our own binary encoding: LEB128 varints, zigzag for signed numbers, little-endian
/// floats, texts with their length in front.
/// Threads: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/status.h"

namespace vitrine::adapters {

class ByteWriter {
 public:
  void Byte(std::uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void Varint(std::uint64_t value);
  void Signed(std::int64_t value);
  void Float(float value);
  void Double(double value);
  void Fixed64(std::uint64_t value);
  void Text(std::string_view text);

  /// So that what is expected fits without growing.
  void Reserve(std::size_t bytes) { out_.reserve(bytes); }
  [[nodiscard]] const std::string& bytes() const { return out_; }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

/// Reads what ByteWriter wrote. Never reads beyond the end whatever the bytes are: the first
/// impossible value makes ok() false for good, and every later read gives zero or nothing.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  std::uint8_t Byte();
  std::uint64_t Varint();
  std::uint32_t Varint32();  ///< fails above 2^32 - 1
  std::int64_t Signed();
  float Float();
  double Double();
  std::uint64_t Fixed64();
  std::string_view Text();  ///< a view into the bytes
  /// A count of things that take at least one byte each, so it never asks for absurd memory.
  std::size_t Count();

  [[nodiscard]] bool ok() const { return ok_; }
  /// Makes ok() false: a value that cannot be was read.
  void Fail() { ok_ = false; }
  /// OK where every read was possible and nothing is left. Errors: kDataLoss (names `what`).
  [[nodiscard]] Status Finish(std::string_view what) const;

 private:
  std::string_view Take(std::size_t count);

  std::string_view rest_;
  bool ok_ = true;
};

// In the header, since a record is hundreds of these.
inline std::string_view ByteReader::Take(std::size_t count) {
  if (!ok_ || count > rest_.size()) {
    ok_ = false;
    return {};
  }
  const std::string_view taken = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return taken;
}

inline std::uint8_t ByteReader::Byte() {
  const std::string_view taken = Take(1);
  return taken.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(taken[0]);
}

inline std::uint64_t ByteReader::Varint() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = Byte();
    if (shift == 63 && byte > 1) {
      break;
    }
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) {
      return ok_ ? value : 0;
    }
  }
  ok_ = false;
  return 0;
}

inline std::size_t ByteReader::Count() {
  const std::uint64_t count = Varint();
  if (count > rest_.size()) {
    ok_ = false;
    return 0;
  }
  return static_cast<std::size_t>(count);
}

inline std::string_view ByteReader::Text() { return Take(Count()); }

}  // namespace vitrine::adapters
