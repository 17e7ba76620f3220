#include "loop/child_process.h"

#include <gtest/gtest.h>

#include <csignal>
#include <thread>

namespace vitrine::loop {
namespace {

ChildCommand Shell(std::string script) {
  return {.program = "/bin/sh", .arguments = {"-c", std::move(script)}};
}

TEST(ChildProcess, ResultOnStdoutAndLinesOfStderr) {
  std::vector<std::string> lines;
  const auto outcome = RunChild(Shell(R"(echo '{"ok":1}'; echo one >&2; printf two >&2)"),
                                [&lines](std::string_view line) { lines.emplace_back(line); }, {});
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->output, "{\"ok\":1}\n");
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "two"}));
  EXPECT_TRUE(StatusOf(*outcome, "sh").ok());
  EXPECT_GT(outcome->peak_memory_bytes, 0U);
}

TEST(ChildProcess, ExitCodesBecomeCodesWithTheChildsOwnMessage) {
  const auto outcome = RunChild(Shell("echo 'no such mapping' >&2; exit 3"), {}, {});
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(StatusOf(*outcome, "lake"), NotFound("no such mapping"));
}

TEST(ChildProcess, ADeathBySignalIsNamed) {
  const auto outcome = RunChild(Shell("kill -SEGV $$"), {}, {});
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->signal, SIGSEGV);
  EXPECT_EQ(StatusOf(*outcome, "trainer").code(), Code::kInternal);
  EXPECT_NE(StatusOf(*outcome, "trainer").message().find("signal 11"), std::string::npos);
}

TEST(ChildProcess, ItsEnvironmentIsOursWithMoreAndStopSignalsMayBeBlocked) {
  ::setenv("VITRINE_CHILD_TEST", "ours", 1);
  ChildCommand shell = Shell("printf '%s %s' \"$VITRINE_CHILD_TEST\" \"$VITRINE_CHILD_MORE\"");
  shell.environment = {"VITRINE_CHILD_MORE=theirs"};
  const auto both = RunChild(shell, {}, {});
  ASSERT_TRUE(both.ok());
  EXPECT_EQ(both->output, "ours theirs");
  shell.environment = {"VITRINE_CHILD_TEST=theirs"};
  const auto first = RunChild(shell, {}, {});
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->output, "theirs ");

  ChildCommand mask{.program = "/bin/grep", .arguments = {"SigBlk", "/proc/self/status"}};
  const auto open = RunChild(mask, {}, {});
  ASSERT_TRUE(open.ok());
  EXPECT_EQ(open->output, "SigBlk:\t0000000000000000\n");
  mask.stop_signals_blocked = true;
  const auto blocked = RunChild(mask, {}, {});
  ASSERT_TRUE(blocked.ok());
  EXPECT_EQ(blocked->output, "SigBlk:\t0000000000004002\n");
}

TEST(ChildProcess, AMissingProgramIsNotFound) {
  EXPECT_EQ(RunChild({.program = "/nonexistent/vitrine-lake"}, {}, {}).status().code(),
            Code::kNotFound);
}

TEST(ChildProcess, LargeInputAndOutputDoNotDeadlock) {
  ChildCommand cat{.program = "/bin/cat", .input = std::string(1 << 20, 'x')};
  const auto outcome = RunChild(cat, {}, {});
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->output.size(), cat.input.size());
}

TEST(ChildProcess, AChildThatDoesNotReadItsInputIsNoError) {
  ChildCommand deaf = Shell("exec <&-; exit 0");
  deaf.input = std::string(1 << 20, 'x');
  std::signal(SIGPIPE, SIG_IGN);
  const auto outcome = RunChild(deaf, {}, {});
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->exit_code, 0);
}

TEST(ChildProcess, StopAsksFirst) {
  std::stop_source stop;
  std::string said;
  const auto outcome = RunChild(
      Shell("trap 'echo bye >&2; exit 130' TERM; echo up >&2; "
            "while :; do sleep 0.01; done"),
      [&](std::string_view line) {
        said += line;
        stop.request_stop();  // as soon as the trap is set
      },
      stop.get_token());
  EXPECT_EQ(outcome.status().code(), Code::kCancelled);
  EXPECT_EQ(said, "upbye");
}

TEST(ChildProcess, TimeoutKillsWhatDoesNotListen) {
  ChildCommand stubborn = Shell("trap '' TERM; while :; do sleep 0.05; done");
  stubborn.timeout = std::chrono::milliseconds(50);
  stubborn.grace = std::chrono::milliseconds(50);
  const auto outcome = RunChild(stubborn, {}, {});
  ASSERT_TRUE(outcome.ok());
  EXPECT_TRUE(outcome->timed_out);
  EXPECT_EQ(outcome->signal, SIGKILL);
  EXPECT_EQ(StatusOf(*outcome, "sh").code(), Code::kDeadlineExceeded);
}

TEST(ChildProcess, MemoryLimitHolds) {
  ChildCommand hungry = Shell("x=$(head -c 300000000 /dev/zero | tr '\\0' x); echo ${#x}");
  hungry.memory_limit_bytes = std::uint64_t{64} << 20;
  const auto outcome = RunChild(hungry, {}, {});
  ASSERT_TRUE(outcome.ok());
  EXPECT_NE(outcome->output, "300000000\n");
}

}  // namespace
}  // namespace vitrine::loop
