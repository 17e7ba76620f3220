#include "monitor/alerts/alert_senders.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace vitrine::monitor {

struct AlertSenders::Sender {
  struct Job {
    Notification message;
    NotificationText text;
  };

  Sender(NotificationChannel& its_channel, const Done& its_done)
      : channel(its_channel),
        done(its_done),
        thread([this](const std::stop_token& stop) { Run(stop); }) {}

  void Run(const std::stop_token& stop) {
    for (;;) {
      std::optional<Job> mine;
      {
        std::unique_lock lock(mutex);
        wake.wait(lock, stop, [this] { return job.has_value(); });
        if (stop.stop_requested()) {
          return;
        }
        mine = std::exchange(job, std::nullopt);
      }
      if (mine.has_value()) {
        done(mine->message, channel.Send(mine->message, mine->text, stop));
      }
    }
  }

  NotificationChannel& channel;
  const Done& done;
  std::mutex mutex;
  std::condition_variable_any wake;
  std::optional<Job> job;
  std::jthread thread;  // last: it uses the others
};

AlertSenders::AlertSenders(std::vector<AlertChannel> channels, Done done)
    : channels_(std::move(channels)), done_(std::move(done)) {
  senders_.reserve(channels_.size());
  for (const AlertChannel& each : channels_) {
    senders_.push_back(std::make_unique<Sender>(*each.channel, done_));
  }
}

AlertSenders::~AlertSenders() {
  for (const auto& sender : senders_) {
    sender->thread.request_stop();
  }
}

bool AlertSenders::Hand(Notification message, NotificationText text) {
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    if (channels_[i].name == message.channel) {
      Sender& sender = *senders_[i];
      {
        const std::scoped_lock lock(sender.mutex);
        sender.job = Sender::Job{std::move(message), std::move(text)};
      }
      sender.wake.notify_one();
      return true;
    }
  }
  return false;
}

const AlertChannel* AlertSenders::Find(std::string_view name) const {
  for (const AlertChannel& each : channels_) {
    if (each.name == name) {
      return &each;
    }
  }
  return nullptr;
}

}  // namespace vitrine::monitor
