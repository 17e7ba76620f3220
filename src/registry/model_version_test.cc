#include "registry/model_version.h"

#include <gtest/gtest.h>

#include "registry/ports.h"

namespace vitrine::registry {
namespace {

TEST(VersionRef, RoundTrips) {
  EXPECT_EQ(VersionRef::Parse("item-knn:3").value(), (VersionRef{"item-knn", 3}));
  EXPECT_EQ((VersionRef{"sasrec", 12}).ToString(), "sasrec:12");
}

TEST(VersionRef, RefusesWhatIsNotOne) {
  for (const char* text :
       {"", "a", ":1", "a:", "a:0", "a:-1", "a:1x", "A:1", "../x:1", "a:99999999999"}) {
    EXPECT_EQ(VersionRef::Parse(text).status().code(), Code::kInvalidArgument) << text;
  }
}

TEST(ModelName, RefusesPathsAndEmptyNames) {
  EXPECT_TRUE(CheckModelName("sasrec_v2.small").ok());
  for (const std::string& name : {std::string(), std::string("."), std::string("../a"),
                                  std::string("a/b"), std::string(65, 'a'), std::string("-a")}) {
    EXPECT_FALSE(CheckModelName(name).ok()) << name;
  }
}

TEST(AuditHash, EveryFieldCounts) {
  const AuditEntry base{.number = 1, .time = {5}, .actor = "a", .action = "b", .subject = "c"};
  const std::string hash = AuditHash("", base);
  AuditEntry moved = base;
  moved.actor = "";
  moved.action = "ab";  // the same bytes, in another field
  EXPECT_NE(AuditHash("", moved), hash);
  EXPECT_NE(AuditHash("x", base), hash);
  AuditEntry later = base;
  later.time = {6};
  EXPECT_NE(AuditHash("", later), hash);
}

}  // namespace
}  // namespace vitrine::registry
