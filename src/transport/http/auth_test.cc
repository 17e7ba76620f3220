#include "transport/http/auth.h"

#include <gtest/gtest.h>

#include <set>

#include "transport/http/fake_keys_testing.h"
#include "transport/http/request_testing.h"

namespace vitrine::http {
namespace {

// A request with these header lines, without a peer (a caller on the network).
void Read(Request& request, const std::string& headers) {
  RequestParser parser({});
  parser.Start(request);
  std::size_t used = 0;
  ASSERT_EQ(parser.Feed("GET / HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n", used),
            RequestParser::State::kDone);
}

TEST(ApiKey, HasAShapeThatIsChecked) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string key = NewApiKey();
    EXPECT_EQ(key.size(), 53U);
    EXPECT_TRUE(IsApiKey(key)) << key;
    EXPECT_TRUE(seen.insert(key).second);
    std::string changed = key;
    const std::size_t at = 4 + static_cast<std::size_t>(i) % 49;
    changed[at] = changed[at] == 'a' ? 'b' : 'a';
    EXPECT_FALSE(IsApiKey(changed)) << changed;
  }
  EXPECT_FALSE(IsApiKey(""));
  EXPECT_FALSE(IsApiKey("vit_"));
  EXPECT_FALSE(IsApiKey(std::string(53, 'x')));
}

TEST(Scope, ListsNamesAndAdminHoldsAll) {
  EXPECT_EQ(ParseScope("ingest").value(), 1U);
  EXPECT_EQ(ParseScope("ingest,serve").value(), 3U);
  EXPECT_EQ(ParseScope("admin").value(), kAllPermissions);
  EXPECT_FALSE(ParseScope("").ok());
  EXPECT_FALSE(ParseScope("root").ok());
  EXPECT_FALSE(ParseScope("ingest,,serve").ok());
}

TEST(DecideAuth, OnlyLoopbackRunsWithoutKeys) {
  const std::vector<Listener> local = {Listener{}, {Listener::Kind::kUnix, "/x", 0}};
  const std::vector<Listener> open = {Listener{}, {Listener::Kind::kTcp, "0.0.0.0", 80}};
  EXPECT_EQ(DecideAuth(false, local, false).value(), AuthMode::kOpen);
  EXPECT_EQ(DecideAuth(true, local, true).value(), AuthMode::kKeys);
  EXPECT_EQ(DecideAuth(false, open, true).value(), AuthMode::kKeys);
  for (const auto& refused : {DecideAuth(true, local, false), DecideAuth(false, open, false)}) {
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.status().code(), Code::kFailedPrecondition);
    EXPECT_NE(refused.status().message().find("vitrine key create"), std::string::npos);
  }
}

TEST(Authorizer, TakesKeysFromEitherHeader) {
  FakeKeys keys;
  const std::string secret = keys.Add("serve");
  const Authorizer authorizer(AuthMode::kKeys, &keys);
  for (const std::string& header : {"Authorization: Bearer " + secret,
                                    "authorization: bearer " + secret, "X-API-Key: " + secret}) {
    Request request;
    Read(request, header + "\r\n");
    const auto principal = authorizer.Check(request);
    ASSERT_TRUE(principal.ok()) << header;
    EXPECT_EQ(principal->name, "key-serve");
    EXPECT_TRUE(principal->May(Permission::kServe));
    EXPECT_FALSE(principal->May(Permission::kIngest));
  }
}

TEST(Authorizer, RefusesMissingUnknownRevokedAndExpiredKeysAlike) {
  FakeKeys keys;
  const std::string revoked = keys.Add("admin");
  keys.keys.begin()->second.revoked = true;
  const std::string expired = keys.Add("serve");
  keys.keys[KeyHash(expired)].expires = Micros{1};
  const Authorizer authorizer(AuthMode::kKeys, &keys);
  std::set<std::string> messages;
  for (const std::string& header :
       {"X-API-Key: " + NewApiKey() + "\r\n", "X-API-Key: " + revoked + "\r\n",
        "X-API-Key: " + expired + "\r\n", std::string("X-API-Key: vit_nonsense\r\n"),
        std::string("Authorization: Basic dTpw\r\n")}) {
    Request request;
    Read(request, header);
    const auto principal = authorizer.Check(request);
    ASSERT_FALSE(principal.ok()) << header;
    EXPECT_EQ(principal.status().code(), Code::kUnauthenticated);
    messages.insert(principal.status().message());
  }
  EXPECT_EQ(messages.size(), 1U);
  Request none;
  Read(none, "");
  EXPECT_EQ(authorizer.Check(none).status().code(), Code::kUnauthenticated);
}

TEST(Authorizer, OpenModeIsForThisMachineOnly) {
  const Authorizer authorizer(AuthMode::kOpen, nullptr);
  Request remote;  // its peer is some TCP address
  Read(remote, "");
  EXPECT_FALSE(authorizer.Check(remote).ok());
}

TEST(Authorizer, AStoreThatFailsIsNotABadKey) {
  FakeKeys keys;
  const std::string secret = keys.Add("serve");
  keys.failure = Unavailable("disk");
  const Authorizer authorizer(AuthMode::kKeys, &keys);
  Request request;
  Read(request, "X-API-Key: " + secret + "\r\n");
  EXPECT_EQ(authorizer.Check(request).status().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace vitrine::http
