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
