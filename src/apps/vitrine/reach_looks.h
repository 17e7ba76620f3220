/// Looks from this machine, as a client or a scraper would: resolves the name, connects, asks, and reads what comes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"
#include "monitor/diagnosis/evidence.h"

namespace vitrine::apps {

/// What is asked, and how.
struct ReachTarget {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  bool tls = false;
  std::string path = "/metrics";
  std::string api_key;
  std::optional<double> scrape_timeout_seconds;  ///< a scraper's; none: no scraper is meant
};

/// "http://host:port/path", "https://...", "host:port"; the path is left where there is none.
/// Errors: kInvalidArgument
Result<ReachTarget> ParseReachTarget(std::string_view text);

/// `listeners`: of the server that is meant, where they are known; they say whether the name leads here. A name
/// may take as long as the resolver does, connecting 3 s, an answer 10 s.
monitor::ReachEvidence LookFromHere(const ReachTarget& target,
                                    const std::optional<std::vector<std::string>>& listeners);

}  // namespace vitrine::apps
