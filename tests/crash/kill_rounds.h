/// Kills a writing process again and again and checks what it left. What is killed is a Victim: a
/// program that only writes the log, or a whole server with clients posting to it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace vitrine::crash {

/// One way of writing events that can be killed. A whole server is killed by a Victim whose Start
/// starts the server on `directory` and threads that post to it, and whose Acknowledged joins them
/// and gives the event ids of every answer 2xx.
/// Threads: one.
class Victim {
 public:
  virtual ~Victim() = default;
  /// Starts on `directory` and gives the process to kill. Everything written in this round must have
  /// ids that start with `prefix`; `seed` decides what it is.
  virtual pid_t Start(const std::string& directory, const std::string& prefix,
                      std::uint64_t seed) = 0;
  /// After the process is dead: the event ids that were acknowledged before.
  virtual std::vector<std::string> Acknowledged() = 0;
};

struct KillPlan {
  int rounds = 20;
  std::uint64_t seed = 0;
  /// The kill comes at a random moment up to here after Start (also while it still opens).
  std::chrono::milliseconds longest_life{400};
  /// After so many rounds a fresh directory is taken, so that checks stay short.
  int rounds_per_directory = 20;
};

/// Looks at the directory after a kill; `acknowledged` are the ids of all rounds in this directory.
/// Gives what is wrong; empty: whole.
using KillCheck = std::function<std::string(const std::string& directory,
                                            const std::vector<std::string>& acknowledged)>;

struct KillResult {
  int rounds = 0;
  std::uint64_t acknowledged = 0;
  int early = 0;  ///< kills before anything was acknowledged
  std::vector<std::string> failures;
};

/// Stops at the first failure. `directory` is empty and its own.
KillResult RunKillRounds(const KillPlan& plan, const std::string& directory, Victim& victim,
                         const KillCheck& check);

/// A Victim that is one command; it writes each acknowledged id as a line to its standard output,
/// once the acknowledgement is there.
class CommandVictim final : public Victim {
 public:
  /// Makes argv of one start.
  using Command = std::function<std::vector<std::string>(
      const std::string& directory, const std::string& prefix, std::uint64_t seed)>;
  explicit CommandVictim(Command command) : command_(std::move(command)) {}

  pid_t Start(const std::string& directory, const std::string& prefix, std::uint64_t seed) override;
  std::vector<std::string> Acknowledged() override;

 private:
  Command command_;
  std::string output_;
  std::thread reader_;
};

}  // namespace vitrine::crash
