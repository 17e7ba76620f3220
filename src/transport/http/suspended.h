/// A request that waits without holding a thread: its handler has returned, its answer is written later.
#pragma once

#include <memory>

namespace vitrine::http {

class Request;
class Response;

/// How a suspended request is brought back. Given by its connection.
class Waker {
 public:
  virtual ~Waker() = default;
  /// Has Suspended::Finish called on the I/O thread: at once where this is that thread. Any thread; once.
  virtual void Wake() = 0;
  /// Calls `step` when this turn of the I/O thread's loop is over, with every request read that had
  /// arrived by then; again after later turns while it returns true. On the I/O thread only.
  virtual void AtEndOfTurn(bool (*step)()) = 0;
};

/// What goes on with such a request. Owned by its connection until it is finished.
class Suspended {
 public:
  virtual ~Suspended() = default;
  /// Called once on the I/O thread, after the handler has returned. May wake at once.
  /// True: tell Abandon where the client leaves; costs a read that is pending meanwhile.
  virtual bool Start(std::shared_ptr<Waker> waker) = 0;
  /// Writes the answer. On the I/O thread, unless the client has left by then.
  virtual void Finish(Request& request, Response& response) = 0;
  /// The client has left: nobody waits for the answer. On the I/O thread; Wake is still to come.
  virtual void Abandon() = 0;
};

}  // namespace vitrine::http
