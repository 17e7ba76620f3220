/// What a Prometheus scraper is told to ask: the part of its configuration file that leads to a server.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/status.h"

namespace vitrine::apps {

struct ScrapeJob {
  std::string name;
  bool tls = false;
  std::string path = "/metrics";
  double timeout_seconds = 10;
  std::string key;                   ///< it sends; a secret
  std::string key_file;              ///< or what stands there
  std::vector<std::string> targets;  ///< "host:port", of static_configs
};

/// Reads the YAML that such files are written in: maps and lists in blocks, scalars, lists of scalars in brackets, quotes,
/// comments. Targets that are discovered elsewhere are not known.
/// Errors: kInvalidArgument (no scrape_configs: names the line where it could not be followed).
Result<std::vector<ScrapeJob>> ReadScrapeConfig(std::string_view text);

/// The job of that name; where `name` is empty the first that leads to one of `ports`, else the first whose name
/// speaks of vitrine, else the only one.
/// Errors: kNotFound (names those there are)
Result<ScrapeJob> ChooseJob(const std::vector<ScrapeJob>& jobs, std::string_view name,
                            const std::vector<std::string>& ports);

}  // namespace vitrine::apps
