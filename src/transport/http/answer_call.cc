#include "transport/http/answer_call.h"

#include <exception>
#include <utility>

namespace vitrine::http {

AnswerCall::AnswerCall(BlockingPool& pool, Make make, Write write)
    : pool_(pool),
      make_(std::move(make)),
      write_(std::move(write)),
      answer_(Internal("the answer was not made")) {}

bool AnswerCall::Start(std::shared_ptr<Waker> waker) {
  const bool taken = pool_.TryRun([self = shared_from_this(), waker] {
    try {
      self->answer_ = self->make_(true);
    } catch (const std::exception& e) {
      self->answer_ = Internal(e.what());
    }
    waker->Wake();
  });
  if (!taken) {
    answer_ = make_(false);
    waker->Wake();
  }
  return false;
}

void AnswerCall::Finish(Request& request, Response& response) {
  write_(answer_, request, response);
}

}  // namespace vitrine::http
