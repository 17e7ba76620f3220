#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "monitor/diagnosis/findings.h"

namespace vitrine::monitor {
namespace {

std::string_view HostOf(std::string_view listener) {
  return listener.substr(0, listener.rfind(':'));
}

std::string PortOf(std::string_view listener) {
  const std::size_t colon = listener.rfind(':');
  return colon == std::string_view::npos ? "" : std::string(listener.substr(colon + 1));
}

bool Loopback(std::string_view listener) {
  const std::string_view host = HostOf(listener);
  return host.substr(0, 4) == "127." || host == "[::1]" || host == "localhost";
}

std::vector<EvidenceLine> Lines(Quantity quantity, const std::vector<std::string>& texts) {
  std::vector<EvidenceLine> lines;
  lines.reserve(texts.size());
  for (const std::string& text : texts) {
    lines.push_back({quantity, text, {}, {}, ""});
  }
  return lines;
}

std::string_view ConnectText(ConnectResult result) {
  switch (result) {
    case ConnectResult::kConnected:
      return "connected";
    case ConnectResult::kRefused:
      return "connection refused";
    case ConnectResult::kTimedOut:
      return "no answer to the connection";
    case ConnectResult::kUnreachable:
      return "no way to the address";
  }
  return "";
}

void LookAtServer(const ReachEvidence& reach, Findings& findings) {
  const Verdict alive = !reach.server_alive   ? Verdict::kUnknown
                        : *reach.server_alive ? Verdict::kWell
                                              : Verdict::kBad;
  if (findings.Noted(Look::kServer, alive)) {
    findings.Found(CauseCode::kServerDown, kProven, {{Quantity::kFound, "vitrine.sock", {}, 0, ""}},
                   {Step::kServerUp, Step::kDoctor});
  }
}

void LookAtListeners(const ReachEvidence& reach, Findings& findings) {
  if (!reach.listeners || reach.listeners->empty()) {
    findings.Missing(Look::kListeners);
    return;
  }
  const std::vector<std::string>& all = *reach.listeners;
  Verdict verdict = Verdict::kUnknown;
  if (reach.asked_from_elsewhere) {
    verdict = *reach.asked_from_elsewhere && std::all_of(all.begin(), all.end(), Loopback)
                  ? Verdict::kBad
                  : Verdict::kWell;
    if (verdict == Verdict::kBad) {
      findings.Found(CauseCode::kLoopbackOnly, kProven, Lines(Quantity::kListener, all),
                     {Step::kKeyCreate, Step::kListenOutside, Step::kUseProxy});
    }
  }
  findings.Noted(Look::kListeners, verdict);
  if (!reach.asked_port) {
    return;
  }
  const std::string port = std::to_string(*reach.asked_port);
  const bool there = std::any_of(all.begin(), all.end(), [&port](const std::string& listener) {
    return PortOf(listener) == port;
  });
  if (findings.Noted(Look::kListeners, there ? Verdict::kWell : Verdict::kBad)) {
    std::vector<EvidenceLine> lines = Lines(Quantity::kListener, all);
    lines.push_back({Quantity::kAskedPort, "", {}, *reach.asked_port, ""});
    // A proxy in front may listen there: then the port is right, and something else is not.
    findings.Found(CauseCode::kPortWrong, kDirect, std::move(lines),
                   {Step::kStatus, Step::kConfig});
  }
}

void LookAtName(const ReachEvidence& reach, Findings& findings) {
  if (!reach.resolved) {
    findings.Missing(Look::kName);
    return;
  }
  if (reach.resolved->empty()) {
    findings.Noted(Look::kName, Verdict::kBad);
    findings.Found(CauseCode::kNameUnknown, kProven, {{Quantity::kFound, "DNS", {}, 0, ""}},
                   {Step::kMendName});
    return;
  }
  if (!reach.own_addresses) {
    findings.Missing(Look::kName);
    return;
  }
  const auto& own = *reach.own_addresses;
  const bool here = std::any_of(
      reach.resolved->begin(), reach.resolved->end(),
      [&own](const std::string& a) { return std::find(own.begin(), own.end(), a) != own.end(); });
  if (findings.Noted(Look::kName, here ? Verdict::kWell : Verdict::kBad)) {
    // Address translation may be between the two: not proven.
    findings.Found(CauseCode::kNameElsewhere, kLikely, Lines(Quantity::kAddress, *reach.resolved),
                   {Step::kMendName});
  }
}

// A connection that nobody answers, though the server runs: packets are dropped on the way. Where it is
// refused, the listener or the port says why, where they are known.
void LookAtConnect(const ReachEvidence& reach, Findings& findings) {
  if (!reach.connect) {
    findings.Missing(Look::kConnect);
    return;
  }
  const ConnectResult result = *reach.connect;
  if (!findings.Noted(Look::kConnect,
                      result == ConnectResult::kConnected ? Verdict::kWell : Verdict::kBad)) {
    return;
  }
  const EvidenceLine line{Quantity::kStartText, "", {}, {}, std::string(ConnectText(result))};
  if (result != ConnectResult::kRefused) {
    findings.Found(CauseCode::kBlocked,
                   reach.server_alive && *reach.server_alive ? kDirect : kResidual, {line},
                   {Step::kOpenWay, Step::kConfig});
  } else if (!reach.server_alive) {
    // Nothing is known of a server there but this: there is none, or it listens elsewhere.
    findings.Found(CauseCode::kServerDown, kLikely, {line}, {Step::kServerUp, Step::kStatus});
  }
}

void LookAtTls(const ReachEvidence& reach, Findings& findings) {
  if (!reach.client_speaks_tls || !reach.server_speaks_tls) {
    findings.Missing(Look::kTls);
    return;
  }
  const bool differ = *reach.client_speaks_tls != *reach.server_speaks_tls;
  if (findings.Noted(Look::kTls, differ ? Verdict::kBad : Verdict::kWell)) {
    findings.Found(CauseCode::kTlsMismatch, kProven - 0.02,
                   {{Quantity::kTls, "", *reach.client_speaks_tls ? 1.0 : 0.0,
                     *reach.server_speaks_tls ? 1.0 : 0.0, ""}},
                   {Step::kUseProxy, Step::kMendScrape});
  }
}

void LookAtAnswer(const ReachEvidence& reach, Findings& findings) {
  if (!reach.http_status) {
    findings.Missing(Look::kHttp);
    return;
  }
  const int status = *reach.http_status;
  const EvidenceLine line{
      Quantity::kHttpStatus, "", {}, status, reach.problem ? *reach.problem : std::string()};
  if (status == 403 && reach.problem && *reach.problem == "host_not_allowed") {
    findings.Noted(Look::kHttp, Verdict::kBad);
    findings.Found(CauseCode::kHostRefused, kProven, {line}, {Step::kSetHosts, Step::kConfig});
  } else if (status == 401 || status == 403) {
    findings.Noted(Look::kHttp, Verdict::kBad);
    findings.Found(CauseCode::kKeyRefused, kProven, {line}, {Step::kKeyList, Step::kKeyCreate});
  } else if (status >= 500) {
    findings.Noted(Look::kHttp, Verdict::kBad);
    findings.Found(CauseCode::kServerError, kDirect, {line}, {Step::kStatus, Step::kDoctor});
  } else {
    // Another refusal is the client's to mend; where it is no cause of ours, it is not well either.
    findings.Noted(Look::kHttp, status < 400 ? Verdict::kWell : Verdict::kBad);
  }
}

void LookAtScrape(const ReachEvidence& reach, Findings& findings) {
  if (!reach.scrape) {
    findings.Missing(Look::kScrape);
    return;
  }
  const ScrapeConfig& scrape = *reach.scrape;
  const bool elsewhere = scrape.path != "/metrics";
  const bool cut = scrape.answer_seconds && *scrape.answer_seconds >= scrape.timeout_seconds;
  findings.Noted(Look::kScrape, elsewhere || cut ? Verdict::kBad : Verdict::kWell);
  if (elsewhere) {
    // A proxy may rewrite the path; the server's 404 takes the doubt away.
    const bool gone = reach.http_status && *reach.http_status == 404;
    findings.Found(CauseCode::kScrapePathWrong, gone ? kProven : kLikely,
                   {{Quantity::kScrapePath, scrape.path, {}, {}, ""}}, {Step::kMendScrape});
  }
  if (cut) {
    findings.Found(
        CauseCode::kScrapeTooShort, kDirect,
        {{Quantity::kScrapeSeconds, "", scrape.timeout_seconds, scrape.answer_seconds, ""}},
        {Step::kMendScrape, Step::kHistoryService});
  }
}

}  // namespace

void LookForReach(const Evidence& evidence, Findings& findings) {
  const ReachEvidence& reach = evidence.reach;
  LookAtServer(reach, findings);
  LookAtListeners(reach, findings);
  LookAtName(reach, findings);
  LookAtConnect(reach, findings);
  LookAtTls(reach, findings);
  LookAtAnswer(reach, findings);
  LookAtScrape(reach, findings);
}

}  // namespace vitrine::monitor
