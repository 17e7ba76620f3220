/// For tests: models in files of their own, loaded in the serving runtime.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "adapters/onnxruntime/runtime.h"

namespace vitrine::adapters {

/// A folder that is removed with its contents.
class FolderForTest {
 public:
  FolderForTest() {
    std::string name = (std::filesystem::temp_directory_path() / "vitrine-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~FolderForTest() { std::filesystem::remove_all(path_); }
  FolderForTest(const FolderForTest&) = delete;
  FolderForTest& operator=(const FolderForTest&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string Write(std::string_view name, std::string_view bytes) const {
    const std::string file = path_ + "/" + std::string(name);
    std::ofstream(file, std::ios::binary) << bytes;
    return file;
  }

 private:
  std::string path_;
};

/// The graph of some bytes, loaded in the serving runtime; null (and a failure) where it fails.
inline std::unique_ptr<serve::LoadedGraph> LoadedForTest(std::string_view bytes) {
  const FolderForTest folder;
  const auto runtime = MakeOnnxRuntime();
  if (!runtime.ok()) {
    ADD_FAILURE() << runtime.status().ToString();
    return nullptr;
  }
  auto graph = (*runtime)->Load(folder.Write("model.onnx", bytes), {});
  if (!graph.ok()) {
    ADD_FAILURE() << graph.status().ToString();
    return nullptr;
  }
  return *std::move(graph);
}

}  // namespace vitrine::adapters
