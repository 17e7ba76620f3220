#include "transport/http/router.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "core/check.h"
#include "transport/http/problem.h"

namespace vitrine::http {
namespace {

struct Segment {
  std::string_view literal;  // empty for an argument
  std::string_view verb;     // with its ":", behind an argument
  bool argument = false;
};

std::vector<std::string_view> Split(std::string_view path) {
  std::vector<std::string_view> parts;
  path.remove_prefix(path.starts_with('/') ? 1 : 0);
  while (true) {
    const std::size_t slash = path.find('/');
    parts.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) {
      return parts;
    }
    path.remove_prefix(slash + 1);
  }
}

Segment Compile(std::string_view text) {
  if (!text.starts_with('{')) {
    return {text, {}, false};
  }
  const std::size_t close = text.find('}');
  CHECK(close != std::string_view::npos);
  return {{}, text.substr(close + 1), true};
}

// Host without its port: "shop:80" -> "shop", "[::1]:80" -> "::1".
std::string_view HostName(std::string_view host) {
  if (host.starts_with('[')) {
    return host.substr(1, host.find(']') == std::string_view::npos ? 0 : host.find(']') - 1);
  }
  return host.substr(0, host.rfind(':'));
}

// True for IPv4 and IPv6 literals. They cannot be rebound to another server by a name service,
// which is what the check of Host is against.
bool IsAddress(std::string_view host) {
  const bool v6 = host.find(':') != std::string_view::npos;
  return !host.empty() && std::all_of(host.begin(), host.end(), [v6](char c) {
    return (c >= '0' && c <= '9') || c == '.' ||
           (v6 && (c == ':' || std::isxdigit(static_cast<unsigned char>(c)) != 0));
  });
}

constexpr std::array<int, 22> kStatuses = {200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 409,
                                           413, 415, 422, 429, 500, 501, 503, 504, 507, 412, 499};

}  // namespace

// Metrics of one route, made on first use so that only what happened is exported.
struct Router::Meters {
  Meters(MetricRegistry* r, std::string route_label, Method m)
      : registry(r), route(std::move(route_label)), method(m) {
    if (registry != nullptr) {
      seconds = &registry->GetHistogram("vitrine_http_request_seconds",
                                        "Time from a request's head to its answer, by route.",
                                        Histogram::LatencySeconds(), {{"route", route}});
    }
  }

  /// `exemplar`: of a request that is sampled, else null.
  void Count(int status, double took, const Exemplar* exemplar) {
    if (registry == nullptr) {
      return;
    }
    if (exemplar != nullptr) {
      seconds->Observe(*exemplar);
    } else {
      seconds->Observe(took);
    }
    const auto found = std::find(kStatuses.begin(), kStatuses.end(), status);
    if (found == kStatuses.end()) {
      Look(status).Add();
      return;
    }
    std::atomic<Counter*>& slot = counters[static_cast<std::size_t>(found - kStatuses.begin())];
    Counter* counter = slot.load(std::memory_order_acquire);
    if (counter == nullptr) {
      counter = &Look(status);
      slot.store(counter, std::memory_order_release);
    }
    counter->Add();
  }

  Counter& Look(int status) const {
    return registry->GetCounter("vitrine_http_requests_total", "Requests answered.",
                                {{"route", route},
                                 {"method", std::string(MethodName(method))},
                                 {"status", std::to_string(status)}});
  }

  MetricRegistry* registry;
  std::string route;
  Method method;
  Histogram* seconds = nullptr;
  std::array<std::atomic<Counter*>, kStatuses.size()> counters{};
};

struct Router::Compiled {
  const Route* route = nullptr;
  std::vector<Segment> segments;
  std::size_t literals = 0;  // how specific the pattern is
  std::unique_ptr<Meters> meters;
};

Router::Router(std::vector<Route> routes, const Authorizer& authorizer, RouterOptions options)
    : routes_(std::move(routes)),
      authorizer_(authorizer),
      options_(std::move(options)),
      tracer_(options_.trace) {
  for (const Route& route : routes_) {
    auto compiled = std::make_unique<Compiled>();
    compiled->route = &route;
    for (const std::string_view part : Split(route.pattern)) {
      compiled->segments.push_back(Compile(part));
      const Segment& segment = compiled->segments.back();
      compiled->literals += segment.argument ? (segment.verb.empty() ? 0 : 1) : 2;
    }
    compiled->meters =
        std::make_unique<Meters>(options_.metrics, std::string(route.pattern), route.method);
    compiled_.push_back(std::move(compiled));
  }
  std::stable_sort(compiled_.begin(), compiled_.end(),
                   [](const auto& a, const auto& b) { return a->literals > b->literals; });
  unmatched_ = std::make_unique<Meters>(options_.metrics, "unmatched", Method::kOther);
}

Router::~Router() = default;

