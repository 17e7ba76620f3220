#include "text/tokenise.h"

#include <libstemmer.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include <memory>

#include "core/check.h"
#include "text/chinese_words.h"

namespace vitrine::text {
namespace {

/// Snowball's stemmer keeps state: one a thread.
std::string_view Stem(std::string_view word) {
  thread_local const std::unique_ptr<sb_stemmer, void (*)(sb_stemmer*)> stemmer(
      sb_stemmer_new("english", "UTF_8"), &sb_stemmer_delete);
  CHECK(stemmer != nullptr);
  const sb_symbol* stem =
      sb_stemmer_stem(stemmer.get(), reinterpret_cast<const sb_symbol*>(word.data()),
                      static_cast<int>(word.size()));
  if (stem == nullptr) {  // out of memory
    return word;
  }
  return {reinterpret_cast<const char*>(stem),
          static_cast<std::size_t>(sb_stemmer_length(stemmer.get()))};
}

enum class Kind : unsigned char { kNone, kWord, kHan, kJoiner };

Kind KindOf(UChar32 c) {
  if (c < 0x80) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
      return Kind::kWord;
    }
    return c == '\'' ? Kind::kJoiner : Kind::kNone;
  }
  if (c == 0x2019) {  // the typographic apostrophe
    return Kind::kJoiner;
  }
  UErrorCode error = U_ZERO_ERROR;
  if (uscript_getScript(c, &error) == USCRIPT_HAN) {
    return Kind::kHan;
  }
  const auto mask = static_cast<std::uint32_t>(U_GET_GC_MASK(c));
  return (mask & (U_GC_L_MASK | U_GC_M_MASK | U_GC_ND_MASK)) != 0 ? Kind::kWord : Kind::kNone;
}

bool IsPlainWord(std::string_view word) {
  for (const char c : word) {
    if (c < 'a' || c > 'z') {
      return false;
    }
  }
  return true;
}

/// Cuts at a character's border.
std::string_view Cut(std::string_view word, std::size_t longest) {
  if (word.size() <= longest) {
    return word;
  }
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(word[end]) & 0xC0U) == 0x80U) {
    --end;
  }
  return word.substr(0, end);
}

class Runs {
 public:
  Runs(const TokenOptions& options, std::vector<std::string>& tokens)
      : options_(options), tokens_(tokens) {}

  void Add(Kind kind, std::string_view bytes) {
    if (kind == Kind::kJoiner && kind_ == Kind::kWord) {
      return;  // "men's" -> "mens"
    }
    if (kind != kind_) {
      Flush();
      kind_ = kind == Kind::kJoiner ? Kind::kNone : kind;
    }
    if (kind_ != Kind::kNone) {
      run_ += bytes;
    }
  }
  void Flush() {
    if (kind_ == Kind::kHan) {
      CutChinese(run_, tokens_);
    } else if (kind_ == Kind::kWord && !run_.empty()) {
      const std::string_view word = Cut(run_, options_.longest);
      tokens_.emplace_back(options_.stem && IsPlainWord(word) ? Stem(word) : word);
    }
    run_.clear();
    kind_ = Kind::kNone;
  }

 private:
  const TokenOptions& options_;
  std::vector<std::string>& tokens_;
  std::string run_;
  Kind kind_ = Kind::kNone;
};

std::string Folded(std::string_view text) {
  bool plain = true;
  std::string out(text);
  for (char& c : out) {
    if (static_cast<unsigned char>(c) >= 0x80U) {
      plain = false;
      break;
    }
    if (c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c - 'A' + 'a');
    }
  }
  if (plain) {
    return out;
  }
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* fold = icu::Normalizer2::getNFKCCasefoldInstance(error);
  CHECK(U_SUCCESS(error));
  const icu::UnicodeString folded = fold->normalize(
      icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int>(text.size()))),
      error);
  if (U_FAILURE(error)) {
    return std::string(text);
  }
  out.clear();
  folded.toUTF8String(out);
  return out;
}

}  // namespace

void Tokenise(std::string_view text, const TokenOptions& options,
              std::vector<std::string>& tokens) {
  const std::string folded = Folded(text);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(folded.data());
  const auto size = static_cast<std::int32_t>(folded.size());
  Runs runs(options, tokens);
  for (std::int32_t at = 0; at < size;) {
    const std::int32_t begin = at;
    UChar32 c = 0;
    U8_NEXT(bytes, at, size, c);
    runs.Add(c < 0 ? Kind::kNone : KindOf(c),
             std::string_view(folded).substr(static_cast<std::size_t>(begin),
                                             static_cast<std::size_t>(at - begin)));
  }
  runs.Flush();
}

std::string Normalise(std::string_view text) {
  const std::string folded = Folded(text);
  std::string out;
  bool blank = false;
  for (const char c : folded) {
    if (c == ' ' || (c >= '\t' && c <= '\r')) {
      blank = !out.empty();
      continue;
    }
    if (blank) {
      out += ' ';
      blank = false;
    }
    out += c;
  }
  return out;
}

}  // namespace vitrine::text
