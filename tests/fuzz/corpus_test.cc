// The corpus once more in every build: what the fuzzers started from, and what they ever found.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/targets.h"

namespace vitrine::fuzz {
namespace {

struct Target {
  const char* name;
  void (*run)(std::string_view);
};

class Corpus : public testing::TestWithParam<Target> {};

TEST_P(Corpus, IsReadWithoutHarm) {
  const std::filesystem::path folder = std::filesystem::path("tests/fuzz/corpus") / GetParam().name;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  ASSERT_FALSE(files.empty()) << folder;
  for (const auto& file : files) {
    SCOPED_TRACE(file.string());
    std::ifstream in(file, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    GetParam().run(bytes);
    for (std::size_t length = 0; length < std::min<std::size_t>(bytes.size(), 512); ++length) {
      GetParam().run(std::string_view(bytes).substr(0, length));  // and cut off anywhere
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Fuzz, Corpus,
    testing::Values(Target{"HttpRequest", HttpRequest}, Target{"InferenceBody", InferenceBody},
                    Target{"InferenceMessage", InferenceMessage},
                    Target{"RawInference", RawInference}, Target{"PackedBody", PackedBody},
                    Target{"RowsBody", RowsBody}, Target{"OnnxModel", OnnxModel},
                    Target{"ItemVectors", ItemVectors}, Target{"NpyMatrix", NpyMatrix},
                    Target{"TextFields", TextFields}),
    [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace vitrine::fuzz
