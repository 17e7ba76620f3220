#include "transport/http/request_parser.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace vitrine::http {
namespace {

using State = RequestParser::State;

struct Parsed {
  State state = State::kNeedMore;
  std::size_t used = 0;
  std::string summary;
  std::string code;
};

std::string Summary(const Request& r) {
  std::string text(MethodName(r.method()));
  text.append(" ").append(r.path()).append("?").append(r.query());
  for (std::size_t i = 0; i < r.header_count(); ++i) {
    text.append("|").append(r.header_name(i)).append("=").append(r.header_value(i));
  }
  return text.append("|").append(r.body()).append(r.keep_alive() ? "|keep" : "|close");
}

// Feeds `input` in pieces of at most `piece` bytes, keeping what was not consumed, as a connection
// does.
Parsed Parse(std::string_view input, std::size_t piece, const FramingLimits& limits = {}) {
  RequestParser parser(limits);
  Request request;
  parser.Start(request);
  Parsed result;
  std::string held;
  std::size_t offset = 0;
  while (true) {
    std::size_t used = 0;
    const State state = parser.Feed(held, used);
    held.erase(0, used);
    result.used += used;
    if (state == State::kDone || state == State::kError) {
      result.state = state;
      result.summary = state == State::kDone ? Summary(request) : "";
      result.code = state == State::kError ? std::string(parser.error().code) : "";
      return result;
    }
    if (state == State::kNeedMore) {
      if (offset == input.size()) {
        return result;
      }
      const std::size_t n = std::min(piece, input.size() - offset);
      held.append(input.substr(offset, n));
      offset += n;
    }
  }
}

const char* const kGood[] = {
    "GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /a?b=c&d HTTP/1.1\r\nhost:x\r\nX-Y:  z \r\n\r\n",
    "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    "2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: 1\r\nHost: evil\r\n\r\n",
    "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
    "chunked\r\n\r\n00a\r\n0123456789\r\n000\r\n\r\n",
    "GET /a HTTP/1.0\r\n\r\n",
    "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "BREW /a HTTP/1.1\r\nHost: x\r\n\r\n",
};

TEST(RequestParser, ReadsTheSameHoweverTheBytesAreSplit) {
  for (const std::string_view text : kGood) {
    const Parsed whole = Parse(text, text.size());
    ASSERT_EQ(whole.state, State::kDone) << text << whole.code;
    EXPECT_EQ(whole.used, text.size()) << text;
    for (std::size_t piece = 1; piece < text.size(); ++piece) {
      const Parsed split = Parse(text, piece);
      ASSERT_EQ(split.state, State::kDone) << text << " in pieces of " << piece;
      EXPECT_EQ(split.summary, whole.summary) << text << " in pieces of " << piece;
    }
  }
}

TEST(RequestParser, JoinsChunksAndDropsTrailers) {
  EXPECT_EQ(Parse(kGood[5], 1000).summary, "POST /p?|Host=x|Transfer-Encoding=chunked|hello|keep");
}

TEST(RequestParser, NeverTakesBytesOfTheNextRequest) {
  for (const std::string_view text : kGood) {
    const std::string twice = std::string(text) + "GET /next HTTP/1.1\r\nHost: x\r\n\r\n";
    EXPECT_EQ(Parse(twice, twice.size()).used, text.size()) << text;
  }
}

struct Bad {
  const char* text;
  const char* code;
};

const Bad kBad[] = {
    {"\x16\x03\x01\x02 hello this is TLS\r\n\r\n", "bad_request"},
    {"GET  /a HTTP/1.1\r\nHost: x\r\n\r\n", "bad_request"},
    {"GET /a HTTP/2.0\r\nHost: x\r\n\r\n", "http_version"},
    {"GET /a HTTP/0.9\r\nHost: x\r\n\r\n", "http_version"},
    {"GET a HTTP/1.1\r\nHost: x\r\n\r\n", "bad_target"},
    {"GET http://evil/a HTTP/1.1\r\nHost: x\r\n\r\n", "bad_target"},
    {"CONNECT evil:443 HTTP/1.1\r\nHost: x\r\n\r\n", "bad_target"},
    {"GET /a HTTP/1.1\r\n\r\n", "bad_host"},
    {"GET /a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "bad_host"},
    {"GET /a HTTP/1.1\r\nHost : x\r\n\r\n", "bad_request"},
    {"GET /a HTTP/1.1\r\nHost: x\r\nA\x01: y\r\n\r\n", "bad_request"},
    {"GET /a HTTP/1.1\r\nHost: x\r\nNoColon\r\n\r\n", "bad_request"},
    {"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "bad_content_length"},
    {"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\nx", "bad_content_length"},
    {"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0x1\r\n\r\nx", "bad_content_length"},
    {"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1,1\r\n\r\nx", "bad_content_length"},
    {"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\nx", "bad_content_length"},
    {"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
     "bad_content_length"},
    {"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
     "bad_content_length"},
    {"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
     "bad_content_length"},
    {"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
     "bad_transfer_encoding"},
    {"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
     "bad_content_length"},
    {"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
     "bad_transfer_encoding"},
    {"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n", "bad_transfer_encoding"},
    {"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"
     "\r\n",
     "bad_transfer_encoding"},
    {"POST /a HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "bad_transfer_encoding"},
    {"POST /a HTTP/1.1\r\nHost: x\r\nExpect: magic\r\n\r\n", "expectation"},
    {"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n", "bad_chunk"},
    {"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\nx\r\n", "bad_chunk"},
    {"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n 1\r\nx\r\n", "bad_chunk"},
    {"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n\r\n",
     "bad_chunk"},
    {"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n",
     "bad_chunk"},
    {"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
     "bad_chunk"},
    {"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
     "body_too_large"},
    {"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 8388609\r\n\r\nx", "body_too_large"},
};

TEST(RequestParser, RefusesWhatIsMalformed) {
  for (const Bad& bad : kBad) {
    const std::string_view text = bad.text;
    for (const std::size_t piece : {text.size(), std::size_t{1}, std::size_t{7}}) {
      const Parsed parsed = Parse(text, piece);
      EXPECT_EQ(parsed.state, State::kError) << text;
      EXPECT_EQ(parsed.code, bad.code) << text << " in pieces of " << piece;
    }
  }
}

TEST(RequestParser, NeverTakesABareLineFeedForALineEnd) {
  const std::string_view text = "GET /a HTTP/1.1\nHost: x\n\n";
  EXPECT_EQ(Parse(text, text.size()).state, State::kError);
  // In pieces Beast waits for the head's end first; the head's time limit ends that.
  EXPECT_EQ(Parse(text, 1).state, State::kNeedMore);
}

TEST(RequestParser, BoundsTheHeadHoweverItIsSplit) {
  std::string fields = "GET /a HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 90; ++i) {
    fields += "X-Filler-" + std::to_string(i) + ": " + std::string(200, 'a') + "\r\n";
  }
  const std::string one =
      "GET /a HTTP/1.1\r\nHost: x\r\nX: " + std::string(20'000, 'a') + "\r\n\r\n";
  std::string many = "GET /a HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 200; ++i) {
    many += "A: b\r\n";
  }
  const std::string endless(20'000, 'a');
  const std::string target = "GET /" + std::string(9'000, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n";
  for (const std::size_t piece : {std::size_t{100'000}, std::size_t{1'000}, std::size_t{13}}) {
    EXPECT_EQ(Parse(fields + "\r\n", piece).code, "headers_too_large") << piece;
    EXPECT_EQ(Parse(one, piece).code, "headers_too_large") << piece;
    EXPECT_EQ(Parse(many + "\r\n", piece).code, "headers_too_large") << piece;
    EXPECT_EQ(Parse(endless, piece).code, "headers_too_large") << piece;
    EXPECT_EQ(Parse(target, piece).code, "target_too_long") << piece;
  }
}

// A folded line counts as what it is on the wire, not as what is kept of it.
TEST(RequestParser, TheHeadsBoundIsExactHoweverItIsSplit) {
  const std::string head = "GET /a HTTP/1.1\r\nHost: x\r\nA: b\r\n" + std::string(60, ' ') +
                           "c\r\nD: " + std::string(60, ' ') + "e\r\n\r\n";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, head.size()}) {
    EXPECT_EQ(Parse(head, piece, {.head_bytes = head.size()}).state, State::kDone) << piece;
    const Parsed refused = Parse(head, piece, {.head_bytes = head.size() - 1});
    EXPECT_EQ(refused.state, State::kError) << piece;
    EXPECT_EQ(refused.code, "headers_too_large") << piece;
  }
}

TEST(RequestParser, BoundsChunkedBodies) {
  FramingLimits limits;
  limits.body_bytes = 1'000;
  const std::string head = "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string grows = head;
  for (int i = 0; i < 11; ++i) {
    grows += "64\r\n" + std::string(100, 'x') + "\r\n";
  }
  std::string tiny = head;  // fewer body bytes than the limit, many more around them
  for (int i = 0; i < 900; ++i) {
    tiny += "1;" + std::string(100, 'e') + "\r\nx\r\n";
  }
  const std::string line = head + std::string(40'000, '0');
  const std::string trailers = head + "0\r\n" + std::string(40'000, 'a');
  for (const std::size_t piece : {std::size_t{200'000}, std::size_t{501}, std::size_t{1}}) {
    EXPECT_EQ(Parse(grows, piece, limits).code, "body_too_large") << piece;
    EXPECT_EQ(Parse(tiny, piece, limits).code, "bad_chunk") << piece;
    EXPECT_EQ(Parse(line, piece, limits).code, "bad_chunk") << piece;
    EXPECT_EQ(Parse(trailers, piece, limits).code, "bad_chunk") << piece;
  }
}

TEST(RequestParser, LetsTheHeadChangeTheBodyLimit) {
  RequestParser parser({});
  Request request;
  parser.Start(request);
  const std::string text = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nhello!";
  std::size_t used = 0;
  ASSERT_EQ(parser.Feed(text, used), State::kHead);
  request.set_body_limit(5);
  std::size_t more = 0;
  EXPECT_EQ(parser.Feed(std::string_view(text).substr(used), more), State::kError);
  EXPECT_EQ(parser.error().status, 413);
}

// Random edits of good and bad requests, in random pieces. Nothing may crash, hang or read outside
// (sanitizer builds look), and what counts as a request may not depend on how the bytes were split.
TEST(RequestParser, SurvivesMutatedInput) {
  std::mt19937 random(20'260'101);
  std::vector<std::string> seeds;
  for (const char* text : kGood) {
    seeds.emplace_back(text);
  }
  for (const Bad& bad : kBad) {
    seeds.emplace_back(bad.text);
  }
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  static constexpr std::string_view kSpice = "\r\n \t:;,0123456789abcdefxX-+/%?\0\xff";
  for (int round = 0; round < 20'000; ++round) {
    std::string text = seeds[below(seeds.size())];
    for (std::size_t edit = below(6); edit > 0 && !text.empty(); --edit) {
      const std::size_t at = below(text.size());
      switch (below(5)) {
        case 0:
          text[at] = kSpice[below(kSpice.size())];
          break;
        case 1:
          text.insert(at, 1, kSpice[below(kSpice.size())]);
          break;
        case 2:
          text.erase(at, 1 + below(4));
          break;
        case 3:
          text.insert(at, text.substr(below(text.size()), below(40)));
          break;
        default:
          text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
      }
    }
    const Parsed whole = Parse(text, text.size() + 1);
    const Parsed split = Parse(text, 1 + below(9));
    ASSERT_EQ(whole.state == State::kDone, split.state == State::kDone) << text;
    ASSERT_EQ(whole.summary, split.summary) << text;
  }
}

}  // namespace
}  // namespace vitrine::http
