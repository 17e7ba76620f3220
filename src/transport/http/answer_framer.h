/// Where an HTTP/1.1 answer ends, and what its status is; the body is counted, not kept. For load:
/// nothing is allocated once the head's buffer has grown to its size. Internal.
/// Threads: a value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace vitrine::http {

class AnswerFramer {
 public:
  enum class Progress : std::uint8_t {
    kMore,     ///< bytes are missing
    kWhole,    ///< the answer is there, and nothing behind it
    kGarbled,  ///< not HTTP/1.x, without a length, or with bytes that nobody asked for
  };

  /// Before each answer; `to_head`: of a HEAD request, which has no body whatever its head says.
  void Begin(bool to_head);
  /// The next bytes of the connection. Precondition: the last call said kMore.
  Progress Take(std::string_view bytes);

  /// Of a whole answer.
  [[nodiscard]] int status() const { return status_; }
  /// False where the server closes after this answer.
  [[nodiscard]] bool keeps_open() const { return keeps_open_; }

 private:
  enum class Part : std::uint8_t { kHead, kBody, kChunkLine, kChunk, kChunkEnd, kTrailer, kDone };

  bool TakeHead(std::string_view& bytes);
  bool TakeLine(std::string_view& bytes);
  bool ReadHead();
  void ReadField(std::string_view line);
  bool EndLine();

  Part part_ = Part::kHead;
  bool to_head_ = false;
  bool keeps_open_ = true;
  bool chunked_ = false;
  bool has_length_ = false;
  int status_ = 0;
  std::uint64_t left_ = 0;  // bytes of the body or chunk that are missing
  std::string text_;        // the head, or a line of the chunked coding
};

}  // namespace vitrine::http
