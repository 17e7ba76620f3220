#include "graph/item_vectors.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <limits>

namespace vitrine::graph {
namespace {

static_assert(std::endian::native == std::endian::little, "items.f32 is read as it lies there");

constexpr std::string_view kMagic = "VTRITEMS";
constexpr std::uint32_t kFormat = 1;
constexpr std::uint32_t kHasBias = 1;
constexpr std::size_t kHeaderBytes = 64;

struct Header {
  char magic[8];
  std::uint32_t format;
  std::uint32_t flags;
  std::uint64_t rows;
  std::uint32_t width;
  std::uint32_t reserved[9];
};
static_assert(sizeof(Header) == kHeaderBytes);

Status CheckWidth(std::uint64_t width, bool bias) {
  const std::uint64_t least = bias ? 2 : 1;
  if (width < least || width > kWidestItemVector) {
    return InvalidArgument(fmt::format("item vectors have {} values{}; {} to {} are possible",
                                       width, bias ? ", the bias among them" : "", least,
                                       kWidestItemVector));
  }
  return Status::Ok();
}

}  // namespace

Result<std::string> ItemVectorsToBytes(const ItemVectors& vectors) {
  RETURN_IF_ERROR(CheckWidth(vectors.width, vectors.bias));
  if (vectors.values.size() / vectors.width != vectors.rows ||
      vectors.values.size() % vectors.width != 0) {
    return InvalidArgument(fmt::format("{} values are not {} item vectors of {}",
                                       vectors.values.size(), vectors.rows, vectors.width));
  }
  Header header{};
  std::memcpy(header.magic, kMagic.data(), kMagic.size());
  header.format = kFormat;
  header.flags = vectors.bias ? kHasBias : 0;
  header.rows = vectors.rows;
  header.width = static_cast<std::uint32_t>(vectors.width);
  std::string bytes(kHeaderBytes + vectors.values.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), &header, kHeaderBytes);
  if (!vectors.values.empty()) {
    std::memcpy(bytes.data() + kHeaderBytes, vectors.values.data(),
                vectors.values.size() * sizeof(float));
  }
  return bytes;
}

Result<ItemVectors> ParseItemVectors(std::string_view bytes) {
  Header header{};
  if (bytes.size() < kHeaderBytes || !bytes.starts_with(kMagic)) {
    return InvalidArgument("this is no file of item vectors: it does not begin with VTRITEMS");
  }
  std::memcpy(&header, bytes.data(), kHeaderBytes);
  if (header.format > kFormat) {
    return FailedPrecondition(fmt::format(
        "the item vectors have format {}, this program reads up to {}; take a newer one",
        header.format, kFormat));
  }
  bool known = header.format == kFormat && (header.flags & ~kHasBias) == 0;
  for (const std::uint32_t zero : header.reserved) {
    known = known && zero == 0;
  }
  if (!known) {
    return InvalidArgument("the header of the item vectors holds what format 1 does not know");
  }
  const bool bias = (header.flags & kHasBias) != 0;
  RETURN_IF_ERROR(CheckWidth(header.width, bias));
  const std::uint64_t row_bytes = header.width * std::uint64_t{sizeof(float)};
  const std::uint64_t left = bytes.size() - kHeaderBytes;
  // By division: what a header claims may not fit into 64 bits.
  if (left % row_bytes != 0 || left / row_bytes != header.rows ||
      header.rows > std::numeric_limits<std::uint32_t>::max()) {
    return InvalidArgument(fmt::format(
        "the file of item vectors has {} bytes after its header, which says {} rows of {} "
        "values; it was cut off or put together wrongly",
        left, header.rows, header.width));
  }
  ItemVectors vectors{.rows = header.rows, .width = header.width, .bias = bias, .values = {}};
  vectors.values.resize(left / sizeof(float));
  if (left > 0) {
    std::memcpy(vectors.values.data(), bytes.data() + kHeaderBytes, left);
  }
  return vectors;
}

}  // namespace vitrine::graph
