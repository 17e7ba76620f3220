#include "apps/vitrine/command_line.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace vitrine::apps {

Result<Settings> CommandLine::LoadSettings() const {
  std::string file = config;
  std::error_code error;
  if (file.empty()) {
    const std::string standard = data + "/vitrine.toml";
    file = std::filesystem::exists(standard, error) ? standard : "";
  }
  const auto environment = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  return Settings::Load(file, environment, overrides);
}

void Print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (!text.empty() && text.back() != '\n') {
    std::fputc('\n', stdout);
  }
  std::fflush(stdout);
}

void Say(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  if (!text.empty() && text.back() != '\n') {
    std::fputc('\n', stderr);
  }
}

std::stop_token StopOnSignals() {
  // A thread that waits in sigwait: request_stop runs callbacks, which a signal handler must not.
  static std::stop_source source;
  static const bool started = [] {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::thread([set] {
      for (int count = 0;; ++count) {
        int signal = 0;
        if (sigwait(&set, &signal) != 0) {
          return;
        }
        if (count > 0) {
          std::_Exit(130);  // asked twice: leave at once
        }
        source.request_stop();
      }
    }).detach();
    return true;
  }();
  static_cast<void>(started);
  return source.get_token();
}

}  // namespace vitrine::apps
