/// Versions that must not reach users, made of a model that is good: its own graph with something wrong in it.
#pragma once

#include <cstdint>
#include <string>

namespace vitrine::bench {

enum class Harm : std::uint8_t {
  kSlower,      ///< more work of the same kind, as many multiplications as `amount` says
  kNan,         ///< every score is no number
  kNanForSome,  ///< scores are no numbers where the history holds the item `trigger`
  kMemory,      ///< 8 GiB for every answer
  kMemoryForSome,
  kDivisionForSome,  ///< the smallest whole number by -1, which ends the process
};

struct Harmful {
  Harm harm = Harm::kNan;
  std::int64_t amount = 0;
  std::int64_t trigger =
      0;  ///< an item's index; what holds for some holds where the history has it
};

/// `model`: bytes of an ONNX file whose first output scores items, and which reads a history of item numbers.
std::string MakeHarmful(const std::string& model, const Harmful& what);

/// The lines of a vocabulary in another order, the same each time.
std::string ShuffledLines(const std::string& text);

}  // namespace vitrine::bench
