#include "apps/vitrine/job_following.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "apps/vitrine/command_line.h"
#include "loop/steps.h"
#include "transport/http/message.h"

namespace vitrine::apps {
namespace {

using nlohmann::json;

class ProgressLine {
 public:
  explicit ProgressLine(bool as_json) : json_(as_json), terminal_(isatty(STDERR_FILENO) != 0) {}

  void Show(const std::string& line) {
    if (json_) {
      Say(line);
      return;
    }
    ProgressReport report;
    if (!loop::ParseProgressLine(line, report)) {
      return;
    }
    std::string text = report.stage;
    if (report.total > 0) {
      text += fmt::format(" {:.0f}/{:.0f} {}", report.done, report.total, report.unit);
    } else if (report.done > 0) {
      text += fmt::format(" {:.0f} {}", report.done, report.unit);
    }
    if (!report.detail.empty()) {
      text += "  " + report.detail;
    }
    if (terminal_) {
      std::fprintf(stderr, "\r\033[K%s", text.substr(0, 110).c_str());
      open_ = true;
    } else if (report.detail == "started" || report.detail.starts_with("done")) {
      Say(text);
    }
  }
  ~ProgressLine() {
    if (open_) {
      std::fprintf(stderr, "\r\033[K");
    }
  }

 private:
  bool json_;
  bool terminal_;
  bool open_ = false;
};

}  // namespace

Result<std::string> FollowJob(ApiSession& session, const std::string& id, bool json_lines,
                              const std::stop_token& stop) {
  const std::string target = "/v1/jobs/" + http::PercentEncode(id);
  bool asked = false;
  {
    std::uint64_t shown = 0;  // a stream that is opened again starts with what was shown before
    ProgressLine line(json_lines);
    for (bool ended = false; !ended;) {
      // The stream ends with the job; a second of silence lets us look at the stop request.
      const Status followed = session.client().Follow(
          target + "/logs", After(std::chrono::seconds(1)), [&](const http::ServerEvent& event) {
            ended = event.event == "end";
            const std::uint64_t number = std::strtoull(event.id.c_str(), nullptr, 10);
            if (event.event == "progress" && number > shown) {
              shown = number;
              line.Show(event.data);
            }
            return !ended && !(stop.stop_requested() && !asked);
          });
      if (!followed.ok() && followed.code() != Code::kDeadlineExceeded) {
        return followed;
      }
      if (stop.stop_requested() && !asked) {
        asked = true;
        RETURN_IF_ERROR(session.Post(target + ":cancel", "{}").status());
      }
    }
  }
  ASSIGN_OR_RETURN(const std::string text, session.Get(target));
  const json job = json::parse(text);
  const std::string state = job.value("state", "");
  if (state == "succeeded") {
    return job.contains("result") ? job["result"].dump() : std::string("{}");
  }
  if (state == "cancelled") {
    return Cancelled(fmt::format("{} was cancelled", id));
  }
  return Internal(job.value("error", fmt::format("{} ended as {}", id, state)));
}

Result<std::string> RunJob(ApiSession& session, std::string_view kind, std::string_view spec,
                           bool json_lines, const std::stop_token& stop) {
  json body = {{"kind", kind}, {"spec", json::parse(spec, nullptr, false)}};
  ASSIGN_OR_RETURN(const std::string text, session.Post("/v1/jobs", body.dump()));
  return FollowJob(session, json::parse(text).value("id", ""), json_lines, stop);
}

}  // namespace vitrine::apps
