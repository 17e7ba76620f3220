// Where answers end: whole, byte by byte, and cut in every place.
#include "transport/http/answer_framer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace vitrine::http {
namespace {

using Progress = AnswerFramer::Progress;

/// Takes the text in pieces of `size`; where it ends before the text does, what it says of the rest.
Progress Take(AnswerFramer& framer, std::string_view text, std::size_t size, bool to_head = false) {
  framer.Begin(to_head);
  Progress progress = Progress::kMore;
  while (!text.empty() && progress != Progress::kGarbled) {
    progress = framer.Take(text.substr(0, size));
    text.remove_prefix(std::min(size, text.size()));
  }
  return progress;
}

struct Case {
  const char* text;
  Progress progress;
  int status = 0;
  bool keeps_open = true;
};

const Case kCases[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Progress::kWhole, 200},
    {"HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", Progress::kWhole, 200},
    {"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno", Progress::kWhole, 503,
     false},
    {"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", Progress::kWhole, 200, false},
    {"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx", Progress::kWhole,
     200},
    {"HTTP/1.1 204 No Content\r\n\r\n", Progress::kWhole, 204},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", Progress::kWhole,
     200},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: "
     "chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
     Progress::kWhole, 200},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTrailer: x\r\n\r\n",
     Progress::kWhole, 200},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n", Progress::kGarbled},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Progress::kGarbled},
    {"HTTP/1.1 200 OK\r\n\r\nuntil I close", Progress::kGarbled},
    {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxy", Progress::kGarbled},
    {"SSH-2.0-OpenSSH_9.2\r\n\r\n", Progress::kGarbled},
    {"HTTP/1.1 101 Switching\r\n\r\n", Progress::kGarbled},
};

TEST(AnswerFramer, EndsWhereTheAnswerEndsHoweverItComes) {
  for (const Case& one : kCases) {
    for (const std::size_t size : {1UL, 2UL, 3UL, 7UL, 1000UL}) {
      AnswerFramer framer;
      EXPECT_EQ(Take(framer, one.text, size), one.progress) << one.text << " by " << size;
      if (one.progress == Progress::kWhole) {
        EXPECT_EQ(framer.status(), one.status) << one.text;
        EXPECT_EQ(framer.keeps_open(), one.keeps_open) << one.text;
      }
    }
  }
}

TEST(AnswerFramer, WhatIsCutWaitsForMore) {
  for (const Case& one : kCases) {
    const std::string_view text = one.text;
    for (std::size_t end = 1; one.progress == Progress::kWhole && end < text.size(); ++end) {
      AnswerFramer framer;
      EXPECT_EQ(Take(framer, text.substr(0, end), 1000), Progress::kMore) << text.substr(0, end);
    }
  }
}

TEST(AnswerFramer, TheAnswerToHeadHasNoBody) {
  AnswerFramer framer;
  EXPECT_EQ(Take(framer, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", 9, true),
            Progress::kWhole);
  // The same framer serves the next answer.
  EXPECT_EQ(Take(framer, kCases[0].text, 3), Progress::kWhole);
}

TEST(AnswerFramer, AHeadWithoutEndIsRefused) {
  AnswerFramer framer;
  const std::string endless = "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x');
  EXPECT_EQ(Take(framer, endless, 1000), Progress::kGarbled);
}

}  // namespace
}  // namespace vitrine::http
