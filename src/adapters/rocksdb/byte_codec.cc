#include "adapters/rocksdb/byte_codec.h"

#include <bit>

#include <fmt/format.h>

namespace vitrine::adapters {
namespace {

template <typename T>
void AppendLittleEndian(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out.push_back(static_cast<char>(static_cast<unsigned char>(value >> (8 * i))));
  }
}

template <typename T>
T ReadLittleEndian(std::string_view bytes) {
  T value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value |= static_cast<T>(static_cast<T>(static_cast<unsigned char>(bytes[i])) << (8 * i));
  }
  return value;
}

}  // namespace

void ByteWriter::Varint(std::uint64_t value) {
  while (value >= 0x80) {
    Byte(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  Byte(static_cast<std::uint8_t>(value));
}

void ByteWriter::Signed(std::int64_t value) {
  const auto bits = static_cast<std::uint64_t>(value);
  Varint((bits << 1) ^ (value < 0 ? ~std::uint64_t{0} : 0));
}

void ByteWriter::Float(float value) {
  AppendLittleEndian(out_, std::bit_cast<std::uint32_t>(value));
}

void ByteWriter::Double(double value) {
  AppendLittleEndian(out_, std::bit_cast<std::uint64_t>(value));
}

void ByteWriter::Fixed64(std::uint64_t value) { AppendLittleEndian(out_, value); }

void ByteWriter::Text(std::string_view text) {
  Varint(text.size());
  out_.append(text);
}

std::string_view ByteReader::Take(std::size_t count) {
  if (!ok_ || count > rest_.size()) {
    ok_ = false;
    return {};
  }
  const std::string_view taken = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return taken;
}

std::uint8_t ByteReader::Byte() {
  const std::string_view taken = Take(1);
  return taken.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(taken[0]);
}

std::uint64_t ByteReader::Varint() {
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

std::uint32_t ByteReader::Varint32() {
  const std::uint64_t value = Varint();
  if (value > UINT32_MAX) {
    ok_ = false;
    return 0;
  }
  return static_cast<std::uint32_t>(value);
}

std::int64_t ByteReader::Signed() {
  const std::uint64_t bits = Varint();
  return static_cast<std::int64_t>((bits >> 1) ^ ((bits & 1) != 0 ? ~std::uint64_t{0} : 0));
}

float ByteReader::Float() {
  return std::bit_cast<float>(ReadLittleEndian<std::uint32_t>(Take(sizeof(float))));
}

double ByteReader::Double() {
  return std::bit_cast<double>(ReadLittleEndian<std::uint64_t>(Take(sizeof(double))));
}

std::uint64_t ByteReader::Fixed64() {
  return ReadLittleEndian<std::uint64_t>(Take(sizeof(std::uint64_t)));
}

std::string_view ByteReader::Text() { return Take(Count()); }

std::size_t ByteReader::Count() {
  const std::uint64_t count = Varint();
  if (count > rest_.size()) {
    ok_ = false;
    return 0;
  }
  return static_cast<std::size_t>(count);
}

Status ByteReader::Finish(std::string_view what) const {
  if (!ok_) {
    return DataLoss(fmt::format("{} in the event log is damaged; restore it from a backup", what));
  }
  if (!rest_.empty()) {
    return DataLoss(fmt::format(
        "{} in the event log has {} bytes too many; restore it from a backup", what, rest_.size()));
  }
  return Status::Ok();
}

}  // namespace vitrine::adapters