Router::Match Router::Find(Request& request) const {
  const auto parts = Split(request.path());
  const Method method = request.method() == Method::kHead ? Method::kGet : request.method();
  Match match;
  std::size_t literals = 0;  // of the path that was found: less literal patterns are other paths
  for (const auto& candidate : compiled_) {
    if (candidate->segments.size() != parts.size() ||
        (!match.allow.empty() && candidate->literals < literals)) {
      continue;
    }
    bool fits = true;
    for (std::size_t i = 0; i < parts.size() && fits; ++i) {
      const Segment& segment = candidate->segments[i];
      fits = segment.argument
                 ? parts[i].size() > segment.verb.size() && parts[i].ends_with(segment.verb)
                 : parts[i] == segment.literal;
    }
    if (!fits) {
      continue;
    }
    if (candidate->route->method != method) {
      match.allow.append(match.allow.empty() ? "" : ", ");
      match.allow.append(MethodName(candidate->route->method));
      literals = candidate->literals;
      continue;
    }
    std::size_t arg = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const Segment& segment = candidate->segments[i];
      if (segment.argument) {
        const auto raw = parts[i].substr(0, parts[i].size() - segment.verb.size());
        match.bad_path |= !PercentDecode(raw, false, request.scope().args[arg++]);
      }
    }
    match.route = candidate.get();
    return match;
  }
  return match;
}

bool Router::HostAllowed(std::string_view host) const {
  const std::string_view name = HostName(host);
  return IsAddress(name) || EqualNoCase(name, "localhost") ||
         std::any_of(options_.allowed_hosts.begin(), options_.allowed_hosts.end(),
                     [&](const std::string& allowed) { return EqualNoCase(allowed, name); });
}

// A browser that was led here by a page of another site says so in Host (a name of that site that
// points to us) or in Origin.
bool Router::CheckOrigin(const Request& head, Response& response) const {
  if (head.peer().kind == Peer::Kind::kUnix) {
    return true;
  }
  const std::string_view host = head.header("Host");
  if (!host.empty() && !HostAllowed(host)) {
    WriteProblem(response, head.id(), 403, "host_not_allowed",
                 "The Host '" + std::string(HostName(host)) +
                     "' is not one this server goes by. Add it to server.hosts.");
    return false;
  }
  if (!head.HasHeader("Origin")) {
    return true;
  }
  const std::string_view origin = head.header("Origin");
  const std::size_t scheme = origin.find("://");
  const bool own = scheme != std::string_view::npos && !host.empty() &&
                   EqualNoCase(origin.substr(scheme + 3), host);
  const bool allowed = std::any_of(options_.allowed_origins.begin(), options_.allowed_origins.end(),
                                   [&](const std::string& a) { return EqualNoCase(a, origin); });
  if (!own && !allowed) {
    WriteProblem(response, head.id(), 403, "origin_not_allowed",
                 "Pages of this origin may not call this server. Add it to server.origins.");
    return false;
  }
  return true;
}

RequestHandler::Placement Router::Admit(Request& head, Response& response) {
  tracer_.Begin(head);
  const Match match = Find(head);
  head.scope().route = match.route;
  if (!CheckOrigin(head, response)) {
    return Placement::kRefused;
  }
  const bool is_public =
      match.route != nullptr && match.route->route->permission == Permission::kPublic;
  // Asked before anything is said about the path, so that nobody without a key can explore it.
  auto principal = authorizer_.Check(head);
  if (!principal.ok() && !is_public) {
    if (principal.status().code() == Code::kUnauthenticated) {
      response.AddHeader("WWW-Authenticate", "Bearer");
    }
    WriteProblem(response, head.id(), principal.status());
    return Placement::kRefused;
  }
  if (principal.ok()) {
    head.scope().principal = principal->name;
    head.scope().permissions = principal->permissions;
  }
  if (match.route == nullptr) {
    if (match.allow.empty()) {
      WriteProblem(response, head.id(), 404, "no_such_route",
                   "There is nothing at " + std::string(head.path()) +
                       ". GET /openapi.yaml lists what there is.");
    } else {
      response.AddHeader("Allow", match.allow);
      WriteProblem(response, head.id(), 405, "method_not_allowed",
                   std::string(head.path()) + " takes " + match.allow + ", not " +
                       std::string(head.method_text()) + ".");
    }
    return Placement::kRefused;
  }
  const Route& route = *match.route->route;
  if (!is_public && !principal->May(route.permission)) {
    WriteProblem(response, head.id(), 403, "permission_denied", ScopeNeeded(route.permission));
    return Placement::kRefused;
  }
  if (match.bad_path) {
    WriteProblem(response, head.id(), 400, "bad_path",
                 "The path holds a % that two hexadecimal digits do not follow.");
    return Placement::kRefused;
  }
  if (route.body_limit != 0) {
    head.set_body_limit(route.body_limit);
  }
  return route.placement;
}

void Router::Handle(Request& request, Response& response) {
  const auto* compiled = static_cast<const Compiled*>(request.scope().route);
  CHECK(compiled != nullptr);
  // Answers of the API may be personal; a route for everybody says what may be kept.
  if (compiled->route->permission != Permission::kPublic) {
    response.AddHeader("Cache-Control", "no-store");
  }
  compiled->route->handler(request, response);
}

void Router::Finished(const Request& request, int status,
                      std::chrono::steady_clock::time_point begun,
                      std::chrono::steady_clock::time_point ended) {
  const auto* compiled = static_cast<const Compiled*>(request.scope().route);
  Meters& meters = compiled != nullptr ? *compiled->meters : *unmatched_;
  const double took = std::chrono::duration<double>(ended - begun).count();
  if (!request.scope().trace.sampled()) {
    meters.Count(status, took, nullptr);
    return;
  }
  const std::string_view route =
      compiled != nullptr ? compiled->route->pattern : std::string_view();
  const Exemplar exemplar = tracer_.Finish(request, route, status, begun, ended);
  meters.Count(status, took, &exemplar);
}

}  // namespace vitrine::http
