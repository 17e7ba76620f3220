/// How threads rest that look at something from time to time. The machine's steady clock; in a simulation
/// (core/simulated_time.h) the simulated time, which does not go on before such a thread rests again.
/// Threads: any.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace vitrine {

class Pace {
 public:
  using clock = std::chrono::steady_clock;
  using duration = clock::duration;
  using time_point = clock::time_point;

  /// For comparison with what comes from here only.
  static time_point now();

  /// Like std::condition_variable_any: rests until `until`, or `done()` holds, or it shall stop. Returns done().
  template <typename Done>
  static bool WaitUntil(std::condition_variable_any& wake, std::unique_lock<std::mutex>& lock,
                        const std::stop_token& stop, time_point until, Done done) {
    if (!Simulated()) {
      return until == time_point::max() ? wake.wait(lock, stop, done)
                                        : wake.wait_until(lock, stop, until, done);
    }
    const Rest rest(until);
    while (!done() && !stop.stop_requested() && now() < until) {
      wake.wait_for(lock, stop, kPoll, done);
    }
    return done();
  }

  template <typename Done>
  static bool WaitFor(std::condition_variable_any& wake, std::unique_lock<std::mutex>& lock,
                      const std::stop_token& stop, duration time, Done done) {
    return WaitUntil(wake, lock, stop, now() + time, done);
  }

 private:
  static constexpr std::chrono::milliseconds kPoll{1};

  /// Tells the simulated clock until when this thread rests, and that it looks again.
  class Rest {
   public:
    explicit Rest(time_point until);
    ~Rest();
    Rest(const Rest&) = delete;
    Rest& operator=(const Rest&) = delete;
  };

  static bool Simulated();
};

}  // namespace vitrine
