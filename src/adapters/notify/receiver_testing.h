/// A receiver that listens on this machine and speaks as a test wants, with TLS or without.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

namespace vitrine::adapters {

/// One connection, as its server sees it.
class TestWire {
 public:
  virtual ~TestWire() = default;
  /// Everything up to and with `mark`; empty where the other side is gone.
  virtual std::string ReadUntil(std::string_view mark) = 0;
  virtual std::string ReadBytes(std::size_t count) = 0;
  virtual void Write(std::string_view text) = 0;
  /// False where the other side wants none.
  virtual bool StartTls() = 0;
  /// Returns when the other side has gone, or the receiver ends.
  virtual void WaitForEnd() = 0;
};

class TestReceiver {
 public:
  using Talk = std::function<void(TestWire&)>;  ///< called by the receiver's thread
  explicit TestReceiver(Talk talk, bool tls = false);
  ~TestReceiver();
  TestReceiver(const TestReceiver&) = delete;
  TestReceiver& operator=(const TestReceiver&) = delete;

  [[nodiscard]] int port() const;
  [[nodiscard]] int connections() const;
  /// PEM of its certificate, which names 127.0.0.1.
  [[nodiscard]] std::string ca_file() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

struct ReceivedPost {
  std::string target;
  std::map<std::string, std::string> headers;  ///< names in small letters
  std::string body;
};
ReceivedPost ReadPost(TestWire& wire);
void WriteAnswer(TestWire& wire, int status, std::string_view body,
                 std::string_view more_headers = {});

}  // namespace vitrine::adapters
