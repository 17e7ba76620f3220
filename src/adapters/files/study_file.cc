#include "adapters/files/study_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "adapters/files/durable.h"

namespace vitrine::files {

Result<std::vector<std::string>> StudyFile::Lines() {
  std::error_code error;
  if (!std::filesystem::exists(path_, error)) {
    return std::vector<std::string>();
  }
  std::ifstream in(path_, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  if (!in.is_open() || in.bad()) {
    return SystemFailure(path_, "read", EIO);
  }
  std::vector<std::string> lines;
  std::size_t at = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', at)) {
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  if (at < text.size()) {  // half a line: cut, so that the next one begins where it should
    std::filesystem::resize_file(path_, at, error);
    if (error) {
      return SystemFailure(path_, "cut", error.value());
    }
  }
  return lines;
}

Status StudyFile::Append(std::string_view line) {
  const int file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file < 0) {
    return SystemFailure(path_, "open", errno);
  }
  const std::string bytes = std::string(line) + "\n";
  const bool written =
      ::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()) &&
      ::fsync(file) == 0;
  const int error = errno;
  ::close(file);
  return written ? Status::Ok() : SystemFailure(path_, "append to", error);
}

}  // namespace vitrine::files
