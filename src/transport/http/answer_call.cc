#include "transport/http/answer_call.h"

#include <exception>
#include <new>
#include <utility>

namespace vitrine::http {

AnswerCall::AnswerCall(BlockingPool& pool, Make make, Write write)
    : pool_(pool),
      make_(std::move(make)),
      write_(std::move(write)),
      answer_(Internal("the answer was not made")) {}

bool AnswerCall::Start(std::shared_ptr<Waker> waker) {
  bool taken = false;
  try {
    taken = pool_.TryRun([self = shared_from_this(), waker] {
      self->MakeAnswer(true);
      waker->Wake();
    });
  } catch (const std::bad_alloc&) {  // not taken, then
  }
  if (!taken) {
    MakeAnswer(false);
    waker->Wake();
  }
  return false;
}

// Nothing that a request holds may stop the server.
void AnswerCall::MakeAnswer(bool may_wait) {
  try {
    answer_ = make_(may_wait);
  } catch (const std::exception& e) {
    answer_ = Internal(e.what());
  }
}

void AnswerCall::Finish(Request& request, Response& response) {
  write_(answer_, request, response);
}

}  // namespace vitrine::http
