#include "transport/http/load_target.h"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <limits>
#include <string_view>
#include <utility>

#include "transport/http/answer_framer.h"
#include "transport/http/client_socket.h"

namespace vitrine::http {
namespace {

using simulate::LoadAnswer;
using simulate::LoadOutcome;
using simulate::Nanos;

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr int kEvents = 64;
constexpr Nanos kNoExpiry = std::numeric_limits<Nanos>::max();

struct Slot {
  ClientSocket socket;
  AnswerFramer framer;
  std::string_view unsent;  // of the outstanding request
  bool busy = false;        // a request is outstanding
  bool connecting = false;
  Nanos due = 0;
  Nanos expires = 0;
};

class HttpLoadTarget : public simulate::LoadTarget {
 public:
  HttpLoadTarget(SocketAddress address, std::vector<std::string> requests,
                 const LoadTargetOptions& options)
      : address_(std::move(address)),
        requests_(std::move(requests)),
        options_(options),
        slots_(options.connections),
        idle_(options.connections),
        buffer_(kReadBytes),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        slack_(::prctl(PR_GET_TIMERSLACK)) {
    ended_.reserve(options.connections);
    ::prctl(PR_SET_TIMERSLACK, 1UL);
  }
  HttpLoadTarget(const HttpLoadTarget&) = delete;
  HttpLoadTarget& operator=(const HttpLoadTarget&) = delete;
  ~HttpLoadTarget() override {
    ::prctl(PR_SET_TIMERSLACK, static_cast<unsigned long>(std::max(slack_, 1)));
    ::close(epoll_);
  }

  Status ConnectAll(const Endpoint& endpoint) {
    for (std::size_t s = 0; s < slots_.size(); ++s) {
      RETURN_IF_ERROR(slots_[s].socket.Connect(endpoint, After(std::chrono::seconds(3))));
      Watch(s, EPOLL_CTL_ADD, EPOLLIN);
      PushIdle(s);
    }
    return Status::Ok();
  }

  Nanos Now() override {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
  }

  [[nodiscard]] std::size_t free() const override { return idle_count_; }

