#include "transport/http/router.h"

#include <gtest/gtest.h>

#include "transport/http/fake_keys_testing.h"
#include "transport/http/request_testing.h"

namespace vitrine::http {
namespace {

Route Echo(Method method, std::string_view pattern, Permission permission = Permission::kServe) {
  return {method,
          pattern,
          permission,
          RequestHandler::Placement::kInline,
          [pattern](Request& request, Response& response) {
            response.body.append(pattern).append("|").append(request.arg(0));
            response.body.append("|").append(request.arg(1));
          },
          0};
}

class RouterTest : public ::testing::Test {
 protected:
  RouterTest()
      : serve_(keys_.Add("serve")),
        authorizer_(AuthMode::kKeys, &keys_),
        router_({Echo(Method::kGet, "/a"), Echo(Method::kPost, "/a"), Echo(Method::kGet, "/a/{x}"),
                 Echo(Method::kPost, "/a/{x}:go"), Echo(Method::kPost, "/a:go"),
                 Echo(Method::kGet, "/a/{x}/b/{y}"), Echo(Method::kGet, "/a/known"),
                 Echo(Method::kGet, "/admin", Permission::kAdmin),
                 Echo(Method::kGet, "/open", Permission::kPublic)},
                authorizer_, {{"shop.example"}, {"https://shop.example"}, &metrics_}) {}

  // Calls with the serve key unless `headers` say otherwise.
  Response Call(std::string_view line, std::string_view headers = {}) {
    const std::string key = "X-API-Key: " + serve_ + "\r\n";
    DirectCall call(router_, RequestText(line, {}, key + std::string(headers)));
    return std::move(call.response);
  }

  MetricRegistry metrics_;
  FakeKeys keys_;
  std::string serve_;
  Authorizer authorizer_;
  Router router_;
};

TEST_F(RouterTest, FindsTheMostLiteralPattern) {
  EXPECT_EQ(Call("GET /a").body, "/a||");
  EXPECT_EQ(Call("HEAD /a").body, "/a||");
  EXPECT_EQ(Call("GET /a/7").body, "/a/{x}|7|");
  EXPECT_EQ(Call("GET /a/known").body, "/a/known||");
  EXPECT_EQ(Call("POST /a:go").body, "/a:go||");
  EXPECT_EQ(Call("POST /a/7:go").body, "/a/{x}:go|7|");
  EXPECT_EQ(Call("GET /a/1/b/2?q=3").body, "/a/{x}/b/{y}|1|2");
}

TEST_F(RouterTest, DecodesArgumentsAfterMatching) {
  EXPECT_EQ(Call("GET /a/x%2Fy%20z+").body, "/a/{x}|x/y z+|");
  EXPECT_EQ(Call("GET /a/7%3Ago").body, "/a/{x}|7:go|");
  EXPECT_EQ(Call("GET /a/%zz").status, 400);
  EXPECT_EQ(Call("GET /a/%00").status, 400);
}

TEST_F(RouterTest, SaysWhatAPathTakes) {
  const Response wrong = Call("DELETE /a");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_NE(wrong.header_lines().find("Allow: GET, POST\r\n"), std::string::npos)
      << wrong.header_lines();
  EXPECT_EQ(Call("GET /a/7:go").status, 405);
  EXPECT_EQ(Call("OPTIONS /a").status, 405);
  EXPECT_EQ(Call("BREW /a").status, 405);
  for (const char* path : {"/nothing", "/a/", "//a", "/a/1/b", "/a/1/b/2/3", "/A"}) {
    const Response none = Call(std::string("GET ") + path);
    EXPECT_EQ(none.status, 404) << path;
    EXPECT_NE(none.body.find("no_such_route"), std::string::npos);
  }
}

TEST_F(RouterTest, AsksForTheKeyBeforeItSaysAnything) {
  for (const char* line : {"GET /a", "GET /nothing", "DELETE /a", "GET /admin"}) {
    DirectCall call(router_, RequestText(line));
    EXPECT_EQ(call.response.status, 401) << line;
    EXPECT_NE(call.response.header_lines().find("WWW-Authenticate: Bearer"), std::string::npos);
  }
  EXPECT_EQ(Call("GET /admin").status, 403);
  DirectCall open(router_, RequestText("GET /open"));
  EXPECT_EQ(open.response.status, 200);
}

TEST_F(RouterTest, PersonalAnswersAreNotStored) {
  EXPECT_NE(Call("GET /a").header_lines().find("Cache-Control: no-store"), std::string::npos);
}

TEST_F(RouterTest, ChecksHostAndOrigin) {
  const auto host = [&](const std::string& name) {
    return DirectCall(router_, "GET /open HTTP/1.1\r\nHost: " + name + "\r\n\r\n").response.status;
  };
  for (const char* good : {"localhost", "LOCALHOST:80", "127.0.0.1:7700", "[::1]:7700", "10.1.2.3",
                           "shop.example", "Shop.Example:8443"}) {
    EXPECT_EQ(host(good), 200) << good;
  }
  for (const char* bad : {"evil.example", "localhost.evil.example:80", "127.0.0.1.evil.example",
                          "shop.example.evil", "[::1"}) {
    EXPECT_EQ(host(bad), 403) << bad;
  }
  const auto origin = [&](const std::string& value) {
    return Call("GET /a", "Origin: " + value + "\r\n").status;
  };
  EXPECT_EQ(origin("http://localhost"), 200);
  EXPECT_EQ(origin("https://shop.example"), 200);
  for (const char* bad :
       {"http://evil.example", "null", "", "https://shop.example.evil", "http://localhost:81"}) {
    EXPECT_EQ(origin(bad), 403) << bad;
  }
}

TEST_F(RouterTest, CountsByPatternNotByPath) {
  Call("GET /a/1");
  Call("GET /a/2");
  Call("GET /nothing/secret");
  const auto samples = metrics_.Samples();
  EXPECT_EQ(
      samples.at("vitrine_http_requests_total{route=\"/a/{x}\",method=\"GET\",status=\"200\"}"), 2);
  for (const auto& [name, value] : samples) {
    EXPECT_EQ(name.find("secret"), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace vitrine::http
