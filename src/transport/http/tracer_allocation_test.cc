// A request that is not sampled costs no memory. A program of its own, because it replaces operator new.

#include <gtest/gtest.h>

#include "core/allocations_testing.h"
#include "transport/http/request_testing.h"
#include "transport/http/tracer.h"

namespace vitrine::http {
namespace {

class NoSpans final : public SpanSink {
 public:
  void Take(Span /*span*/) override { ADD_FAILURE() << "nothing is sampled"; }
};

TEST(TracerAllocation, NoneWhereARequestIsNotSampled) {
  NoSpans spans;
  const std::string ids = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00\r\n";
  for (const std::string& header : {std::string(), "traceparent: 00-" + ids,
                                    "traceparent: ff-" + ids, "X-Other: a\r\n" + ids}) {
    for (const TracerOptions& options :
         {TracerOptions{}, TracerOptions{&spans, 0}, TracerOptions{&spans, 1e-12}}) {
      RequestParser parser({});
      Request request;
      parser.Start(request);
      std::size_t used = 0;
      parser.Feed(RequestText("GET /a", {}, header), used);
      const Tracer tracer(options);
      tracer.Begin(request);  // the thread's generator of ids is seeded once
      const std::size_t before = allocations;
      for (int i = 0; i < 100; ++i) {
        tracer.Begin(request);
        RequestTrace& trace = request.scope().trace;
        trace.Note("queue", RequestTrace::Clock::time_point(), RequestTrace::Clock::time_point());
        trace.NoteModel("a name that does not fit into a small string:1");
        ASSERT_FALSE(trace.sampled());
      }
      EXPECT_EQ(allocations, before) << header;
    }
  }
}

}  // namespace
}  // namespace vitrine::http
