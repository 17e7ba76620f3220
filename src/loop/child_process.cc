#include "loop/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <utility>

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it undeclared

namespace vitrine::loop {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kErrorTailBytes = 4096;
constexpr std::size_t kMaxOutputBytes = std::size_t{64} << 20;

class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) {
      ends_ = {-1, -1};
    }
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    CloseRead();
    CloseWrite();
  }
  [[nodiscard]] bool ok() const { return ends_[0] >= 0; }
  [[nodiscard]] int read_end() const { return ends_[0]; }
  [[nodiscard]] int write_end() const { return ends_[1]; }
  void CloseRead() { Close(ends_[0]); }
  void CloseWrite() { Close(ends_[1]); }

 private:
  static void Close(int& fd) {
    if (fd >= 0) {
      ::close(std::exchange(fd, -1));
    }
  }
  std::array<int, 2> ends_{-1, -1};
};

/// One pass over stderr's bytes: whole lines go to `on_line`, the tail is kept.
class Lines {
 public:
  explicit Lines(const std::function<void(std::string_view)>& on_line) : on_line_(on_line) {}

  void Add(std::string_view bytes) {
    pending_ += bytes;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = pending_.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
      Emit(std::string_view(pending_).substr(begin, end - begin));
    }
    pending_.erase(0, begin);
    if (pending_.size() > kErrorTailBytes) {  // a line without an end does not grow for ever
      Emit(pending_);
      pending_.clear();
    }
  }
  void Finish() {
    if (!pending_.empty()) {
      Emit(pending_);
      pending_.clear();
    }
  }
  [[nodiscard]] const std::string& tail() const { return tail_; }

 private:
  void Emit(std::string_view line) {
    if (on_line_) {
      on_line_(line);
    }
    if (line.starts_with(R"({"progress")")) {
      return;  // progress is no message
    }
    tail_ += line;
    tail_ += '\n';
    if (tail_.size() > kErrorTailBytes) {
      tail_.erase(0, tail_.size() - kErrorTailBytes);
    }
  }
  const std::function<void(std::string_view)>& on_line_;
  std::string pending_;
  std::string tail_;
};

/// Ours, but for names that the command sets.
std::vector<char*> EnvironmentOf(const ChildCommand& command) {
  std::vector<char*> environment;
  for (const std::string& variable : command.environment) {
    environment.push_back(const_cast<char*>(variable.c_str()));
  }
  for (char** ours = environ; *ours != nullptr; ++ours) {
    const std::string_view variable(*ours);
    const std::string_view name = variable.substr(0, variable.find('=') + 1);
    if (std::none_of(command.environment.begin(), command.environment.end(),
                     [name](const std::string& set) { return set.starts_with(name); })) {
      environment.push_back(*ours);
    }
  }
  environment.push_back(nullptr);
  return environment;
}

Result<pid_t> Spawn(const ChildCommand& command, const Pipe& in, const Pipe& out, const Pipe& err) {
  // posix_spawn has no rlimit attribute, and changing our own limits around the call would reach
  // the children of other threads: prlimit sets them on the child while its loader still runs.
  std::vector<char*> argv;
  argv.push_back(const_cast<char*>(command.program.c_str()));
  for (const std::string& argument : command.arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  std::vector<char*> environment = EnvironmentOf(command);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.read_end(), 0);
  posix_spawn_file_actions_adddup2(&actions, out.write_end(), 1);
  posix_spawn_file_actions_adddup2(&actions, err.write_end(), 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t blocked;
  sigemptyset(&blocked);
  if (command.stop_signals_blocked) {
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
  }
  posix_spawnattr_setsigmask(&attributes, &blocked);
  // Its own group: a Ctrl-C at the terminal reaches us alone, and we decide how the child ends.
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, command.program.c_str(), &actions, &attributes, argv.data(),
                                  environment.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error == ENOENT) {
    return NotFound(fmt::format("{} is not there; build it or reinstall Vitrine", command.program));
  }
  if (error != 0) {
    return Unavailable(fmt::format("cannot start {}: {}", command.program, std::strerror(error)));
  }
  const auto limit = [pid](__rlimit_resource resource, std::uint64_t value) {
    if (value > 0) {
      const rlimit both{value, value};
      ::prlimit(pid, resource, &both, nullptr);
    }
  };
  limit(RLIMIT_AS, command.memory_limit_bytes);
  limit(RLIMIT_CPU, command.cpu_limit_seconds);
  return pid;
}

/// Watches the child until both its pipes are closed.
class Watch {
 public:
  Watch(const ChildCommand& command, pid_t pid, Lines& lines, ChildOutcome& outcome)
      : command_(command), pid_(pid), lines_(lines), outcome_(outcome), started_(Clock::now()) {}

