#include "transport/http/routes.h"

#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "transport/http/fake_keys_testing.h"
#include "transport/http/request_testing.h"

namespace vitrine::http {
namespace {

// The pattern with something in the place of each argument.
std::string Filled(std::string_view pattern) {
  return std::regex_replace(std::string(pattern), std::regex("\\{[a-z]+\\}"), "x");
}

class RoutesTest : public ::testing::Test {
 protected:
  RoutesTest()
      : authorizer_(AuthMode::kKeys, &keys_), router_(ApiRoutes(services_), authorizer_, {}) {}

  int Call(Method method, std::string_view path, const std::string& headers = {}) {
    const std::string line = std::string(MethodName(method)) + " " + std::string(path);
    DirectCall call(router_, RequestText(line, "{}", headers));
    EXPECT_TRUE(call.response.status != 200 || !call.response.body.empty() ||
                call.response.is_stream())
        << line;
    return call.response.status;
  }

  Services services_;
  FakeKeys keys_;
  Authorizer authorizer_;
  Router router_;
};

TEST_F(RoutesTest, NoRouteOrMethodAnswersWithoutAKey) {
  std::size_t open = 0;
  for (const Route& route : router_.routes()) {
    for (int m = 0; m < kMethods - 1; ++m) {
      const auto method = static_cast<Method>(m);
      const int status = Call(method, Filled(route.pattern));
      const bool is_get = method == Method::kGet || method == Method::kHead;
      if (route.permission == Permission::kPublic && is_get) {
        EXPECT_EQ(status, 200) << MethodName(method) << " " << route.pattern;
        ++open;
      } else {
        EXPECT_EQ(status, 401) << MethodName(method) << " " << route.pattern;
      }
    }
  }
  EXPECT_EQ(open, 12U) << "a route that nobody needs a key for was added or removed";
}

TEST_F(RoutesTest, EachRouteAnswersItsScopeAndNoOther) {
  const std::map<std::string, std::string> secrets = {{"ingest", keys_.Add("ingest")},
                                                      {"serve", keys_.Add("serve")},
                                                      {"operate", keys_.Add("operate")},
                                                      {"admin", keys_.Add("admin")}};
  for (const Route& route : router_.routes()) {
    for (const auto& [scope, secret] : secrets) {
      const int status = Call(route.method, Filled(route.pattern), "X-API-Key: " + secret + "\r\n");
      const bool may = route.permission == Permission::kPublic || scope == "admin" ||
                       scope == PermissionName(route.permission);
      EXPECT_EQ(status == 403, !may) << scope << ": " << MethodName(route.method) << " "
                                     << route.pattern << " gave " << status;
      EXPECT_NE(status, 401) << route.pattern;
      EXPECT_NE(status, 404) << route.pattern;
    }
  }
}

TEST_F(RoutesTest, AServiceThatIsNotThereIsNamed) {
  const std::string admin = keys_.Add("admin");
  for (const Route& route : router_.routes()) {
    if (route.permission == Permission::kPublic) {
      continue;
    }
    DirectCall call(router_,
                    RequestText(std::string(MethodName(route.method)) + " " + Filled(route.pattern),
                                "{}", "X-API-Key: " + admin + "\r\n"));
    EXPECT_EQ(call.response.status, 503) << route.pattern << call.response.body;
    EXPECT_NE(call.response.body.find("not_configured"), std::string::npos) << route.pattern;
  }
}

// "GET /path permission" of each operation of the contract, read line by line: its layout (two
// spaces a level) is part of what this test holds.
std::set<std::string> ContractRoutes() {
  std::set<std::string> routes;
  std::istringstream lines{std::string(OpenApiYaml())};
  const std::regex path("  (/[^ ]*):");
  const std::regex method("    (get|put|post|patch|delete):");
  const std::regex permission("      x-permission: ([a-z]+)");
  std::string line;
  std::string current_path;
  std::string current_method;
  bool in_paths = false;
  while (std::getline(lines, line)) {
    std::smatch match;
    if (!line.empty() && line[0] != ' ') {
      in_paths = line == "paths:";
    } else if (in_paths && std::regex_match(line, match, path)) {
      current_path = match[1];
    } else if (in_paths && std::regex_match(line, match, method)) {
      current_method = match[1];
      for (char& c : current_method) {
        c = static_cast<char>(c - 'a' + 'A');
      }
    } else if (in_paths && std::regex_match(line, match, permission)) {
      routes.insert(current_method + " " + current_path + " " + std::string(match[1]));
    }
  }
  return routes;
}

TEST_F(RoutesTest, TheContractListsExactlyTheTable) {
  std::set<std::string> table;
  for (const Route& route : router_.routes()) {
    table.insert(std::string(MethodName(route.method)) + " " + std::string(route.pattern) + " " +
                 std::string(PermissionName(route.permission)));
  }
  EXPECT_EQ(table.size(), router_.routes().size());
  EXPECT_EQ(ContractRoutes(), table);
}

}  // namespace
}  // namespace vitrine::http
