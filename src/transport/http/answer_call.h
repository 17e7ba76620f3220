/// An answer that waits for another server: made on a thread of a pool of its own, while the request waits
/// without holding an I/O thread or one of those that wait for the disk.
#pragma once

#include <functional>
#include <memory>

#include "core/status.h"
#include "serve/recommend.h"
#include "transport/http/blocking_pool.h"
#include "transport/http/message.h"
#include "transport/http/suspended.h"

namespace vitrine::http {

class AnswerCall final : public Suspended, public std::enable_shared_from_this<AnswerCall> {
 public:
  /// `may_wait`: false where nobody may be waited for.
  using Make = std::function<Result<serve::RecommendResponse>(bool may_wait)>;
  using Write = std::function<void(const Result<serve::RecommendResponse>&, Request&, Response&)>;

  AnswerCall(BlockingPool& pool, Make make, Write write);

  /// Where the pool has no place left, the answer is made at once without the other server.
  bool Start(std::shared_ptr<Waker> waker) override;
  void Finish(Request& request, Response& response) override;
  void Abandon() override {}

 private:
  void MakeAnswer(bool may_wait);

  BlockingPool& pool_;
  Make make_;
  Write write_;
  Result<serve::RecommendResponse> answer_;
};

}  // namespace vitrine::http