  void Send(std::uint64_t number, Nanos due, Nanos expires) override {
    const std::size_t s = PopIdle();
    Slot& slot = slots_[s];
    slot.unsent = requests_[number % requests_.size()];
    slot.busy = true;
    slot.due = due;
    slot.expires = expires;
    next_expiry_ = std::min(next_expiry_, expires);
    slot.framer.Begin(options_.head_requests);
    if (slot.socket.open()) {
      Write(s);
      return;
    }
    if (!slot.socket.Begin(address_).ok()) {
      End(s, LoadOutcome::kBroken);
      return;
    }
    slot.connecting = true;
    Watch(s, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
  }

  void Wait(Nanos until, std::vector<LoadAnswer>& answers) override {
    const Nanos sleep = ended_.empty() ? std::min(until, next_expiry_) - Now() - options_.spin : 0;
    std::array<epoll_event, kEvents> events;
    const timespec limit{
        .tv_sec = std::max<Nanos>(sleep, 0) / simulate::kNanosPerSecond,
        .tv_nsec = static_cast<long>(std::max<Nanos>(sleep, 0) % simulate::kNanosPerSecond)};
    const int count = ::epoll_pwait2(epoll_, events.data(), kEvents, &limit, nullptr);
    for (int e = 0; e < count; ++e) {
      const epoll_event& event = events[static_cast<std::size_t>(e)];
      Handle(event.data.u32, event.events);
    }
    if (const Nanos now = Now(); now >= next_expiry_) {
      Expire(now);
    }
    answers.insert(answers.end(), ended_.begin(), ended_.end());
    ended_.clear();
  }

 private:
  void Watch(std::size_t s, int operation, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u32 = static_cast<std::uint32_t>(s);
    ::epoll_ctl(epoll_, operation, slots_[s].socket.fd(), &event);
  }

  // Idle connections take turns, so that all of the server's threads get work.
  void PushIdle(std::size_t s) { idle_[(idle_first_ + idle_count_++) % idle_.size()] = s; }
  std::size_t PopIdle() {
    const std::size_t s = idle_[idle_first_];
    idle_first_ = (idle_first_ + 1) % idle_.size();
    --idle_count_;
    return s;
  }

  void Handle(std::size_t s, std::uint32_t events) {
    Slot& slot = slots_[s];
    if (slot.connecting) {
      slot.connecting = false;
      if (!slot.socket.Finish(address_).ok()) {
        End(s, LoadOutcome::kBroken);
        return;
      }
      Watch(s, EPOLL_CTL_MOD, EPOLLIN);
      Write(s);
    } else if ((events & EPOLLOUT) != 0 && !slot.unsent.empty()) {
      Watch(s, EPOLL_CTL_MOD, EPOLLIN);
      Write(s);
    }
    if (slot.socket.open() && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
      Read(s);
    }
  }

  void Write(std::size_t s) {
    Slot& slot = slots_[s];
    while (!slot.unsent.empty()) {
      const ssize_t sent =
          ::send(slot.socket.fd(), slot.unsent.data(), slot.unsent.size(), MSG_NOSIGNAL);
      if (sent > 0) {
        slot.unsent.remove_prefix(static_cast<std::size_t>(sent));
      } else if (errno == EAGAIN) {
        Watch(s, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
        return;
      } else if (errno != EINTR) {
        slot.socket.Close();
        End(s, LoadOutcome::kBroken);
        return;
      }
    }
  }

  void Read(std::size_t s) {
    Slot& slot = slots_[s];
    while (true) {
      const ssize_t got = ::recv(slot.socket.fd(), buffer_.data(), buffer_.size(), 0);
      if (got < 0 && errno == EINTR) {
        continue;
      }
      if (got < 0 && errno == EAGAIN) {
        return;
      }
      if (got <= 0 || !slot.busy) {  // the server closed it, or speaks unasked
        slot.socket.Close();
        if (slot.busy) {
          End(s, LoadOutcome::kBroken);
        }
        return;
      }
      const auto progress = slot.framer.Take({buffer_.data(), static_cast<std::size_t>(got)});
      if (progress == AnswerFramer::Progress::kMore) {
        continue;
      }
      const bool whole = progress == AnswerFramer::Progress::kWhole;
      if (!whole || !slot.framer.keeps_open() || !slot.unsent.empty()) {
        slot.socket.Close();
      }
      End(s, whole ? LoadOutcome::kAnswered : LoadOutcome::kGarbled);
      return;
    }
  }

  void End(std::size_t s, LoadOutcome outcome) {
    Slot& slot = slots_[s];
    LoadAnswer answer{.due = slot.due, .at = Now(), .outcome = outcome};
    if (outcome == LoadOutcome::kAnswered) {
      answer.status = slot.framer.status();
      answer.good = answer.status >= 200 && answer.status < 300;
    }
    ended_.push_back(answer);
    slot.busy = false;
    slot.connecting = false;
    slot.unsent = {};
    PushIdle(s);
  }

  void Expire(Nanos now) {
    next_expiry_ = kNoExpiry;
    for (std::size_t s = 0; s < slots_.size(); ++s) {
      if (!slots_[s].busy) {
        continue;
      }
      if (slots_[s].expires <= now) {
        slots_[s].socket.Close();  // its answer would be taken for that of the next request
        End(s, LoadOutcome::kTimedOut);
      } else {
        next_expiry_ = std::min(next_expiry_, slots_[s].expires);
      }
    }
  }

  SocketAddress address_;
  std::vector<std::string> requests_;
  LoadTargetOptions options_;
  std::vector<Slot> slots_;
  std::vector<std::size_t> idle_;  // a ring
  std::size_t idle_first_ = 0;
  std::size_t idle_count_ = 0;
  std::vector<LoadAnswer> ended_;
  std::vector<char> buffer_;
  Nanos next_expiry_ = kNoExpiry;  // no outstanding request expires before it
  int epoll_;
  int slack_;
};

}  // namespace

Result<std::unique_ptr<simulate::LoadTarget>> MakeLoadTarget(const Endpoint& endpoint,
                                                             std::vector<std::string> requests,
                                                             const LoadTargetOptions& options) {
  if (requests.empty() || options.connections == 0) {
    return InvalidArgument("a load needs a request and a connection at least");
  }
  ASSIGN_OR_RETURN(SocketAddress address, Resolve(endpoint));
  auto target = std::make_unique<HttpLoadTarget>(std::move(address), std::move(requests), options);
  RETURN_IF_ERROR(target->ConnectAll(endpoint));
  return std::unique_ptr<simulate::LoadTarget>(std::move(target));
}

}  // namespace vitrine::http
