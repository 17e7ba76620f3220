#include "graph/npy.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>

namespace vitrine::graph {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
/// A header of two axes has about a hundred bytes; numpy itself pads to 64.
constexpr std::size_t kLongestHeader = 65'536;

/// The header: one Python dictionary of three known keys.
struct Header {
  std::optional<std::string_view> type;
  std::optional<bool> by_column;
  std::optional<std::vector<std::size_t>> shape;
};

/// Walks over the text of a header.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool Eat(std::string_view what) {
    while (text_.starts_with(' ') || text_.starts_with('\n')) {
      text_.remove_prefix(1);
    }
    if (!text_.starts_with(what)) {
      return false;
    }
    text_.remove_prefix(what.size());
    return true;
  }
  std::optional<std::string_view> Text() {
    for (const char quote : {'\'', '"'}) {
      if (Eat(std::string_view(&quote, 1))) {
        const std::size_t end = text_.find(quote);
        if (end == std::string_view::npos) {
          return std::nullopt;
        }
        const std::string_view inside = text_.substr(0, end);
        text_.remove_prefix(end + 1);
        return inside;
      }
    }
    return std::nullopt;
  }
  std::optional<bool> Truth() {
    return Eat("True") ? std::optional(true) : Eat("False") ? std::optional(false) : std::nullopt;
  }
  std::optional<std::size_t> Number() {
    Eat("");
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (error != std::errc()) {
      return std::nullopt;
    }
    text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    return value;
  }
  /// "(3, 4)", "(3,)", "()"
  std::optional<std::vector<std::size_t>> Tuple() {
    std::vector<std::size_t> sizes;
    if (!Eat("(")) {
      return std::nullopt;
    }
    while (!Eat(")")) {
      const std::optional<std::size_t> size = Number();
      if (!size || sizes.size() == 32) {
        return std::nullopt;
      }
      sizes.push_back(*size);
      if (!Eat(",")) {
        return Eat(")") ? std::optional(sizes) : std::nullopt;
      }
    }
    return sizes;
  }
  bool AtEnd() {
    Eat("");
    return text_.empty();
  }

 private:
  std::string_view text_;
};

/// False where the text is no such dictionary.
bool ReadHeader(std::string_view text, Header& header) {
  Cursor at(text);
  if (!at.Eat("{")) {
    return false;
  }
  while (!at.Eat("}")) {
    const std::optional<std::string_view> key = at.Text();
    if (!key || !at.Eat(":")) {
      return false;
    }
    bool good = false;
    if (*key == "descr" && !header.type) {
      good = (header.type = at.Text()).has_value();
    } else if (*key == "fortran_order" && !header.by_column) {
      good = (header.by_column = at.Truth()).has_value();
    } else if (*key == "shape" && !header.shape) {
      good = (header.shape = at.Tuple()).has_value();
    }
    if (!good) {
      return false;
    }
    if (!at.Eat(",")) {
      return at.Eat("}") && at.AtEnd();
    }
  }
  return at.AtEnd();
}

/// The header's text; `bytes` then begins with the values.
Result<std::string_view> CutHeader(std::string_view& bytes) {
  if (!bytes.starts_with(kMagic) || bytes.size() < 10) {
    return InvalidArgument("this is no .npy file; write one by numpy.save");
  }
  const auto byte = [bytes](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
  const int major = byte(6);
  if ((major != 1 && major != 2) || byte(7) != 0) {
    return InvalidArgument(
        fmt::format("the .npy file has version {}.{}; 1.0 and 2.0 are read", major, byte(7)));
  }
  std::size_t begin = 10;
  std::size_t size = byte(8) | static_cast<std::size_t>(byte(9)) << 8;
  if (major == 2) {
    if (bytes.size() < 12) {
      return InvalidArgument("the .npy file is cut off in its header");
    }
    begin = 12;
    size |= static_cast<std::size_t>(byte(10)) << 16 | static_cast<std::size_t>(byte(11)) << 24;
  }
  if (size > kLongestHeader || size > bytes.size() - begin) {
    return InvalidArgument("the .npy file is cut off in its header, or the header is not numpy's");
  }
  const std::string_view header = bytes.substr(begin, size);
  bytes.remove_prefix(begin + size);
  return header;
}

}  // namespace

Result<NpyMatrix> ParseNpyMatrix(std::string_view bytes) {
  ASSIGN_OR_RETURN(const std::string_view text, CutHeader(bytes));
  Header header;
  if (!ReadHeader(text, header) || !header.type || !header.by_column || !header.shape) {
    return InvalidArgument(
        "the header of the .npy file is not numpy's for an array: descr, fortran_order and shape");
  }
  if (*header.type != "<f4") {
    return InvalidArgument(fmt::format(
        "the .npy file holds '{}', float32 ('<f4') is read: numpy.save(path, a.astype('<f4'))",
        *header.type));
  }
  if (*header.by_column) {
    return InvalidArgument(
        "the .npy file lies column by column: numpy.save(path, numpy.ascontiguousarray(a))");
  }
  if (header.shape->size() != 2) {
    return InvalidArgument(fmt::format("the .npy file has {} axes, a matrix has 2: [items, values]",
                                       header.shape->size()));
  }
  NpyMatrix matrix{.rows = (*header.shape)[0], .columns = (*header.shape)[1], .values = {}};
  const std::size_t count = bytes.size() / sizeof(float);
  const bool fits = bytes.size() % sizeof(float) == 0 &&
                    (matrix.columns == 0 || matrix.rows == 0
                         ? count == 0
                         : count % matrix.columns == 0 && count / matrix.columns == matrix.rows);
  if (!fits) {
    return InvalidArgument(fmt::format(
        "the .npy file has {} bytes after its header, which says {} rows of {} values; it "
        "was cut off",
        bytes.size(), matrix.rows, matrix.columns));
  }
  matrix.values.resize(count);
  if (count > 0) {
    std::memcpy(matrix.values.data(), bytes.data(), bytes.size());
  }
  return matrix;
}

}  // namespace vitrine::graph
