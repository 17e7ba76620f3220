/// The product's one table of routes: method, path, permission, where it runs, who answers.
/// api/openapi.yaml describes the same table; a test compares them.
#pragma once

#include <string_view>
#include <vector>

#include "transport/http/router.h"
#include "transport/http/services.h"

namespace vitrine::http {

/// `services` must outlive the routes.
std::vector<Route> ApiRoutes(const Services& services);

/// The contract as it is served at /openapi.yaml.
std::string_view OpenApiYaml();

}  // namespace vitrine::http
