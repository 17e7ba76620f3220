#include "transport/http/metrics_format.h"

#include <gtest/gtest.h>

namespace vitrine::http {
namespace {

TEST(MetricsFormat, FollowsTheAcceptHeader) {
  struct Case {
    const char* accept;
    bool open_metrics;
  };
  for (const Case& c : {
           Case{"", false},
           {"*/*", false},
           {"text/plain", false},
           {"text/plain;version=0.0.4", false},
           {"application/openmetrics-text", true},
           {"Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8", true},
           {"application/openmetrics-text;version=0.0.1", false},
           {"application/openmetrics-text;version=2.0.0", false},
           // Prometheus 2 and 3.
           {"application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;"
            "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            true},
           {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
            "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.8,text/plain;version=0.0.4;q=0.3,"
            "*/*;q=0.2",
            true},
           {"text/plain;version=0.0.4;q=0.9, application/openmetrics-text;version=1.0.0;q=0.1",
            false},
           {"application/openmetrics-text;q=0", false},
           {"application/openmetrics-text;q=zero", false},
           {"application/openmetrics-text;;q=1,,", true},
           {";,;=;q=", false},
       }) {
    EXPECT_EQ(PrefersOpenMetrics(c.accept), c.open_metrics) << c.accept;
  }
}

}  // namespace
}  // namespace vitrine::http