  void Follow(Pipe& in, Pipe& out, Pipe& err, const std::stop_token& stop) {
    SampleMemory();  // a child that is gone before the first wait has been seen once
    std::string_view input = command_.input;
    if (input.empty()) {
      in.CloseWrite();
    } else {
      ::fcntl(in.write_end(), F_SETFL, O_NONBLOCK);
    }
    while (out.read_end() >= 0 || err.read_end() >= 0) {
      std::array<pollfd, 3> polls = {pollfd{out.read_end(), POLLIN, 0},
                                     pollfd{err.read_end(), POLLIN, 0},
                                     pollfd{in.write_end(), POLLOUT, 0}};
      ::poll(polls.data(), polls.size(), 100);
      if (polls[2].revents != 0) {
        Feed(in, input);
      }
      if (polls[0].revents != 0 && !Drain(out, [this](std::string_view b) { Keep(b); })) {
        out.CloseRead();
      }
      if (polls[1].revents != 0 && !Drain(err, [this](std::string_view b) { lines_.Add(b); })) {
        err.CloseRead();
      }
      SampleMemory();
      EndIfNeeded(stop);
    }
  }

 private:
  static void Feed(Pipe& in, std::string_view& input) {
    const ssize_t n = ::write(in.write_end(), input.data(), input.size());
    if (n > 0) {
      input.remove_prefix(static_cast<std::size_t>(n));
    }
    if (input.empty() || (n < 0 && errno != EAGAIN && errno != EINTR)) {
      in.CloseWrite();
    }
  }
  template <typename F>
  static bool Drain(const Pipe& pipe, F&& take) {
    std::array<char, 16384> buffer{};
    const ssize_t n = ::read(pipe.read_end(), buffer.data(), buffer.size());
    if (n > 0) {
      take(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
    }
    return n > 0 || (n < 0 && errno == EINTR);
  }
  /// The kernel's own maximum (rusage) also counts our memory, which the child shares until it
  /// executes its program; the high-water mark of its status file does not.
  void SampleMemory() {
    std::ifstream status(fmt::format("/proc/{}/status", pid_));
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("VmHWM:")) {
        outcome_.peak_memory_bytes = std::strtoull(line.c_str() + 6, nullptr, 10) * 1024;
        return;
      }
    }
  }
  void Keep(std::string_view bytes) {
    if (outcome_.output.size() < kMaxOutputBytes) {
      outcome_.output += bytes;
    }
  }
  void EndIfNeeded(const std::stop_token& stop) {
    const auto now = Clock::now();
    const bool late = command_.timeout && now - started_ > *command_.timeout;
    if (!asked_ && (stop.stop_requested() || late)) {
      outcome_.timed_out = late && !stop.stop_requested();
      ::kill(pid_, SIGTERM);
      asked_ = now;
    } else if (asked_ && !killed_ && now - *asked_ > command_.grace) {
      ::kill(pid_, SIGKILL);
      killed_ = true;
    }
  }

  const ChildCommand& command_;
  pid_t pid_;
  Lines& lines_;
  ChildOutcome& outcome_;
  Clock::time_point started_;
  std::optional<Clock::time_point> asked_;
  bool killed_ = false;
};

}  // namespace

Result<ChildOutcome> RunChild(const ChildCommand& command,
                              const std::function<void(std::string_view)>& on_line,
                              const std::stop_token& stop) {
  Pipe in;
  Pipe out;
  Pipe err;
  if (!in.ok() || !out.ok() || !err.ok()) {
    return ResourceExhausted(fmt::format(
        "cannot start {}: no file descriptors left; raise the limit (ulimit -n)", command.program));
  }
  const auto started = Clock::now();
  ASSIGN_OR_RETURN(const pid_t pid, Spawn(command, in, out, err));
  in.CloseRead();
  out.CloseWrite();
  err.CloseWrite();
  ChildOutcome outcome;
  Lines lines(on_line);
  Watch(command, pid, lines, outcome).Follow(in, out, err, stop);
  lines.Finish();
  int status = 0;
  rusage usage{};
  while (::wait4(pid, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  if (outcome.peak_memory_bytes == 0) {  // gone before it could be looked at
    outcome.peak_memory_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
  }
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  outcome.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  outcome.last_error_lines = lines.tail();
  outcome.seconds = std::chrono::duration<double>(Clock::now() - started).count();
  if (stop.stop_requested()) {
    return Cancelled(fmt::format("{} was cancelled", command.program));
  }
  return outcome;
}

Status StatusOf(const ChildOutcome& outcome, std::string_view program) {
  if (outcome.exit_code == 0) {
    return Status::Ok();
  }
  std::string said = outcome.last_error_lines;
  while (!said.empty() && said.back() == '\n') {
    said.pop_back();
  }
  if (outcome.timed_out) {
    return DeadlineExceeded(fmt::format("{} did not end in time: {}", program, said));
  }
  if (outcome.signal != 0) {
    return Internal(fmt::format("{} died of signal {} ({}){}{}", program, outcome.signal,
                                ::strsignal(outcome.signal), said.empty() ? "" : ": ", said));
  }
  if (said.empty()) {
    said = fmt::format("{} ended with code {} and no message", program, outcome.exit_code);
  }
  switch (outcome.exit_code) {
    case 2:
      return InvalidArgument(std::move(said));
    case 3:
      return NotFound(std::move(said));
    case 4:
      return PermissionDenied(std::move(said));
    case 5:
      return AlreadyExists(std::move(said));
    case 6:
      return Unavailable(std::move(said));
    case 7:
      return FailedPrecondition(std::move(said));
    case 130:
      return Cancelled(std::move(said));
    default:
      return Internal(std::move(said));
  }
}

}  // namespace vitrine::loop
