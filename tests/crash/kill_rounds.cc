#include "kill_rounds.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#include <array>
#include <random>
#include <stdexcept>

extern char** environ;

namespace vitrine::crash {
namespace {

struct Pipe {
  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
      throw std::runtime_error("cannot make a pipe");
    }
  }
  std::array<int, 2> ends = {-1, -1};
};

void Reap(pid_t process, const std::string& round, std::vector<std::string>& failures) {
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  // Only the kill may end it: a victim that fails by itself would make every round look whole.
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
    failures.push_back(round + ": the process ended by itself, status " + std::to_string(status));
  }
}

}  // namespace

pid_t CommandVictim::Start(const std::string& directory, const std::string& prefix,
                           std::uint64_t seed) {
  const std::vector<std::string> words = command_(directory, prefix, seed);
  std::vector<char*> argv;
  for (const std::string& word : words) {
    argv.push_back(const_cast<char*>(word.c_str()));  // posix_spawn does not change them
  }
  argv.push_back(nullptr);
  const Pipe pipe;
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, pipe.ends[1], STDOUT_FILENO);
  pid_t process = -1;
  const int failed = ::posix_spawn(&process, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(pipe.ends[1]);
  if (failed != 0) {
    ::close(pipe.ends[0]);
    throw std::runtime_error("cannot start " + words[0]);
  }
  output_.clear();
  reader_ = std::thread([this, end = pipe.ends[0]] {
    std::array<char, 4096> buffer{};
    ssize_t got = 0;
    while ((got = ::read(end, buffer.data(), buffer.size())) > 0 || (got < 0 && errno == EINTR)) {
      output_.append(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    }
    ::close(end);
  });
  return process;
}

std::vector<std::string> CommandVictim::Acknowledged() {
  reader_.join();
  std::vector<std::string> ids;
  std::size_t begin = 0;
  // A last line without its end was cut off by the kill.
  for (std::size_t end = output_.find('\n'); end != std::string::npos;
       end = output_.find('\n', begin)) {
    ids.push_back(output_.substr(begin, end - begin));
    begin = end + 1;
  }
  return ids;
}

KillResult RunKillRounds(const KillPlan& plan, const std::string& directory, Victim& victim,
                         const KillCheck& check) {
  std::mt19937_64 random(plan.seed);
  KillResult result;
  std::vector<std::string> acknowledged;
  for (int round = 0; round < plan.rounds && result.failures.empty(); ++round) {
    if (round % plan.rounds_per_directory == 0) {
      acknowledged.clear();
    }
    const std::string here = directory + "/" + std::to_string(round / plan.rounds_per_directory);
    const std::string name = "round " + std::to_string(round);
    const pid_t process = victim.Start(here, "r" + std::to_string(round), random());
    const auto longest = static_cast<std::uint64_t>(plan.longest_life.count()) * 1'000;
    std::this_thread::sleep_for(std::chrono::microseconds(random() % longest));
    ::kill(process, SIGKILL);
    Reap(process, name, result.failures);
    const std::vector<std::string> ids = victim.Acknowledged();
    acknowledged.insert(acknowledged.end(), ids.begin(), ids.end());
    result.acknowledged += ids.size();
    result.early += ids.empty() ? 1 : 0;
    ++result.rounds;
    if (const std::string wrong = check(here, acknowledged); !wrong.empty()) {
      result.failures.push_back(name + ": " + wrong);
    }
  }
  return result;
}

}  // namespace vitrine::crash
