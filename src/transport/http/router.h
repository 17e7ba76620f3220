/// From a request to its route: the one place that checks Host, Origin, key and scope, before a
/// handler or a body is looked at. The product's table is in routes.cc.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/metrics.h"
#include "transport/http/auth.h"
#include "transport/http/server.h"
#include "transport/http/tracer.h"

namespace vitrine::http {

using RouteHandler = std::function<void(Request&, Response&)>;

/// A pattern is a path whose segments are literal, "{name}", or "{name}:verb"; a literal segment
/// may carry ":verb" too. The more literal pattern wins. Arguments arrive decoded in
/// Request::arg, in order.
struct Route {
  Method method = Method::kGet;
  std::string_view pattern;
  Permission permission = Permission::kAdmin;
  RequestHandler::Placement placement = RequestHandler::Placement::kInline;
  RouteHandler handler;
  std::size_t body_limit = 0;  ///< 0: the server's
};

struct RouterOptions {
  /// Host names (no port) that may stand in the Host header beside IP addresses and localhost. A
  /// web page of another name cannot reach the server through a visitor's browser.
  std::vector<std::string> allowed_hosts;
  /// Origins ("https://shop.example") of pages that may call from a browser; the server's own
  /// origin always may.
  std::vector<std::string> allowed_origins;
  MetricRegistry* metrics = nullptr;  ///< must outlive the router
  TracerOptions trace;
};

class Router : public RequestHandler {
 public:
  /// `authorizer` must outlive the router. Precondition: patterns are well-formed and distinct.
  Router(std::vector<Route> routes, const Authorizer& authorizer, RouterOptions options);
  ~Router() override;

  Placement Admit(Request& head, Response& response) override;
  void Handle(Request& request, Response& response) override;
  void Finished(const Request& request, int status, std::chrono::steady_clock::time_point begun,
                std::chrono::steady_clock::time_point ended) override;

  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

 private:
  struct Compiled;
  struct Meters;
  struct Match {
    const Compiled* route = nullptr;
    std::string allow;      ///< methods of the path, where none is the request's
    bool bad_path = false;  ///< an argument is not properly percent-encoded
  };
  Match Find(Request& request) const;
  bool CheckOrigin(const Request& head, Response& response) const;
  bool HostAllowed(std::string_view host) const;

  std::vector<Route> routes_;
  std::vector<std::unique_ptr<Compiled>> compiled_;
  const Authorizer& authorizer_;
  RouterOptions options_;
  Tracer tracer_;
  std::unique_ptr<Meters> unmatched_;
};

}  // namespace vitrine::http
