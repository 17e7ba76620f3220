#include "adapters/sqlite/packed_text.h"

#include <zlib.h>

#include <cstdint>

#include "core/check.h"

namespace vitrine::sqlite {
namespace {

constexpr std::size_t kHead = 4;
/// No row is near it: a size beyond says that the bytes are damaged.
constexpr std::uint32_t kMostBytes = 64U << 20U;

const Bytef* BytesOf(std::string_view text) { return reinterpret_cast<const Bytef*>(text.data()); }

}  // namespace

std::string Pack(std::string_view text) {
  CHECK(text.size() <= kMostBytes);
  uLongf size = compressBound(static_cast<uLong>(text.size()));
  std::string packed(kHead + size, '\0');
  for (std::size_t byte = 0; byte < kHead; ++byte) {
    packed[byte] = static_cast<char>(text.size() >> (8 * byte));
  }
  CHECK(compress2(reinterpret_cast<Bytef*>(packed.data() + kHead), &size, BytesOf(text),
                  static_cast<uLong>(text.size()), Z_DEFAULT_COMPRESSION) == Z_OK);
  packed.resize(kHead + size);
  return packed;
}

Result<std::string> Unpack(std::string_view packed) {
  std::uint32_t bytes = 0;
  for (std::size_t byte = 0; byte < kHead && byte < packed.size(); ++byte) {
    bytes |= std::uint32_t{static_cast<unsigned char>(packed[byte])} << (8 * byte);
  }
  if (packed.size() < kHead || bytes > kMostBytes) {
    return DataLoss("packed text is damaged");
  }
  std::string text(bytes, '\0');
  uLongf size = bytes;
  const std::string_view stream = packed.substr(kHead);
  if (uncompress(reinterpret_cast<Bytef*>(text.data()), &size, BytesOf(stream),
                 static_cast<uLong>(stream.size())) != Z_OK ||
      size != bytes) {
    return DataLoss("packed text is damaged");
  }
  return text;
}

}  // namespace vitrine::sqlite
